// SPDX-License-Identifier: Apache-2.0
#include "onefold/base/files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <utility>

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "onefold/base/staging_cleanup.h"

namespace onefold {
namespace fs = std::filesystem;
namespace {

// fsyncs a file or directory.
Status sync_path(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return os_error(path, errno);
  const int error = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  // Some file systems do not sync directories; that is not the caller's error.
  if (error != 0 && error != EINVAL) return os_error(path, error);
  return {};
}

// fsyncs every file and directory below `directory`, and it last.
Status sync_tree(const std::string& directory) {
  std::error_code error;
  for (auto it = fs::recursive_directory_iterator(directory, error);
       !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    if (it->is_symlink(error)) continue;
    ONEFOLD_RETURN_IF_ERROR(sync_path(it->path().string()));
  }
  if (error) return os_error(directory, error.value());
  return sync_path(directory);
}

std::string parent_of(const std::string& path) {
  std::string parent = fs::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

constexpr const char* kStagingSuffix = ".staging-";

// The staging directories of this process. Never destroyed: a thread may ask while main() ends.
struct OpenStagings {
  std::mutex mutex;
  std::set<std::string> paths;
  bool removed = false;  // remove_staging_directories() was called
};
OpenStagings& open_stagings() {
  static auto& stagings = *new OpenStagings();
  return stagings;
}
void forget_staging(const std::string& path) {
  const std::lock_guard lock(open_stagings().mutex);
  open_stagings().paths.erase(path);
}

// Opens and locks a staging directory; closing the descriptor unlocks. On failure -errno:
// -EWOULDBLOCK when somebody else holds it, -ENOENT when it is gone.
int lock_directory(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return -errno;
  int error = ::flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
  struct stat locked, named;
  // The name may meanwhile stand for another directory, or for none: then the lock is worthless.
  if (error == 0 && (::fstat(fd, &locked) != 0 || ::stat(path.c_str(), &named) != 0 ||
                     locked.st_ino != named.st_ino)) {
    error = ENOENT;
  }
  if (error == 0) return fd;
  ::close(fd);
  return -error;
}

// Removes staging directories of `destination` whose owner is dead: what can be locked.
void remove_abandoned(const std::string& destination) {
  std::error_code error;
  const std::string prefix = fs::path(destination).filename().string() + kStagingSuffix;
  for (const auto& entry : fs::directory_iterator(parent_of(destination), error)) {
    const std::string name = entry.path().filename().string();
    // Only names that create() gives: digits and '-' after the suffix.
    if (!name.starts_with(prefix) ||
        name.find_first_not_of("0123456789-", prefix.size()) != std::string::npos) {
      continue;
    }
    const int fd = lock_directory(entry.path().string());
    if (fd < 0) continue;
    std::error_code ignored;
    fs::remove_all(entry.path(), ignored);
    ::close(fd);
  }
}

}  // namespace

Status os_error(const std::string& path, int error) {
  std::string message = path + ": " + std::strerror(error);
  return error == ENOENT ? not_found(std::move(message)) : io_error(std::move(message));
}

Result<std::string> read_file(const std::string& path) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                       &std::fclose);
  if (!file) return os_error(path, errno);
  std::string bytes;
  char block[1 << 16];
  while (size_t size = std::fread(block, 1, sizeof(block), file.get())) bytes.append(block, size);
  if (std::ferror(file.get())) return os_error(path, errno);
  return bytes;
}

Status write_file_atomic(const std::string& path, std::string_view bytes) {
  const std::string temporary = path + ".tmp";
  std::FILE* file = std::fopen(temporary.c_str(), "wb");
  if (!file) return os_error(temporary, errno);
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  const int write_error = errno;
  const bool closed = std::fclose(file) == 0;
  Status status;
  if (!written || !closed) {
    status = os_error(temporary, written ? errno : write_error);
  } else {
    status = publish_file(temporary, path);
  }
  if (!status.ok()) ::unlink(temporary.c_str());
  return status;
}

Status publish_file(const std::string& temporary, const std::string& path) {
  ONEFOLD_RETURN_IF_ERROR(sync_path(temporary));
  if (::rename(temporary.c_str(), path.c_str()) != 0) return os_error(path, errno);
  return sync_path(parent_of(path));
}

Status make_directories(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return io_error(path + ": " + error.message());
  return {};
}

Result<std::vector<std::string>> list_files(const std::string& directory) {
  std::error_code error;
  const fs::file_status status = fs::status(directory, error);
  if (!fs::exists(status)) return os_error(directory, error.value());
  if (!fs::is_directory(status)) return io_error(directory + ": not a directory");
  std::vector<std::string> names;
  for (auto it = fs::recursive_directory_iterator(directory, error);
       !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    const std::string name = it->path().filename().string();
    std::error_code ignored;  // of a dangling link: it is no regular file
    if (name.starts_with('.')) {
      it.disable_recursion_pending();
    } else if (it->is_regular_file(ignored) && !name.ends_with(".tmp")) {
      names.push_back(it->path().lexically_relative(directory).string());
    }
  }
  if (error) return io_error(directory + ": " + error.message());
  std::sort(names.begin(), names.end());
  return names;
}

Result<uint64_t> file_size(const std::string& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error) return os_error(path, error.value());
  return static_cast<uint64_t>(size);
}

bool path_exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

Result<StagingDirectory> StagingDirectory::create(const std::string& destination) {
  std::string clean = fs::path(destination).lexically_normal().string();
  while (clean.size() > 1 && clean.back() == '/') clean.pop_back();
  std::error_code error;
  if (fs::is_symlink(fs::symlink_status(clean, error))) {
    clean = fs::canonical(clean, error).string();
    if (error) return os_error(destination, error.value());
  }
  const std::string name = fs::path(clean).filename().string();
  if (name.empty() || name == "." || name == "..") {
    return invalid_argument("'" + destination + "': give a directory by its own name");
  }
  if (path_exists(clean) && !fs::is_directory(clean, error)) {
    return invalid_argument(destination + ": is there already and is not a directory");
  }
  ONEFOLD_RETURN_IF_ERROR(make_directories(parent_of(clean)));
  remove_abandoned(clean);
  for (int attempt = 0;; ++attempt) {
    const std::string path =
        clean + kStagingSuffix + std::to_string(::getpid()) + "-" + std::to_string(attempt);
    if (::mkdir(path.c_str(), 0777) != 0) {
      if (errno == EEXIST) continue;  // another thread's, or another container's with this pid
      return os_error(parent_of(clean) + ": cannot make a directory there", errno);
    }
    const int fd = lock_directory(path);
    // Another create() can take it for abandoned before we hold it, and remove it.
    if (fd == -EWOULDBLOCK || fd == -ENOENT) continue;
    // Any other error: no flock() on this file system. Then nobody can lock it, so nobody will
    // remove it either; after a kill it stays until somebody does by hand.
    const std::lock_guard lock(open_stagings().mutex);
    open_stagings().paths.insert(path);
    return StagingDirectory(path, clean, std::max(fd, -1));
  }
}

StagingDirectory::StagingDirectory(StagingDirectory&& other) noexcept
    : path_(std::exchange(other.path_, {})),
      destination_(std::move(other.destination_)),
      lock_fd_(std::exchange(other.lock_fd_, -1)) {}

StagingDirectory& StagingDirectory::operator=(StagingDirectory&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(destination_, other.destination_);
  std::swap(lock_fd_, other.lock_fd_);
  return *this;
}

StagingDirectory::~StagingDirectory() {
  std::error_code ignored;
  if (!path_.empty()) {
    fs::remove_all(path_, ignored);
    forget_staging(path_);
  }
  if (lock_fd_ >= 0) ::close(lock_fd_);
}

Status StagingDirectory::commit() {
  ONEFOLD_CHECK(!path_.empty(), "the staging directory was committed before");
  ONEFOLD_RETURN_IF_ERROR(sync_tree(path_));
  const std::lock_guard lock(open_stagings().mutex);
  if (open_stagings().removed) return io_error(destination_ + ": interrupted");
  if (::rename(path_.c_str(), destination_.c_str()) != 0) {
    if (errno != ENOTEMPTY && errno != EEXIST) return os_error(destination_, errno);
    if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, destination_.c_str(), RENAME_EXCHANGE) !=
        0) {
      if (errno != EINVAL && errno != ENOSYS) return os_error(destination_, errno);
      return unsupported(destination_ +
                         ": this file system cannot exchange two directories in one step; remove "
                         "the old directory first, or write to a new one");
    }
    ONEFOLD_RETURN_IF_ERROR(sync_path(parent_of(destination_)));  // before the old one is removed
    std::error_code ignored;
    fs::remove_all(path_, ignored);  // now the old contents
  }
  open_stagings().paths.erase(path_);
  path_.clear();
  return sync_path(parent_of(destination_));
}

void remove_staging_directories() {
  constexpr int kAttempts = 20;  // other threads may still be creating files there
  const std::lock_guard lock(open_stagings().mutex);
  open_stagings().removed = true;
  for (const std::string& path : open_stagings().paths) {
    for (int attempt = 0; attempt < kAttempts && path_exists(path); ++attempt) {
      std::error_code ignored;
      fs::remove_all(path, ignored);
    }
  }
}

}  // namespace onefold
