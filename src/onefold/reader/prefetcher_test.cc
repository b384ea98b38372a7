// SPDX-License-Identifier: Apache-2.0
#include "onefold/reader/prefetcher.h"

#include <atomic>
#include <stdexcept>

#include <gtest/gtest.h>

namespace onefold {
namespace {

TEST(Prefetcher, KeepsOrderAndEnds) {
  int produced = 0;
  Prefetcher<int> prefetcher(
      [&]() -> Result<std::optional<int>> {
        if (produced == 100) return std::optional<int>();
        return std::optional<int>(produced++);
      },
      3);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(prefetcher.next().value(), i);
  EXPECT_FALSE(prefetcher.next().value().has_value());
}

TEST(Prefetcher, WaitsForTheConsumerWhenItsQueueIsFull) {
  std::atomic<int> produced = 0;
  Prefetcher<int> prefetcher(
      [&]() -> Result<std::optional<int>> { return std::optional<int>(produced++); }, 2);
  for (int consumed = 1; consumed <= 50; ++consumed) {
    ASSERT_TRUE(prefetcher.next().ok());
    // Two in the queue and one in the producer's hands.
    EXPECT_LE(produced, consumed + 3);
  }
}

TEST(Prefetcher, ErrorComesAfterWhatWasProducedBefore) {
  int produced = 0;
  Prefetcher<int> prefetcher(
      [&]() -> Result<std::optional<int>> {
        if (produced == 2) return io_error("disk");
        return std::optional<int>(produced++);
      },
      4);
  EXPECT_EQ(prefetcher.next().value(), 0);
  EXPECT_EQ(prefetcher.next().value(), 1);
  EXPECT_EQ(prefetcher.next().status().code(), StatusCode::kIoError);
}

TEST(Prefetcher, ExceptionIsThrownToTheConsumer) {
  Prefetcher<int> prefetcher(
      []() -> Result<std::optional<int>> { throw std::runtime_error("a bug"); }, 1);
  EXPECT_THROW((void)prefetcher.next(), std::runtime_error);
}

TEST(Prefetcher, MayBeDestroyedFullOrInTheMiddle) {
  for (int consumed = 0; consumed < 4; ++consumed) {
    Prefetcher<int> prefetcher([]() -> Result<std::optional<int>> { return std::optional<int>(1); },
                               1);
    for (int i = 0; i < consumed; ++i) ASSERT_TRUE(prefetcher.next().ok());
  }
}

}  // namespace
}  // namespace onefold
