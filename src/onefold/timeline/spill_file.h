// SPDX-License-Identifier: Apache-2.0
// SpillFile: events on disk that no name points to, so that the system removes them on every exit,
// even by SIGKILL.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/timeline/event.h"

namespace onefold {

class SpillFile {
 public:
  static Result<std::unique_ptr<SpillFile>> create(const std::string& directory);
  ~SpillFile();
  SpillFile(const SpillFile&) = delete;
  SpillFile& operator=(const SpillFile&) = delete;

  Status append(std::span<const Event> events);
  // Fills `events` from position `first` on; returns how many there were.
  Result<int64_t> read(int64_t first, std::span<Event> events) const;
  int64_t num_events() const { return num_events_; }

 private:
  SpillFile(int fd, std::string directory) : fd_(fd), directory_(std::move(directory)) {}

  int fd_;
  std::string directory_;
  int64_t num_events_ = 0;
};

}  // namespace onefold
