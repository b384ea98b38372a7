// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/task_parallel.h"

#include <algorithm>
#include <atomic>

#include <ATen/Parallel.h>
#include <ATen/core/LegacyTypeDispatch.h>

namespace onefold {

void for_each_task(int64_t num_tasks, const std::function<void(int64_t task)>& body) {
  std::atomic<int64_t> next = 0;
  const int64_t num_threads = std::min<int64_t>(num_tasks, at::get_num_threads());
  at::parallel_for(0, num_threads, 1, [&](int64_t, int64_t) {
    const at::AutoDispatchBelowADInplaceOrView below_autograd;  // thread local, hence in here
    for (int64_t task = next++; task < num_tasks; task = next++) body(task);
  });
}

int64_t num_tasks_for(int64_t work, int64_t grain, int64_t num_tasks) {
  return std::clamp<int64_t>(work / std::max<int64_t>(grain, 1), 1,
                             std::max<int64_t>(num_tasks, 1));
}

}  // namespace onefold
