// SPDX-License-Identifier: Apache-2.0
#include "onefold/inspect/session_repeats.h"

#include <gtest/gtest.h>

#include "onefold/base/hash.h"

namespace onefold {
namespace {

constexpr int64_t kNoLimit = int64_t{1} << 40;

using List = std::vector<int64_t>;

void add(SessionRepeats& repeats, uint64_t session, const List& list) {
  repeats.add(session, hash64(list.data(), list.size() * sizeof(int64_t)), list);
}

TEST(SessionRepeats, AnyEarlierListOfTheSessionCounts) {
  SessionRepeats repeats(kNoLimit);
  add(repeats, 1, {1, 2});  // A
  add(repeats, 1, {8});     // B
  add(repeats, 1, {1, 2});  // A again: 2 values
  EXPECT_EQ(repeats.exact(), 1);
  EXPECT_EQ(repeats.covered_values(), 2);
}

TEST(SessionRepeats, OverlapIsWithTheListBefore) {
  SessionRepeats repeats(kNoLimit);
  add(repeats, 1, {1, 2, 3});
  add(repeats, 1, {2, 3, 4});  // 2 values
  add(repeats, 1, {1, 2});     // 1 of [2,3,4] at its end; that [1,2,3] has both is not seen
  EXPECT_EQ(repeats.exact(), 0);
  EXPECT_EQ(repeats.covered_values(), 3);
}

TEST(SessionRepeats, AnotherSessionBeginsAnew) {
  SessionRepeats repeats(kNoLimit);
  add(repeats, 1, {1, 2});
  add(repeats, 2, {1, 2});
  EXPECT_EQ(repeats.exact(), 0);
  EXPECT_EQ(repeats.covered_values(), 0);
}

TEST(SessionRepeats, RepeatIsTheListOfTheLastAdd) {
  SessionRepeats repeats(kNoLimit);
  add(repeats, 1, {1, 2, 3});
  repeats.repeat();
  EXPECT_EQ(repeats.exact(), 1);
  EXPECT_EQ(repeats.covered_values(), 3);
}

TEST(SessionRepeats, ForgetsToBoundMemory) {
  SessionRepeats repeats(0);
  add(repeats, 1, {1, 2});
  EXPECT_FALSE(repeats.forgot_sessions());
  add(repeats, 1, {1, 2});  // not known any more
  EXPECT_TRUE(repeats.forgot_sessions());
  EXPECT_EQ(repeats.exact(), 0);
  repeats.repeat();
  EXPECT_EQ(repeats.exact(), 1);
}

TEST(SessionRepeats, InterleavedSessionsAreRemembered) {
  SessionRepeats repeats(kNoLimit);
  add(repeats, 1, {1, 2});
  add(repeats, 2, {5});
  add(repeats, 1, {2, 3});  // 1 value of [1,2]
  add(repeats, 2, {5});     // exact
  EXPECT_EQ(repeats.exact(), 1);
  EXPECT_EQ(repeats.covered_values(), 2);
}

TEST(SessionRepeats, EmptyListsAreEqualToo) {
  SessionRepeats repeats(kNoLimit);
  add(repeats, 0, {});
  add(repeats, 0, {});
  EXPECT_EQ(repeats.exact(), 1);
  EXPECT_EQ(repeats.covered_values(), 0);
}

}  // namespace
}  // namespace onefold
