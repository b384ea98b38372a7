// SPDX-License-Identifier: Apache-2.0
// Files that are either wholly there or not there at all.
//
// The pattern everywhere: write to a temporary name, fsync, rename, fsync the directory. A kill at
// any moment leaves the old state or the new one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "onefold/base/status.h"

namespace onefold {

Result<std::string> read_file(const std::string& path);

// Replaces `path` by `bytes` atomically.
Status write_file_atomic(const std::string& path, std::string_view bytes);

// fsyncs `temporary` (closed by its writer) and renames it to `path`.
Status publish_file(const std::string& temporary, const std::string& path);

// Creates the directory and its parents.
Status make_directories(const std::string& path);

// Names of the regular files below `directory`, relative to it, sorted; recursive. Names whose
// last component starts with '.' and unfinished files ("*.tmp") are left out.
Result<std::vector<std::string>> list_files(const std::string& directory);

Result<uint64_t> file_size(const std::string& path);
bool path_exists(const std::string& path);

// A directory built out of sight, then put in place of `destination` in one rename.
//
//   ONEFOLD_ASSIGN_OR_RETURN(auto staging, StagingDirectory::create("tables/a"));
//   ... write files below staging.path() ...
//   ONEFOLD_RETURN_IF_ERROR(staging.commit());
//
// An existing destination is exchanged atomically (renameat2) and then removed. Destroyed without
// commit(), the staging directory is removed and the destination is untouched; left over from a
// killed process, it is removed by the next create() for the same destination.
class StagingDirectory {
 public:
  static Result<StagingDirectory> create(const std::string& destination);

  StagingDirectory(StagingDirectory&& other) noexcept;
  StagingDirectory& operator=(StagingDirectory&& other) noexcept;
  ~StagingDirectory();

  const std::string& path() const { return path_; }
  Status commit();

 private:
  StagingDirectory(std::string path, std::string destination)
      : path_(std::move(path)), destination_(std::move(destination)) {}

  std::string path_;  // empty once committed or moved from
  std::string destination_;
};

}  // namespace onefold
