// SPDX-License-Identifier: Apache-2.0
#include "onefold/reader/gather.h"

#include <gtest/gtest.h>

#include "onefold/reader/fake_table.h"

namespace onefold {
namespace {

// Three row groups of one fake table, in a form, and runs that skip, repeat and go back.
class Gather : public testing::TestWithParam<FakeTable::Form> {
 protected:
  Gather() : samples_(fake_samples(40)) {
    FakeTable table(samples_, 50, GetParam());
    for (int i = 0; i < 3; ++i) {
      row_groups_.push_back(make_row_group(table.read(table.row_groups()[i]).value(), true));
    }
    for (const RowGroup& row_group : row_groups_) pointers_.push_back(&row_group);
    runs_ = {{2, 10, 20}, {0, 0, 5}, {1, 49, 1}, {0, 4, 46}, {2, 0, 1}, {1, 0, 0}};
    for (const RowRange& run : runs_) {
      for (int32_t i = 0; i < run.count; ++i)
        indices_.push_back(50 * run.row_group + run.begin + i);
    }
  }

  Batch samples_;
  std::vector<RowGroup> row_groups_;
  std::vector<const RowGroup*> pointers_;
  std::vector<RowRange> runs_;
  std::vector<int32_t> indices_;  // the same samples, in samples_
};

TEST_P(Gather, FoldsAcrossRowGroups) {
  const Batch batch = gather(pointers_, runs_, true);
  check_batch(batch, fake_schema());
  EXPECT_EQ(batch, refolded(select_samples(samples_, indices_)));
  EXPECT_LT(batch.groups[0].features.num_unique(), batch.num_samples());
}

TEST_P(Gather, WithoutFoldHasARowPerSample) {
  const Batch batch = gather(pointers_, runs_, false);
  check_batch(batch, fake_schema());
  EXPECT_EQ(batch, unfolded(select_samples(samples_, indices_)));
}

TEST_P(Gather, CollidingHashesLoseNothing) {
  for (RowGroup& row_group : row_groups_) {
    for (auto& hashes : row_group.row_hashes) std::fill(hashes.begin(), hashes.end(), 7);
  }
  EXPECT_EQ(unfolded(gather(pointers_, runs_, true)), unfolded(select_samples(samples_, indices_)));
}

TEST_P(Gather, NoSamples) {
  EXPECT_EQ(gather(pointers_, {}, true), select_samples(samples_, {}));
  EXPECT_EQ(gather(pointers_, {}, false).num_samples(), 0);
}

INSTANTIATE_TEST_SUITE_P(Forms, Gather,
                         testing::Values(FakeTable::Form::kUnfolded, FakeTable::Form::kFolded));

}  // namespace
}  // namespace onefold
