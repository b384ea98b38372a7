// SPDX-License-Identifier: Apache-2.0
// InterruptFlag: SIGINT and SIGTERM ask a long verb to end by itself, so that what it has begun is
// cleaned up. A second signal ends the program at once.
#pragma once

#include <atomic>
#include <csignal>

namespace onefold::cli {

class InterruptFlag {
 public:
  InterruptFlag() {
    struct sigaction action = {};
    action.sa_handler = [](int signal) { signal_ = signal; };
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    ::sigaction(SIGINT, &action, &old_int_);
    ::sigaction(SIGTERM, &action, &old_term_);
  }
  ~InterruptFlag() {
    ::sigaction(SIGINT, &old_int_, nullptr);
    ::sigaction(SIGTERM, &old_term_, nullptr);
  }
  InterruptFlag(const InterruptFlag&) = delete;
  InterruptFlag& operator=(const InterruptFlag&) = delete;

  bool is_set() const { return signal_ != 0; }

 private:
  // Atomic and not sig_atomic_t: the thread that asks is seldom the one that got the signal.
  static inline std::atomic<int> signal_ = 0;
  static_assert(std::atomic<int>::is_always_lock_free);  // what a signal handler may use
  struct sigaction old_int_ = {}, old_term_ = {};
};

}  // namespace onefold::cli
