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

// What the operating system said about `path`: kNotFound for ENOENT, else kIoError.
Status os_error(const std::string& path, int error);

Result<std::string> read_file(const std::string& path);

// Replaces `path` by `bytes` atomically, through `path`.tmp: one writer per path at a time. On
// error the old file is untouched and the temporary one is gone.
Status write_file_atomic(const std::string& path, std::string_view bytes);

// fsyncs `temporary` (closed by its writer) and renames it to `path`.
Status publish_file(const std::string& temporary, const std::string& path);

// Creates the directory and its parents.
Status make_directories(const std::string& path);

// Names of the regular files below `directory`, relative to it, sorted; recursive. Hidden files
// and directories (".x") and unfinished files ("*.tmp") are left out; links to files count as
// files, links to directories are not followed.
Result<std::vector<std::string>> list_files(const std::string& directory);

Result<uint64_t> file_size(const std::string& path);
bool path_exists(const std::string& path);

// A directory built out of sight, then put in place of `destination` in one rename.
//
//   ONEFOLD_ASSIGN_OR_RETURN(auto staging, StagingDirectory::create("tables/a"));
//   ... write files below staging.path() ...
//   ONEFOLD_RETURN_IF_ERROR(staging.commit());
//
// commit() fsyncs everything below path() and renames; an existing destination is exchanged
// atomically (renameat2) and then removed, and a link to a directory stays a link. Destroyed
// without commit(), the staging directory is removed and the destination is untouched. Left over
// from a killed process, it is removed by the next create() for the same destination: an owner
// holds flock() on its directory, which the kernel drops however the owner ends, so this cannot
// hit a directory that is still being written, not even from another container or user.
class StagingDirectory {
 public:
  // kInvalidArgument when `destination` is "", "/", "." or "..", or is there and no directory.
  static Result<StagingDirectory> create(const std::string& destination);

  StagingDirectory(StagingDirectory&& other) noexcept;
  StagingDirectory& operator=(StagingDirectory&& other) noexcept;
  ~StagingDirectory();

  const std::string& path() const { return path_; }
  // kUnsupported when the file system cannot exchange two directories (then the destination must
  // be removed first). REQUIRES: all files below path() are closed, and not called before.
  Status commit();

 private:
  StagingDirectory(std::string path, std::string destination, int lock_fd)
      : path_(std::move(path)), destination_(std::move(destination)), lock_fd_(lock_fd) {}

  std::string path_;  // empty once committed or moved from
  std::string destination_;
  int lock_fd_ = -1;  // the staging directory, open and locked while it is being written
};

}  // namespace onefold
