// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/timeline_store.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/file.h>
#include <unistd.h>

#include "onefold/base/files.h"

namespace onefold {
namespace {

constexpr const char* kChangesDirectory = "changes";

std::vector<std::string> subdirectories() {
  return {to_string(TimelineKind::kExplicit), to_string(TimelineKind::kImplicit),
          kChangesDirectory};
}

}  // namespace

std::string part_path(TimelineKind timeline, int64_t generation, int number) {
  return fmt::format("{}/g{:06d}-{:05d}.parquet", to_string(timeline), generation, number);
}

std::string changes_path(int64_t generation) {
  return fmt::format("{}/g{:06d}.parquet", kChangesDirectory, generation);
}

Result<DirectoryLock> DirectoryLock::acquire(const std::string& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return io_error(directory + ": " + std::strerror(errno));
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const bool held = errno == EWOULDBLOCK;
    const std::string reason = std::strerror(errno);
    ::close(fd);
    if (held) return invalid_argument(directory + ": another process is writing there");
    return io_error(directory + ": cannot lock: " + reason);
  }
  return DirectoryLock(fd);
}

DirectoryLock::~DirectoryLock() {
  if (fd_ >= 0) ::close(fd_);
}

Result<TimelineStore> TimelineStore::open(const std::string& directory) {
  // The manifest is read twice: before locking, for its clear error when there is none, and after,
  // when nobody changes it.
  ONEFOLD_RETURN_IF_ERROR(read_timeline_manifest(directory).status());
  ONEFOLD_ASSIGN_OR_RETURN(DirectoryLock lock, DirectoryLock::acquire(directory));
  ONEFOLD_ASSIGN_OR_RETURN(TimelineManifest manifest, read_timeline_manifest(directory));
  TimelineStore store(directory, std::move(manifest), std::move(lock));
  ONEFOLD_RETURN_IF_ERROR(store.remove_unnamed());
  return store;
}

Result<TimelineStore> TimelineStore::create(const std::string& directory,
                                            TimelineManifest manifest) {
  for (const std::string& name : subdirectories()) {
    ONEFOLD_RETURN_IF_ERROR(make_directories(directory + "/" + name));
  }
  return TimelineStore(directory, std::move(manifest), std::nullopt);
}

Status TimelineStore::commit(TimelineManifest manifest) {
  ONEFOLD_CHECK(manifest.version.generation > manifest_.version.generation,
                "a commit starts a new generation");
  ONEFOLD_RETURN_IF_ERROR(
      write_file_atomic(path_of(kTimelineManifestName), to_json(manifest).dump(1) + "\n"));
  manifest_ = std::move(manifest);
  return {};
}

Status TimelineStore::remove_unnamed() const {
  std::set<std::string> named;
  for (const TimelinePart& part : manifest_.parts) named.insert(part.path);
  for (const ChangedUsers& change : manifest_.changes) named.insert(change.path);
  for (const std::string& name : subdirectories()) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(path_of(name), error)) {
      const std::string file = name + "/" + entry.path().filename().string();
      if (named.contains(file)) continue;
      std::error_code failed;
      std::filesystem::remove(entry.path(), failed);
      if (failed) return io_error(entry.path().string() + ": " + failed.message());
    }
  }
  return {};
}

}  // namespace onefold
