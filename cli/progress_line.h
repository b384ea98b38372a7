// SPDX-License-Identifier: Apache-2.0
// ProgressLine: one line on the terminal, drawn over and over; nothing where stderr is no terminal.
#pragma once

#include <cstdint>
#include <functional>
#include <iostream>
#include <string>

#include <unistd.h>

namespace onefold::cli {

class ProgressLine {
 public:
  explicit ProgressLine(std::string unit, bool quiet = false)
      : unit_(std::move(unit)), shown_(!quiet && isatty(STDERR_FILENO) != 0) {}
  ~ProgressLine() {
    if (shown_) std::cerr << "\r\x1b[K" << std::flush;
  }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // What the library calls with (done, all); empty where nothing is drawn.
  std::function<void(int64_t, int64_t)> callback() {
    if (!shown_) return {};
    return [this](int64_t done, int64_t all) {
      const int64_t percent = all > 0 ? done * 100 / all : 100;
      std::cerr << "\r\x1b[K" << done << " of " << all << " " << unit_ << ", " << percent << " %"
                << std::flush;
    };
  }

 private:
  const std::string unit_;
  const bool shown_;
};

}  // namespace onefold::cli
