// SPDX-License-Identifier: Apache-2.0
#include "onefold/base/run_tasks.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace onefold {

void run_tasks(int threads, int64_t num_tasks, const std::function<void(int64_t)>& task) {
  std::atomic<int64_t> next = 0;
  std::mutex mutex;
  std::exception_ptr first_error;
  const auto work = [&] {
    for (int64_t i = next++; i < num_tasks; i = next++) {
      try {
        task(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!first_error) first_error = std::current_exception();
        next = num_tasks;
      }
    }
  };
  std::vector<std::jthread> others(std::clamp<int64_t>(threads - 1, 0, num_tasks));
  for (std::jthread& other : others) other = std::jthread(work);
  work();
  others.clear();
  if (first_error) std::rethrow_exception(first_error);
}

}  // namespace onefold
