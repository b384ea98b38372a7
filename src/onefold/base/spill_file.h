// SPDX-License-Identifier: Apache-2.0
// SpillFile: where work puts what does not fit in memory.
//
// The file has no name: the system frees it when the process ends, however it ends. Where a file
// system cannot make such files it is made under a name and unlinked at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include "onefold/base/status.h"

namespace onefold {

class SpillFile {
 public:
  // In `directory`, at the first append(): what fits in memory makes none.
  explicit SpillFile(std::string directory) : directory_(std::move(directory)) {}
  ~SpillFile();
  SpillFile(const SpillFile&) = delete;
  SpillFile& operator=(const SpillFile&) = delete;

  // Both from any thread. append() returns the offset that read() needs.
  Result<int64_t> append(const void* data, int64_t bytes);
  Status read(int64_t offset, void* to, int64_t bytes) const;

  int64_t bytes() const { return end_; }  // written so far

 private:
  Status open();
  Status failed(const char* what, int error) const;

  std::string directory_;
  std::mutex opening_;
  std::atomic<int> fd_ = -1;
  std::atomic<int64_t> end_ = 0;
};

}  // namespace onefold
