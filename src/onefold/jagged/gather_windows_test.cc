// SPDX-License-Identifier: Apache-2.0
#include "onefold/jagged/gather_windows.h"

#include <random>

#include <gtest/gtest.h>

#include "onefold/jagged/fold.h"
#include "onefold/jagged/random_rows.h"

namespace onefold {
namespace {

InverseKeyedJaggedTensor windowed(const std::vector<std::vector<int64_t>>& payload,
                                  RowWindows windows, std::vector<int32_t> inverse) {
  KeyedJaggedTensor rows(static_cast<int64_t>(payload.size()));
  rows.add("a", jagged<int64_t>(payload));
  return InverseKeyedJaggedTensor::make_windowed(std::move(rows), std::move(windows),
                                                 std::move(inverse))
      .value();
}

TEST(GatherWindows, CutsPayloadRowsToWhatIsUsed) {
  const auto from = windowed({{1, 2, 3, 4, 5, 6}, {7, 8}},
                             {{0, 0, 0, 1}, {0, 2, 3, 0}, {3, 3, 1, 2}}, {0, 1, 2, 3});
  const InverseKeyedJaggedTensor* const tensors[] = {&from};
  const SampleOfTensor samples[] = {{0, 2}, {0, 1}, {0, 2}};
  const auto gathered = gather_windows(tensors, samples);
  EXPECT_EQ(gathered, windowed({{3, 4, 5}}, {{0, 0}, {1, 0}, {1, 3}}, {0, 1, 0}));
}

TEST(GatherWindows, EqualWindowsOfOneRowBecomeOne) {
  auto from = windowed({{1, 2, 3}}, {{0, 0}, {0, 1}, {3, 2}}, {0, 1});
  from.keep_newest(1);
  const InverseKeyedJaggedTensor* const tensors[] = {&from};
  const SampleOfTensor samples[] = {{0, 0}, {0, 1}};
  EXPECT_EQ(gather_windows(tensors, samples), windowed({{3}}, {{0}, {0}, {1}}, {0, 0}));
}

TEST(GatherWindows, OfSeveralTensorsExpandsToTheSameSamples) {
  const auto a = windowed({{1, 2, 3}}, {{0, 0}, {0, 1}, {2, 2}}, {0, 1, 0});
  const auto b = windowed({{2, 3}, {9}}, {{0, 1}, {0, 0}, {2, 1}}, {0, 1});
  const InverseKeyedJaggedTensor* const tensors[] = {&a, &b};
  const std::vector<SampleOfTensor> samples = {{1, 1}, {0, 0}, {1, 0}, {0, 2}, {0, 1}};
  const auto gathered = gather_windows(tensors, samples);
  EXPECT_EQ(expand(gathered).get<int64_t>("a"),
            jagged<int64_t>({{9}, {1, 2}, {2, 3}, {1, 2}, {2, 3}}));
  EXPECT_EQ(gathered.num_unique(), 4);  // windows of different tensors are not compared
}

TEST(WindowedIkjt, RefusesToBeTakenForExact) {
  auto ikjt = windowed({{1, 2, 3}}, {{0, 0}, {0, 1}, {2, 2}}, {0, 1, 0});
  EXPECT_THROW(ikjt.unique(), CheckError);
  EXPECT_THROW(ikjt.mutable_unique(), CheckError);
  const auto exact = ikjt.exact();
  EXPECT_FALSE(exact.is_windowed());
  EXPECT_EQ(exact.unique().get<int64_t>("a"), jagged<int64_t>({{1, 2}, {2, 3}}));
  EXPECT_EQ(exact.inverse_indices(), ikjt.inverse_indices());
  EXPECT_THROW(exact.windows(), CheckError);
}

}  // namespace
}  // namespace onefold
