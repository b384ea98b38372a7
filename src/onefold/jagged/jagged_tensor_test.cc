// SPDX-License-Identifier: Apache-2.0
#include "onefold/jagged/jagged_tensor.h"

#include <bit>
#include <limits>

#include <gtest/gtest.h>

#include "onefold/jagged/random_rows.h"

namespace onefold {
namespace {

using Ids = JaggedTensor<int64_t>;

TEST(JaggedTensor, EmptyHasOneOffset) {
  const Ids empty;
  EXPECT_EQ(empty.num_rows(), 0);
  EXPECT_EQ(empty.num_values(), 0);
  EXPECT_EQ(empty.offsets(), std::vector<int32_t>{0});
  EXPECT_EQ(Ids::make({}, {0}).value(), empty);
}

TEST(JaggedTensor, HeaderExample) {
  const Ids lists = Ids::make({3, 4, 5, 4, 5, 6}, {0, 3, 3, 6}).value();
  EXPECT_EQ(lists.num_rows(), 3);
  EXPECT_EQ(lists.length(1), 0);
  EXPECT_TRUE(lists.row(1).empty());
  EXPECT_EQ(std::vector<int64_t>(lists.row(2).begin(), lists.row(2).end()),
            (std::vector<int64_t>{4, 5, 6}));
  EXPECT_EQ(lists, jagged<int64_t>({{3, 4, 5}, {}, {4, 5, 6}}));
  EXPECT_EQ(lists.view().num_rows(), 3);
}

TEST(JaggedTensor, MakeRejectsBadOffsets) {
  for (const std::vector<int32_t>& offsets : std::vector<std::vector<int32_t>>{
           {}, {1, 2}, {-1, 2}, {0, 2, 1, 2}, {0, 1}, {0, 3}, {0, -1, 2}, {0}}) {
    const Result<Ids> lists = Ids::make({7, 8}, offsets);
    ASSERT_FALSE(lists.ok());
    EXPECT_EQ(lists.status().code(), StatusCode::kDataLoss);
  }
  EXPECT_NE(Ids::make({7, 8}, {0, 2, 1, 2}).status().message().find("row 1"), std::string::npos);
}

TEST(JaggedTensor, PushRowsAppendsAnyPart) {
  const Ids from = jagged<int64_t>({{1}, {}, {2, 3}, {4}});
  for (int64_t begin = 0; begin <= from.num_rows(); ++begin) {
    for (int64_t end = begin; end <= from.num_rows(); ++end) {
      Ids to = jagged<int64_t>({{9, 9}});
      Ids expected = to;
      to.push_rows(from.view(), begin, end);
      for (int64_t row = begin; row < end; ++row) expected.push_row(from.row(row));
      EXPECT_EQ(to, expected) << "rows " << begin << " to " << end;
    }
  }
}

TEST(JaggedTensor, EqualityIsBitForBit) {
  using Floats = JaggedTensor<float>;
  const float nan = std::bit_cast<float>(0x7fc00000u);
  const float other_nan = std::bit_cast<float>(0x7fc00001u);
  EXPECT_EQ(jagged<float>({{nan}}), jagged<float>({{nan}}));
  EXPECT_FALSE(jagged<float>({{nan}}) == jagged<float>({{other_nan}}));
  EXPECT_FALSE(jagged<float>({{0.0f}}) == jagged<float>({{-0.0f}}));
  EXPECT_FALSE(jagged<int64_t>({{7}, {8}}) == jagged<int64_t>({{7, 8}, {}}));
  EXPECT_TRUE(Floats::bytes_equal({}, {}));
}

TEST(JaggedTensor, RefusesMoreThanInt32Values) {
  check_num_values(std::numeric_limits<int32_t>::max());
  EXPECT_THROW(check_num_values(int64_t{1} << 31), CheckError);
}

}  // namespace
}  // namespace onefold
