// SPDX-License-Identifier: Apache-2.0
// Timelines on disk to pooled slices, against a loop over the events of each sample.
#include "onefold/ops/slice_pooling.h"

#include <cmath>
#include <random>

#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "onefold/base/hash.h"
#include "onefold/timeline/test_timelines.h"

namespace onefold {
namespace {

constexpr int64_t kDay = 86'400'000'000;
constexpr int64_t kDim = 4, kItems = 64;

class SlicePoolingTest : public testing::Test {
 protected:
  SlicePoolingTest() : slices_(test_slices()), layout_(lay_out_slices(slices_).value()) {
    directory_ = fresh_directory(testing::UnitTest::GetInstance()->current_test_info()->name());
    rows_ = random_rows(/*seed=*/7, /*count=*/400, /*users=*/6, 0, 5 * kDay);
    std::mt19937_64 random(1);
    int64_t id = 0;
    for (TestRow& row : rows_) {
      row.id = id++;  // no copies: the loop below counts every row
      row.action = random() % 3 == 0 ? "like" : "view";
      row.watch_time = static_cast<float>(random() % 40) / 10;
    }
    write_csv(directory_ + "/events.csv", rows_);
    const auto built =
        build_timelines(directory_ + "/timelines", {directory_ + "/events.csv"}, test_mapping());
    EXPECT_TRUE(built.ok()) << built.status().message();
    for (size_t g = 0; g < layout_.tables.size(); ++g) {
      tables_.push_back(at::randn({kItems, kDim}, at::kDouble));
    }
  }

  TimelineTensorOptions options() const {
    TimelineTensorOptions options;
    options.table_rows.item = kItems;
    return options;
  }

  at::Tensor pooled(const TimelineTensorOptions& options, const std::vector<int64_t>& users,
                    const std::vector<int64_t>& cutoffs) const {
    auto tensorizer = TimelineTensorizer::open(directory_ + "/timelines", layout_, options).value();
    const TimelineTensors tensors = (*tensorizer)(users, cutoffs).value();
    std::vector<at::Tensor> rows;
    for (size_t g = 0; g < tables_.size(); ++g) {
      const SliceTable& table = layout_.tables[g];
      rows.push_back(options.number_ids ? tables_[g].index_select(0, tensors.space_ids[table.space])
                                        : tables_[g]);
    }
    return pool_slices(layout_, tensors, rows)
        .index_select(0, tensors.inverse_indices.to(at::kLong));  // [B, N, D]
  }

  // Event by event.
  at::Tensor reference(int64_t user, int64_t cutoff, int64_t max_events) const {
    std::vector<at::Tensor> tokens;
    for (int i = 0; i < slices_.size(); ++i) {
      const Slice& slice = slices_.slices()[i];
      std::vector<TestRow> own;
      for (const TestRow& row : rows_) {
        const bool is_like = row.action == "like";
        if (row.user == user && row.time_us < cutoff &&
            is_like == (slice.timeline == TimelineKind::kExplicit)) {
          own.push_back(row);
        }
      }
      std::sort(own.begin(), own.end(), [](const TestRow& a, const TestRow& b) {
        return std::pair(a.time_us, a.id) < std::pair(b.time_us, b.id);
      });
      at::Tensor sum = at::zeros({kDim}, at::kDouble);
      int64_t count = 0;
      for (size_t e = own.size() - std::min<size_t>(own.size(), max_events); e < own.size(); ++e) {
        if (slice.window_us > 0 && own[e].time_us < cutoff - slice.window_us) continue;
        if (slice.timeline == TimelineKind::kImplicit && !slice.dwell.has(own[e].watch_time)) {
          continue;
        }
        const auto row = static_cast<int64_t>(hash64(own[e].item) % kItems);
        sum += tables_[slices_.table_group(i)][row];
        ++count;
      }
      tokens.push_back(count == 0 ? sum : sum.div(static_cast<double>(count)));
    }
    return at::stack(tokens);
  }

  void expect_reference(const at::Tensor& pooled, const std::vector<int64_t>& users,
                        const std::vector<int64_t>& cutoffs, int64_t max_events) const {
    for (size_t i = 0; i < users.size(); ++i) {
      EXPECT_TRUE(at::allclose(pooled[static_cast<int64_t>(i)],
                               reference(users[i], cutoffs[i], max_events), 1e-5, 1e-6))
          << "sample " << i;
    }
  }

  SliceSet slices_;
  SliceLayout layout_;
  std::string directory_;
  std::vector<TestRow> rows_;
  std::vector<at::Tensor> tables_;
  // Equal cut-offs, one before all events, one after, an unknown user, an exact event time.
  const std::vector<int64_t> users_ = {1, 1, 2, 1, 3, 99, 4, 5};
  std::vector<int64_t> cutoffs() const {
    return {2 * kDay, 3 * kDay, 3 * kDay, 2 * kDay, 0, 4 * kDay, 9 * kDay, rows_[50].time_us};
  }
};

TEST_F(SlicePoolingTest, EqualsALoopOverEvents) {
  expect_reference(pooled(options(), users_, cutoffs()), users_, cutoffs(), 1000);
}

TEST_F(SlicePoolingTest, NewestEventsBeforeTheCutOff) {
  TimelineTensorOptions capped = options();
  capped.max_events = {5, 5};
  expect_reference(pooled(capped, users_, cutoffs()), users_, cutoffs(), 5);
}

TEST_F(SlicePoolingTest, NumberedSharedAndCopiedAgree) {
  const at::Tensor shared = pooled(options(), users_, cutoffs());
  TimelineTensorOptions rows = options();
  rows.number_ids = false;
  EXPECT_TRUE(at::equal(pooled(rows, users_, cutoffs()), shared));
  TimelineTensorOptions copied = options();
  copied.share = false;
  EXPECT_TRUE(at::allclose(pooled(copied, users_, cutoffs()), shared, 1e-6, 1e-7));
}

TEST_F(SlicePoolingTest, EventsOfAUserAreThereOnce) {
  auto tensorizer = TimelineTensorizer::open(directory_ + "/timelines", layout_, options()).value();
  const TimelineTensors once = (*tensorizer)({{1}}, {{3 * kDay}}).value();
  const TimelineTensors often =
      (*tensorizer)({{1, 1, 1, 1}}, {{3 * kDay, 2 * kDay, kDay, 2 * kDay}}).value();
  EXPECT_EQ(often.num_rows, 3);
  for (int t = 0; t < kNumTimelines; ++t) {
    EXPECT_EQ(often.timelines[t].ids.size(1), once.timelines[t].ids.size(1));
  }
}

TEST_F(SlicePoolingTest, StreamedUsersEqualLookedUpOnes) {
  TimelineTensorOptions rows = options();
  rows.number_ids = false;
  auto tensorizer = TimelineTensorizer::open(directory_ + "/timelines", layout_, rows).value();
  auto reader = TimelineReader::open(directory_ + "/timelines").value();
  const TimelineBatch batch = reader->next().value().value();
  const TimelineTensors streamed = tensorizer->from_batch(batch, 3 * kDay).value();
  const std::vector<int64_t> cutoffs(batch.user_id.size(), 3 * kDay);
  EXPECT_TRUE(
      at::equal(pool_slices(layout_, streamed, tables_), pooled(rows, batch.user_id, cutoffs)));
}

}  // namespace
}  // namespace onefold
