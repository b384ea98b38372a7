// SPDX-License-Identifier: Apache-2.0
// TimelineStore: a timelines directory open for writing.
//
//   TIMELINES/_timeline.json                     manifest; replacing it is the commit
//   TIMELINES/explicit/g000003-00007.parquet     part 7 that commit 3 wrote
//   TIMELINES/implicit/g000003-00007.parquet
//   TIMELINES/changes/g000003.parquet            the users that commit 3 touched
//
// Parts are immutable. A killed writer leaves files that no manifest names; the next writer removes
// them. Files that a commit replaces stay until the next writer opens, for readers of the old
// manifest.
#pragma once

#include <optional>
#include <string>

#include "onefold/base/status.h"
#include "onefold/timeline/timeline_manifest.h"

namespace onefold {

// Exclusive right to write a directory, held by the process and gone with it.
class DirectoryLock {
 public:
  // kInvalidArgument when another process holds it.
  static Result<DirectoryLock> acquire(const std::string& directory);
  DirectoryLock(DirectoryLock&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  DirectoryLock& operator=(DirectoryLock&&) = delete;
  ~DirectoryLock();

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}
  int fd_;
};

class TimelineStore {
 public:
  // Opens existing timelines and removes what killed writers left.
  static Result<TimelineStore> open(const std::string& directory);
  // Starts in an empty directory that nobody else writes (StagingDirectory); `manifest` says
  // caps and mapping. Nothing is committed.
  static Result<TimelineStore> create(const std::string& directory, TimelineManifest manifest);

  const std::string& directory() const { return directory_; }
  const TimelineManifest& manifest() const { return manifest_; }
  std::string path_of(const std::string& file) const { return directory_ + "/" + file; }

  // Makes `manifest` the current one. Every file that it names must be in place.
  Status commit(TimelineManifest manifest);

 private:
  TimelineStore(std::string directory, TimelineManifest manifest, std::optional<DirectoryLock> lock)
      : directory_(std::move(directory)), manifest_(std::move(manifest)), lock_(std::move(lock)) {}
  Status remove_unnamed() const;

  std::string directory_;
  TimelineManifest manifest_;
  std::optional<DirectoryLock> lock_;
};

// "explicit/g000003-00007.parquet"
std::string part_path(TimelineKind timeline, int64_t generation, int number);
std::string changes_path(int64_t generation);

}  // namespace onefold
