// SPDX-License-Identifier: Apache-2.0
#include "onefold/jagged/inverse_keyed_jagged_tensor.h"

#include <gtest/gtest.h>

#include "onefold/jagged/fold.h"
#include "onefold/jagged/random_rows.h"

namespace onefold {
namespace {

KeyedJaggedTensor rows(int64_t num_rows) {
  std::vector<std::vector<int64_t>> lists;
  for (int64_t i = 0; i < num_rows; ++i) lists.push_back({i});
  KeyedJaggedTensor kjt(num_rows);
  kjt.add("a", jagged<int64_t>(lists));
  return kjt;
}

TEST(InverseKeyedJaggedTensor, AcceptsFirstSeenOrder) {
  for (const std::vector<int32_t>& inverse :
       std::vector<std::vector<int32_t>>{{0, 1, 2}, {0, 0, 1, 0, 2}, {0, 1, 0, 2, 2, 1}}) {
    const auto ikjt = InverseKeyedJaggedTensor::make(rows(3), inverse);
    ASSERT_TRUE(ikjt.ok()) << ikjt.status().message();
    EXPECT_EQ(ikjt->num_samples(), static_cast<int64_t>(inverse.size()));
    EXPECT_EQ(ikjt->num_unique(), 3);
    EXPECT_EQ(ikjt->inverse_indices(), inverse);
  }
}

// One case for each invariant of the header.
TEST(InverseKeyedJaggedTensor, RejectsEachViolation) {
  struct Case {
    int64_t num_unique;
    std::vector<int32_t> inverse;
    std::string why;
  };
  const std::vector<Case> cases = {
      {2, {0, -1, 1}, "inverse index -1 of sample 1"},          // below the range
      {2, {0, 1, 2}, "inverse index 2 of sample 2"},            // past the range
      {3, {0, 1}, "1 of 3 unique rows are used by no sample"},  // U > B
      {3, {0, 1, 1, 0}, "1 of 3 unique rows are used by no sample"},
      {2, {1, 0}, "inverse index 1 of sample 0"},          // not first-seen order
      {3, {0, 2, 1}, "inverse index 2 of sample 1"},       // not first-seen order
      {0, {0}, "inverse index 0 of sample 0"},             // no rows to refer to
      {1, {}, "1 of 1 unique rows are used by no sample"}  // no samples
  };
  for (const Case& bad : cases) {
    const auto ikjt = InverseKeyedJaggedTensor::make(rows(bad.num_unique), bad.inverse);
    ASSERT_FALSE(ikjt.ok()) << bad.why;
    EXPECT_EQ(ikjt.status().code(), StatusCode::kDataLoss);
    EXPECT_NE(ikjt.status().message().find(bad.why), std::string::npos) << ikjt.status().message();
  }
}

TEST(InverseKeyedJaggedTensor, EmptyIsValid) {
  EXPECT_EQ(InverseKeyedJaggedTensor::make(KeyedJaggedTensor(), {}).value(),
            InverseKeyedJaggedTensor());
  EXPECT_EQ(InverseKeyedJaggedTensor::identity(rows(0)).num_samples(), 0);
}

TEST(InverseKeyedJaggedTensor, IdentityHasOneRowPerSample) {
  const auto ikjt = InverseKeyedJaggedTensor::identity(rows(4));
  EXPECT_EQ(ikjt.inverse_indices(), (std::vector<int32_t>{0, 1, 2, 3}));
  EXPECT_EQ(ikjt.num_unique(), 4);
  EXPECT_EQ(expand(ikjt), rows(4));
  EXPECT_EQ(InverseKeyedJaggedTensor::make(rows(4), {0, 1, 2, 3}).value(), ikjt);
}

}  // namespace
}  // namespace onefold
