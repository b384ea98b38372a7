// SPDX-License-Identifier: Apache-2.0
#include "onefold/inspect/text_table.h"

#include <gtest/gtest.h>

namespace onefold {
namespace {

TEST(TextTable, AlignsColumns) {
  TextTable table(1);
  table.add({"feature", "length", ""});
  table.add({"a", "1,234.5", "x"});
  EXPECT_EQ(table.to_string(),
            "feature   length\n"
            "a        1,234.5  x\n");
}

TEST(TextTable, WithCommas) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1000), "1,000");
  EXPECT_EQ(with_commas(278139), "278,139");
  EXPECT_EQ(with_commas(-123456), "-123,456");
  EXPECT_EQ(with_commas(-123), "-123");
  EXPECT_EQ(with_commas(1234567), "1,234,567");
}

}  // namespace
}  // namespace onefold
