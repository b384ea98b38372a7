// SPDX-License-Identifier: Apache-2.0
#include "onefold/base/run_tasks.h"

#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

namespace onefold {
namespace {

TEST(RunTasks, EveryTaskOnce) {
  for (const int threads : {1, 2, 9}) {
    for (const int64_t num_tasks : {0, 1, 1000}) {
      std::vector<int> runs(num_tasks, 0);
      run_tasks(threads, num_tasks, [&](int64_t i) { ++runs[i]; });
      EXPECT_EQ(runs, std::vector<int>(num_tasks, 1));
    }
  }
}

TEST(RunTasks, AnExceptionReachesTheCaller) {
  for (const int threads : {1, 3}) {
    const auto fail = [](int64_t i) {
      if (i == 5) throw std::runtime_error("five");
    };
    EXPECT_THROW(run_tasks(threads, 100, fail), std::runtime_error);
  }
}

}  // namespace
}  // namespace onefold
