// SPDX-License-Identifier: Apache-2.0
#include "onefold/reader/holdout.h"

#include <gtest/gtest.h>

namespace onefold {
namespace {

// (XXH3_64(id as 8 little-endian bytes) >> 11) * 2^-53, from the Python package xxhash.
TEST(Holdout, PositionOfASessionIsStable) {
  EXPECT_EQ(Holdout::session_position(0), 0.7792240817648507);
  EXPECT_EQ(Holdout::session_position(1), 0.1864677195888883);
  EXPECT_EQ(Holdout::session_position(-1), 0.3166775639378736);
  EXPECT_EQ(Holdout::session_position(9223372036854775807), 0.633603049301516);
}

TEST(Holdout, SplitsEverySessionToExactlyOneSide) {
  const Holdout train{0.1, 0.3, true}, held_out{0.1, 0.3, false};
  int num_held_out = 0;
  for (int64_t session = 0; session < 10'000; ++session) {
    EXPECT_NE(train.keeps(session), held_out.keeps(session));
    num_held_out += held_out.keeps(session);
  }
  EXPECT_NEAR(num_held_out, 2000, 150);
}

TEST(Holdout, EmptyHoldoutKeepsEverything) {
  EXPECT_TRUE(Holdout().keeps_everything());
  EXPECT_TRUE((Holdout{0.5, 0.5, true}).keeps(1));
  EXPECT_FALSE((Holdout{0.5, 0.6, true}).keeps_everything());
}

}  // namespace
}  // namespace onefold
