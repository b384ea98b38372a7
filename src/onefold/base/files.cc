// SPDX-License-Identifier: Apache-2.0
#include "onefold/base/files.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace onefold {
namespace fs = std::filesystem;
namespace {

Status errno_status(const std::string& path) {
  std::string message = path + ": " + std::strerror(errno);
  return errno == ENOENT ? not_found(std::move(message)) : io_error(std::move(message));
}

Status sync_path(const std::string& path, int flags) {
  int fd = ::open(path.c_str(), flags);
  if (fd < 0) return errno_status(path);
  int rc = ::fsync(fd);
  int saved = errno;
  ::close(fd);
  // Some file systems do not sync directories; that is not the caller's error.
  if (rc != 0 && saved != EINVAL) {
    errno = saved;
    return errno_status(path);
  }
  return {};
}

std::string parent_of(const std::string& path) {
  std::string parent = fs::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

constexpr const char* kStagingSuffix = ".staging-";

// Removes staging directories of `destination` whose process no longer runs.
void remove_abandoned(const fs::path& destination) {
  std::error_code error;
  const std::string prefix = destination.filename().string() + kStagingSuffix;
  for (const auto& entry : fs::directory_iterator(parent_of(destination.string()), error)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind(prefix, 0) != 0) continue;
    pid_t pid = 0;
    std::from_chars(name.data() + prefix.size(), name.data() + name.size(), pid);
    if (pid > 0 && pid != ::getpid() && ::kill(pid, 0) == 0) continue;  // still being written
    std::error_code ignored;
    fs::remove_all(entry.path(), ignored);
  }
}

}  // namespace

Result<std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return errno_status(path);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  if (in.bad()) return io_error(path + ": read failed");
  return std::move(bytes).str();
}

Status write_file_atomic(const std::string& path, std::string_view bytes) {
  const std::string temporary = path + ".tmp";
  {
    std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
    if (!out) return errno_status(temporary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    out.close();
    if (!out) return io_error(temporary + ": write failed (disk full?)");
  }
  return publish_file(temporary, path);
}

Status publish_file(const std::string& temporary, const std::string& path) {
  ONEFOLD_RETURN_IF_ERROR(sync_path(temporary, O_RDONLY));
  if (::rename(temporary.c_str(), path.c_str()) != 0) return errno_status(path);
  return sync_path(parent_of(path), O_RDONLY | O_DIRECTORY);
}

Status make_directories(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return io_error(path + ": " + error.message());
  return {};
}

Result<std::vector<std::string>> list_files(const std::string& directory) {
  std::error_code error;
  if (!fs::exists(directory, error)) return not_found(directory + ": no such directory");
  if (!fs::is_directory(directory, error)) return not_found(directory + ": not a directory");
  std::vector<std::string> names;
  for (auto it = fs::recursive_directory_iterator(directory, error);
       !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!it->is_regular_file() || name.starts_with('.') || name.ends_with(".tmp")) continue;
    names.push_back(fs::relative(it->path(), directory).string());
  }
  if (error) return io_error(directory + ": " + error.message());
  std::sort(names.begin(), names.end());
  return names;
}

Result<uint64_t> file_size(const std::string& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error) return not_found(path + ": " + error.message());
  return static_cast<uint64_t>(size);
}

bool path_exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

Result<StagingDirectory> StagingDirectory::create(const std::string& destination) {
  std::string clean = fs::path(destination).lexically_normal().string();
  while (clean.size() > 1 && clean.back() == '/') clean.pop_back();
  ONEFOLD_RETURN_IF_ERROR(make_directories(parent_of(clean)));
  remove_abandoned(clean);
  const std::string path = clean + kStagingSuffix + std::to_string(::getpid());
  ONEFOLD_RETURN_IF_ERROR(make_directories(path));
  return StagingDirectory(path, clean);
}

StagingDirectory::StagingDirectory(StagingDirectory&& other) noexcept
    : path_(std::move(other.path_)), destination_(std::move(other.destination_)) {
  other.path_.clear();
}

StagingDirectory& StagingDirectory::operator=(StagingDirectory&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(destination_, other.destination_);
  return *this;
}

StagingDirectory::~StagingDirectory() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

Status StagingDirectory::commit() {
  ONEFOLD_CHECK(!path_.empty(), "the staging directory was committed before");
  ONEFOLD_RETURN_IF_ERROR(sync_path(path_, O_RDONLY | O_DIRECTORY));
  if (::rename(path_.c_str(), destination_.c_str()) != 0) {
    if (errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR) return errno_status(destination_);
    if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, destination_.c_str(), RENAME_EXCHANGE) != 0) {
      return errno_status(destination_);
    }
    std::error_code ignored;
    fs::remove_all(path_, ignored);  // now the old contents
  }
  path_.clear();
  return sync_path(parent_of(destination_), O_RDONLY | O_DIRECTORY);
}

}  // namespace onefold
