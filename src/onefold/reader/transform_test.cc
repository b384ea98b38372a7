// SPDX-License-Identifier: Apache-2.0
#include "onefold/reader/transform.h"

#include <gtest/gtest.h>

#include "onefold/base/hash.h"
#include "onefold/reader/fake_table.h"

namespace onefold {
namespace {

using Kind = FeatureTransform::Kind;

Batch batch_with_tags(const std::vector<std::vector<int64_t>>& rows) {
  Batch batch;
  batch.item_id.assign(rows.size(), 42);
  batch.session_id.assign(rows.size(), 0);
  JaggedTensor<int64_t> tags;
  for (const auto& row : rows) tags.push_row(row);
  batch.features = KeyedJaggedTensor(static_cast<int64_t>(rows.size()));
  batch.features.add("tags", std::move(tags));
  return batch;
}

// XXH3_64(id as 8 little-endian bytes, seed) % 1000, from the Python package xxhash.
TEST(Transform, HashIsStable) {
  Batch batch = batch_with_tags({{0, 1, 2}, {}, {9778875, -1, 9223372036854775807}});
  ASSERT_TRUE(apply_transforms({{"tags", Kind::kHash, 1000, 0}}, batch).ok());
  EXPECT_EQ(batch.features.get<int64_t>("tags").values(),
            (std::vector<int64_t>{897, 78, 547, 292, 627, 142}));

  batch = batch_with_tags({{0, 1, 2}, {9778875, -1, 9223372036854775807}});
  ASSERT_TRUE(apply_transforms({{"tags", Kind::kHash, 1000, 7}}, batch).ok());
  EXPECT_EQ(batch.features.get<int64_t>("tags").values(),
            (std::vector<int64_t>{977, 812, 561, 43, 865, 697}));
}

TEST(Transform, HashStaysInRangeAndUsesAllOfIt) {
  std::vector<int64_t> ids(10'000);
  for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int64_t>(i) - 5000;
  for (int64_t size : {int64_t{1}, int64_t{10}, int64_t{1} << 40}) {
    Batch batch = batch_with_tags({ids});
    ASSERT_TRUE(apply_transforms({{"tags", Kind::kHash, size, 3}}, batch).ok());
    const auto& hashed = batch.features.get<int64_t>("tags").values();
    std::vector<int> counts(10, 0);
    for (int64_t id : hashed) {
      ASSERT_GE(id, 0);
      ASSERT_LT(id, size);
      if (size == 10) ++counts[id];
    }
    if (size == 10) {
      for (int count : counts) EXPECT_NEAR(count, 1000, 150);
    }
  }
}

TEST(Transform, TruncateKeepsTheNewest) {
  Batch batch = batch_with_tags({{1, 2, 3, 4}, {}, {5}, {6, 7}, {8, 9, 10}});
  ASSERT_TRUE(apply_transforms({{"tags", Kind::kTruncate, 2, 0}}, batch).ok());
  const auto& tags = batch.features.get<int64_t>("tags");
  EXPECT_EQ(tags.values(), (std::vector<int64_t>{3, 4, 5, 6, 7, 9, 10}));
  EXPECT_EQ(tags.offsets(), (std::vector<int32_t>{0, 2, 2, 3, 5, 7}));
}

TEST(Transform, TruncateOfShortListsAndFloatsChangesNothingElse) {
  const Batch before = fake_samples(10);
  Batch batch = before;
  ASSERT_TRUE(apply_transforms({{"items", Kind::kTruncate, int64_t{1} << 62, 0},
                                {"read_times", Kind::kTruncate, 1000, 0}},
                               batch)
                  .ok());
  EXPECT_EQ(batch, before);
}

TEST(Transform, RunsInOrder) {
  Batch batch = batch_with_tags({{1, 2}});
  ASSERT_TRUE(
      apply_transforms({{"tags", Kind::kTruncate, 1, 0}, {"tags", Kind::kHash, 1000, 0}}, batch)
          .ok());
  EXPECT_EQ(batch.features.get<int64_t>("tags").values(), (std::vector<int64_t>{547}));
}

TEST(Transform, HashesTheCandidate) {
  Batch batch = batch_with_tags({{1}});
  ASSERT_TRUE(apply_transforms({{"item_id", Kind::kHash, 1000, 0}}, batch).ok());
  EXPECT_EQ(batch.item_id, (std::vector<int64_t>{720}));
}

TEST(Transform, OnUniqueRowsEqualsOnEverySample) {
  const std::vector<FeatureTransform> transforms = {{"items", Kind::kTruncate, 5, 0},
                                                    {"read_times", Kind::kTruncate, 3, 0},
                                                    {"items", Kind::kHash, 50, 1},
                                                    {"city", Kind::kHash, 3, 0},
                                                    {"tags", Kind::kHash, 10, 0}};
  const Batch samples = fake_samples(60);
  Batch folded = refolded(samples), rows = unfolded(samples);
  ASSERT_TRUE(apply_transforms(transforms, folded).ok());
  ASSERT_TRUE(apply_transforms(transforms, rows).ok());
  EXPECT_LT(folded.groups[0].features.num_unique(), samples.num_samples());
  EXPECT_EQ(unfolded(folded), rows);
}

TEST(Transform, RefusesWhatMakesNoSense) {
  struct Case {
    FeatureTransform transform;
    StatusCode code;
  };
  const std::vector<Case> cases = {
      {{"nothing", Kind::kHash, 10, 0}, StatusCode::kNotFound},
      {{"read_times", Kind::kHash, 10, 0}, StatusCode::kSchema},
      {{"items", Kind::kHash, 0, 0}, StatusCode::kInvalidArgument},
      {{"items", Kind::kTruncate, -1, 0}, StatusCode::kInvalidArgument},
  };
  for (const Case& c : cases) {
    Batch batch = fake_samples(5);
    const Status applied = apply_transforms({c.transform}, batch);
    EXPECT_EQ(applied.code(), c.code) << applied.message();
    EXPECT_NE(applied.message().find(c.transform.feature), std::string::npos);
    EXPECT_EQ(check_transforms({c.transform}, fake_schema()).code(), c.code);
  }
  EXPECT_EQ(check_transforms({{"age", Kind::kHash, 10, 0}}, fake_schema()).code(),
            StatusCode::kSchema);
  EXPECT_EQ(check_transforms({{"item_id", Kind::kTruncate, 1, 0}}, fake_schema()).code(),
            StatusCode::kSchema);
  EXPECT_TRUE(check_transforms({{"item_id", Kind::kHash, 9, 0}, {"items", Kind::kHash, 9, 0}},
                               fake_schema())
                  .ok());
}

}  // namespace
}  // namespace onefold
