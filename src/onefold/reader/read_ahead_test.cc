// SPDX-License-Identifier: Apache-2.0
#include "onefold/reader/read_ahead.h"

#include <atomic>
#include <stdexcept>

#include <gtest/gtest.h>

namespace onefold {
namespace {

RowGroup numbered(int32_t number) {
  RowGroup row_group;
  row_group.batch.session_id = {number};
  return row_group;
}

class ReadAheadThreads : public testing::TestWithParam<int> {};

TEST_P(ReadAheadThreads, HandsOverInOrderWhoeverReadsFirst) {
  std::vector<int32_t> order;
  for (int32_t i = 0; i < 50; ++i) order.push_back(i * 7 % 50);
  ReadAhead ahead(
      [](int32_t row_group) -> Result<RowGroup> {
        if (row_group % 3 == 0) std::this_thread::yield();
        return numbered(row_group);
      },
      order, GetParam(), 5);
  for (int32_t expected : order) {
    EXPECT_EQ(ahead.next().value().batch.session_id.front(), expected);
  }
}

TEST_P(ReadAheadThreads, ReadsNoFurtherAheadThanItsCapacity) {
  std::atomic<int> started = 0;
  std::atomic<int> consumed = 0;
  std::atomic<int> furthest = 0;
  ReadAhead ahead(
      [&](int32_t) -> Result<RowGroup> {
        const int now_started = ++started;
        const int ahead_by = now_started - consumed;  // reads `consumed` last: never too large
        int seen = furthest;
        while (ahead_by > seen && !furthest.compare_exchange_weak(seen, ahead_by)) {
        }
        return numbered(0);
      },
      std::vector<int32_t>(100, 0), GetParam(), 3);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(ahead.next().ok());
    ++consumed;
  }
  // One more than the capacity: the consumer counts a row group after next() has made room.
  EXPECT_LE(furthest, 4);
}

TEST_P(ReadAheadThreads, HandsOverErrorsAndExceptionsInTheirPlace) {
  ReadAhead ahead(
      [](int32_t row_group) -> Result<RowGroup> {
        if (row_group == 1) return data_loss("row group 1 is damaged");
        if (row_group == 2) throw std::runtime_error("a bug");
        return numbered(row_group);
      },
      {0, 1, 2}, GetParam(), 2);
  EXPECT_TRUE(ahead.next().ok());
  EXPECT_EQ(ahead.next().status().code(), StatusCode::kDataLoss);
  EXPECT_THROW((void)ahead.next(), std::runtime_error);
}

TEST_P(ReadAheadThreads, MayBeDestroyedAtAnyMoment) {
  for (int consumed = 0; consumed <= 4; ++consumed) {
    ReadAhead ahead([](int32_t i) -> Result<RowGroup> { return numbered(i); }, {0, 1, 2, 3},
                    GetParam(), 2);
    for (int i = 0; i < consumed; ++i) ASSERT_TRUE(ahead.next().ok());
  }
  ReadAhead nothing([](int32_t i) -> Result<RowGroup> { return numbered(i); }, {}, GetParam(), 2);
}

INSTANTIATE_TEST_SUITE_P(Threads, ReadAheadThreads, testing::Values(0, 1, 4));

}  // namespace
}  // namespace onefold
