// SPDX-License-Identifier: Apache-2.0
// Runs independent tasks of uneven cost on libtorch's own threads.
#pragma once

#include <cstdint>
#include <functional>

namespace onefold {

// Calls body(0) ... body(num_tasks - 1), each once, in any order, on up to at::get_num_threads()
// threads; a thread takes the next task when it is free, so rows of very different lengths balance.
// Autograd is off inside. ATen calls inside run on the calling thread alone when there is more than
// one task. Rethrows the first exception. To be deterministic for any number of threads, what a
// task writes may depend on its number only, never on the thread.
void for_each_task(int64_t num_tasks, const std::function<void(int64_t task)>& body);

// How many tasks to cut `work` units into so that a task is worth its dispatch: at most
// `num_tasks`, at least 1, none below `grain` units.
int64_t num_tasks_for(int64_t work, int64_t grain, int64_t num_tasks);

}  // namespace onefold
