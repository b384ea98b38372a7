// SPDX-License-Identifier: Apache-2.0
// run_tasks: independent tasks on a few threads.
#pragma once

#include <cstdint>
#include <functional>

namespace onefold {

// Runs task(0), ..., task(num_tasks - 1) on `threads` threads, the calling one among them, in no
// particular order, and returns when all are done. The first exception of a task is thrown here;
// tasks that had not begun then are left out.
void run_tasks(int threads, int64_t num_tasks, const std::function<void(int64_t)>& task);

}  // namespace onefold
