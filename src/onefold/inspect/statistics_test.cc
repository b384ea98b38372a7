// SPDX-License-Identifier: Apache-2.0
#include "onefold/inspect/statistics.h"

#include <algorithm>
#include <map>
#include <random>

#include <gtest/gtest.h>

namespace onefold {
namespace {

struct Sample {
  uint64_t session;
  int64_t time;
  std::vector<int64_t> list;
};

// One feature "f" over samples at hand; in a group "g" with its chunks folded, or per sample.
class FakeSource : public SampleSource {
 public:
  FakeSource(std::vector<Sample> samples, bool folded, size_t chunk_size = 1000)
      : samples_(std::move(samples)),
        folded_(folded),
        chunk_size_(chunk_size),
        groups_{{folded ? "g" : "", {{"f", "id_list"}}}} {}

  const std::vector<SourceGroup>& groups() const override { return groups_; }
  const std::vector<std::string>& labels() const override { return labels_; }

  Result<std::optional<SampleChunk>> next() override {
    if (begin_ == samples_.size()) return std::optional<SampleChunk>();
    const size_t end = std::min(begin_ + chunk_size_, samples_.size());
    SampleChunk chunk;
    SampleChunk::Rows& rows = chunk.groups.emplace_back();
    JaggedTensor<int64_t>& lists = rows.features.emplace_back();
    std::map<std::vector<int64_t>, int32_t> row_of_list;
    for (; begin_ < end; ++begin_) {
      const Sample& sample = samples_[begin_];
      chunk.session.push_back(sample.session);
      chunk.user.push_back(sample.session / 2);
      chunk.time.push_back(sample.time);
      const auto next_row = static_cast<int32_t>(lists.num_rows());
      const int32_t row =
          folded_ ? row_of_list.try_emplace(sample.list, next_row).first->second : next_row;
      if (row == next_row) lists.push_row(sample.list);
      if (folded_) rows.row_of_sample.push_back(row);
    }
    chunk.positives = {1};
    return std::optional<SampleChunk>(std::move(chunk));
  }

 private:
  std::vector<Sample> samples_;
  bool folded_;
  size_t chunk_size_;
  size_t begin_ = 0;
  std::vector<SourceGroup> groups_;
  std::vector<std::string> labels_ = {"click"};
};

InspectReport report_of(FakeSource source, int64_t batch_size) {
  return summarize(observe(source).value(), batch_size);
}

// A-B-A: [1,2] [3] [1,2] in session 1, [1,2] in session 2.
TEST(Statistics, ABA) {
  const std::vector<Sample> samples = {{1, 1, {1, 2}}, {1, 2, {3}}, {1, 3, {1, 2}}, {2, 4, {1, 2}}};
  for (bool folded : {false, true}) {
    const InspectReport whole = report_of({samples, folded}, 4);
    EXPECT_EQ(whole.samples, 4);
    EXPECT_EQ(whole.sessions, 2);
    EXPECT_EQ(whole.users, 2);
    EXPECT_EQ(whole.labels.front().positives, 1);
    ASSERT_EQ(whole.features.size(), 1u);
    const FeatureReport& f = whole.features.front();
    EXPECT_DOUBLE_EQ(f.mean_length, 7.0 / 4);
    EXPECT_DOUBLE_EQ(f.exact_duplicates, 1.0 / 4);        // the third sample
    EXPECT_DOUBLE_EQ(f.partial_duplicates, 2.0 / 7);      // its two values
    EXPECT_DOUBLE_EQ(f.unchanged, 0);                     // neighbours A-B and B-A
    EXPECT_DOUBLE_EQ(f.session_order.measured, 4.0 / 2);  // [1,2] and [3]
    EXPECT_DOUBLE_EQ(f.session_order.predicted, 1);       // the model sees no A-B-A
    EXPECT_DOUBLE_EQ(whole.session_order_samples, 4.0 / 2);

    // Batches (A B) (A A): 2 + 1 lists, 1 + 2 sessions.
    const InspectReport halves = report_of({samples, folded}, 2);
    EXPECT_DOUBLE_EQ(halves.features.front().session_order.measured, 4.0 / 3);
    EXPECT_DOUBLE_EQ(halves.session_order_samples, 4.0 / 3);
  }
}

// Session 1 at times 1, 3, 5: [1,2,3], shifted to [2,3,4], unchanged. Session 2 at 2, 4: [9] twice.
TEST(Statistics, ShiftAndInterleavedArrival) {
  const std::vector<Sample> samples = {
      {1, 1, {1, 2, 3}}, {1, 3, {2, 3, 4}}, {1, 5, {2, 3, 4}}, {2, 2, {9}}, {2, 4, {9}}};
  for (bool folded : {false, true}) {
    const InspectReport pairs = report_of({samples, folded}, 2);
    const FeatureReport& f = pairs.features.front();
    EXPECT_DOUBLE_EQ(f.mean_length, 11.0 / 5);
    EXPECT_DOUBLE_EQ(f.exact_duplicates, 2.0 / 5);
    EXPECT_DOUBLE_EQ(f.partial_duplicates, (2 + 3 + 1) / 11.0);
    EXPECT_DOUBLE_EQ(f.unchanged, 2.0 / 3);  // of the neighbours 1-3, 3-5, 2-4
    // Session order (1 1) (1 2) (2): 2 + 2 + 1 lists; 1 + 2 + 1 sessions, so S = 5/4.
    EXPECT_DOUBLE_EQ(f.session_order.measured, 1);
    EXPECT_DOUBLE_EQ(pairs.session_order_samples, 5.0 / 4);
    EXPECT_DOUBLE_EQ(f.session_order.predicted, 1 / (1 - 0.2 * (2.0 / 3)));
    // Arrival order (1 2) (1 2) (1): every list and every session once.
    EXPECT_DOUBLE_EQ(f.arrival_order.measured, 1);
    EXPECT_DOUBLE_EQ(pairs.arrival_order_samples, 1);
    EXPECT_DOUBLE_EQ(f.arrival_order.predicted, 1);
    // One batch: 3 lists, 2 sessions; the model is exact: 1 / (1 - 3/5 * 2/3) = 5/3.
    const InspectReport whole = report_of({samples, folded}, 5);
    EXPECT_DOUBLE_EQ(whole.features.front().arrival_order.measured, 5.0 / 3);
    EXPECT_DOUBLE_EQ(whole.features.front().arrival_order.predicted, 5.0 / 3);
    EXPECT_EQ(whole.out_of_order, 0);
  }
}

TEST(Statistics, GroupOfAFoldedSource) {
  // Two chunks of two: rows [1,2] | [1,2], [3]; values 6 over the samples, 5 stored.
  const std::vector<Sample> samples = {{1, 1, {1, 2}}, {1, 2, {1, 2}}, {1, 3, {1, 2}}, {1, 4, {3}}};
  const InspectReport report = report_of({samples, true, 2}, 4);
  ASSERT_EQ(report.groups.size(), 1u);
  EXPECT_EQ(report.groups[0].rows, 3);
  EXPECT_EQ(report.groups[0].sample_values, 7);
  EXPECT_EQ(report.groups[0].stored_values, 5);
  EXPECT_DOUBLE_EQ(report.groups[0].values_ratio(), 7.0 / 5);
  EXPECT_DOUBLE_EQ(report.groups[0].session_order, 4.0 / 2);
  EXPECT_TRUE(report_of({samples, false, 2}, 4).groups.empty());
}

TEST(Statistics, SamplesOutOfTimeOrderAreSortedAndCounted) {
  // In time order [1] [1] [2] [2]: 2 of 3 neighbours equal. As stored, none is.
  const std::vector<Sample> samples = {{1, 1, {1}}, {1, 3, {2}}, {1, 2, {1}}, {1, 4, {2}}};
  const InspectReport report = report_of({samples, false}, 2);
  EXPECT_EQ(report.out_of_order, 1);
  EXPECT_DOUBLE_EQ(report.features.front().unchanged, 2.0 / 3);
  EXPECT_DOUBLE_EQ(report.features.front().session_order.measured, 2);  // (1 1) (2 2)
}

TEST(Statistics, SamplesPerSessionByNearestRank) {
  std::vector<Sample> samples;  // session s has s samples, s = 1 .. 100
  for (uint64_t session = 1; session <= 100; ++session) {
    for (uint64_t i = 0; i < session; ++i) samples.push_back({session, 0, {}});
  }
  const InspectReport report = report_of({samples, false}, 10);
  EXPECT_DOUBLE_EQ(report.samples_per_session.mean, 50.5);
  EXPECT_EQ(report.samples_per_session.p50, 50);
  EXPECT_EQ(report.samples_per_session.p99, 99);
  EXPECT_EQ(report.samples_per_session.max, 100);
}

TEST(Statistics, NoSamples) {
  const InspectReport report = report_of({{}, false}, 10);
  EXPECT_EQ(report.samples, 0);
  EXPECT_EQ(report.samples_per_session.max, 0);
  EXPECT_DOUBLE_EQ(report.features.front().session_order.measured, 1);
  EXPECT_DOUBLE_EQ(report.features.front().session_order.predicted, 1);
}

// Folding and chunk borders must not change a number.
TEST(Statistics, TheFormOfTheSourceDoesNotMatter) {
  std::mt19937 random(3);
  std::vector<Sample> samples;
  for (uint64_t session = 0; session < 200; ++session) {
    std::vector<int64_t> list = {static_cast<int64_t>(session), 1, 2};
    for (int i = 0; i < 1 + static_cast<int>(random() % 9); ++i) {
      if (random() % 3 == 0) list.push_back(random() % 5);
      if (random() % 3 == 0 && !list.empty()) list.erase(list.begin());
      samples.push_back({session, i, list});
    }
  }
  const InspectReport expected = report_of({samples, false}, 64);
  const FeatureReport& e = expected.features.front();
  EXPECT_GT(e.partial_duplicates, e.exact_duplicates);
  for (bool folded : {false, true}) {
    for (size_t chunk_size : {1, 7, 100}) {
      const InspectReport report = report_of({samples, folded, chunk_size}, 64);
      const FeatureReport& f = report.features.front();
      EXPECT_EQ(f.exact_duplicates, e.exact_duplicates);
      EXPECT_EQ(f.partial_duplicates, e.partial_duplicates);
      EXPECT_EQ(f.unchanged, e.unchanged);
      EXPECT_EQ(f.session_order.measured, e.session_order.measured);
      EXPECT_EQ(f.arrival_order.measured, e.arrival_order.measured);
      EXPECT_EQ(report.session_order_samples, expected.session_order_samples);
      EXPECT_FALSE(report.forgot_sessions);
    }
  }
}

TEST(Statistics, LittleMemoryGivesLowerBounds) {
  std::vector<Sample> samples;
  for (uint64_t session = 0; session < 100; ++session) {
    for (int i = 0; i < 10; ++i) samples.push_back({session, i, {static_cast<int64_t>(session)}});
  }
  FakeSource all(samples, false), some(samples, false);
  const InspectReport exact = summarize(observe(all).value(), 64);
  // Room for 10 sessions of 150 bytes: forgets every 10 sessions, at most one of them open.
  const InspectReport bounded = summarize(observe(some, 1500).value(), 64);
  EXPECT_FALSE(exact.forgot_sessions);
  EXPECT_TRUE(bounded.forgot_sessions);
  EXPECT_DOUBLE_EQ(exact.features[0].exact_duplicates, 0.9);
  EXPECT_LT(bounded.features[0].exact_duplicates, 0.9);
  EXPECT_GT(bounded.features[0].exact_duplicates, 0.85);
  EXPECT_EQ(bounded.features[0].unchanged, exact.features[0].unchanged);
}

// The table of RecD's model, computed by hand to two decimals.
TEST(Statistics, PredictedFoldFactor) {
  EXPECT_NEAR(predicted_fold_factor(1.15, 0.5), 1.07, 0.005);
  EXPECT_NEAR(predicted_fold_factor(4, 0.8), 2.50, 0.005);
  EXPECT_NEAR(predicted_fold_factor(16.5, 0.9), 6.47, 0.005);
  EXPECT_NEAR(predicted_fold_factor(32, 0.95), 12.55, 0.005);
  EXPECT_DOUBLE_EQ(predicted_fold_factor(16, 1), 16);
  EXPECT_DOUBLE_EQ(predicted_fold_factor(1, 0.9), 1);
  EXPECT_DOUBLE_EQ(predicted_fold_factor(5, 0), 1);
}

// With the same chance d of staying unchanged everywhere, the model must come close.
TEST(Statistics, MeasuredFoldFactorFollowsTheModel) {
  std::mt19937 random(5);
  std::vector<Sample> samples;
  int64_t next_list = 0;
  for (uint64_t session = 0; session < 1000; ++session) {
    for (int i = 0; i < 16; ++i) {
      if (i == 0 || random() % 10 >= 8) ++next_list;  // d = 0.8
      samples.push_back({session, i, {next_list}});
    }
  }
  const InspectReport report = report_of({samples, false}, 4096);
  const FeatureReport& f = report.features.front();
  EXPECT_NEAR(f.unchanged, 0.8, 0.01);
  EXPECT_NEAR(f.session_order.measured, f.session_order.predicted, 0.01);
  EXPECT_NEAR(f.session_order.predicted, 4, 0.1);
}

}  // namespace
}  // namespace onefold
