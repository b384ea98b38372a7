// SPDX-License-Identifier: Apache-2.0
#include "onefold/advise/group_features.h"

#include <gtest/gtest.h>

#include "onefold/advise/test_sessions.h"

namespace onefold {
namespace {

int64_t scrambled(int64_t session, int64_t i) { return (session * 1000 + i) * 7919 % 1000003; }

Grouping group(TestSessions& source, std::optional<ColumnKind> kind = ColumnKind{}) {
  const SessionSample sample = take_sessions(source, 1, 1).value();
  return group_features(sample, std::vector(sample.features.size(), kind));
}

TEST(GroupFeatures, FeaturesThatChangeInTheSameSamplesAreOneGroup) {
  TestSessions source(20, 16, 2);
  // a and b change in the middle of a session, c in every second request.
  source.add("a", [](int64_t s, int64_t i) { return List(30, scrambled(s, i / 8)); });
  source.add("c", [](int64_t s, int64_t i) { return List(40, scrambled(s, 100 + i / 4)); });
  source.add("b", [](int64_t s, int64_t i) { return List(20, scrambled(s, 200 + i / 8)); });
  const Grouping grouping = group(source);
  ASSERT_EQ(grouping.groups.size(), 2u);
  EXPECT_EQ(grouping.groups[0].features, (std::vector<int>{1}));
  EXPECT_EQ(grouping.groups[1].features, (std::vector<int>{0, 2}));
  EXPECT_FALSE(grouping.groups[0].windowed);
  EXPECT_FALSE(grouping.groups[1].windowed);
}

TEST(GroupFeatures, ListsThatSlideTogetherAreWindowed) {
  TestSessions source(20, 16, 2);
  source.add("ids", [](int64_t s, int64_t i) { return counting(1000 * s + i / 2, 50); });
  source.add("times", [](int64_t s, int64_t i) { return counting(77 + 3000 * s + i / 2, 50); });
  // Slides as well, but has another length.
  source.add("short", [](int64_t s, int64_t i) { return counting(9000 * s + i / 2, 30); });
  const Grouping grouping = group(source);
  ASSERT_EQ(grouping.groups.size(), 2u);
  EXPECT_EQ(grouping.groups[0].features, (std::vector<int>{0, 1}));
  EXPECT_TRUE(grouping.groups[0].windowed);
  EXPECT_EQ(grouping.groups[1].features, (std::vector<int>{2}));
  EXPECT_TRUE(grouping.groups[1].windowed);
}

TEST(GroupFeatures, OthersAreLeftAlone) {
  TestSessions source(20, 16, 2);
  source.add("fresh", [](int64_t s, int64_t i) { return List(20, scrambled(s, i / 2)); });
  source.add("item", [](int64_t, int64_t i) { return List(20, i % 2); });
  source.add("empty", [](int64_t, int64_t) { return List(); });
  const Grouping grouping = group(source);
  // New in every request of 2 samples: half of it repeats, which pays for 20 values.
  ASSERT_EQ(grouping.groups.size(), 1u);
  EXPECT_EQ(grouping.groups[0].features, (std::vector<int>{0}));
  EXPECT_TRUE(grouping.left[1].starts_with("differs within a request")) << grouping.left[1];
  EXPECT_EQ(grouping.left[2], "empty");
  EXPECT_EQ(grouping.user_scope, (std::vector<bool>{true, false, true}));

  TestSessions single(20, 16, 1);
  single.add("fresh", [](int64_t s, int64_t i) { return List(20, scrambled(s, i)); });
  EXPECT_TRUE(group(single).left[0].starts_with("changes too often"));
  TestSessions dense(20, 16, 16);
  dense.add("dense", [](int64_t s, int64_t) { return List{s}; });
  EXPECT_TRUE(group(dense, ColumnKind{FeatureKind::kDense}).left[0].starts_with("dense"));
  TestSessions structs(20, 16, 16);
  structs.add("struct", [](int64_t s, int64_t) { return List{s}; });
  EXPECT_FALSE(group(structs, std::nullopt).left[0].empty());
}

TEST(ColumnKind, AsTheImporterReadsThem) {
  EXPECT_EQ(column_kind("id_list")->kind, FeatureKind::kIdList);
  EXPECT_EQ(column_kind("list<element: int32>")->kind, FeatureKind::kIdList);
  EXPECT_EQ(column_kind("list<item: int64 not null>")->kind, FeatureKind::kIdList);
  EXPECT_EQ(column_kind("large_list<item: double>")->kind, FeatureKind::kFloatList);
  EXPECT_EQ(column_kind("float")->kind, FeatureKind::kDense);
  EXPECT_EQ(column_kind("bool")->kind, FeatureKind::kDense);
  EXPECT_TRUE(column_kind("string")->hash);
  EXPECT_FALSE(column_kind("list<element: struct<a: int32>>"));
  EXPECT_FALSE(column_kind("list<element: list<element: int32>>"));
}

}  // namespace
}  // namespace onefold
