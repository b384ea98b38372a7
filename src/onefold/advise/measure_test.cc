// SPDX-License-Identifier: Apache-2.0
#include "onefold/advise/measure.h"

#include <gtest/gtest.h>

#include "onefold/advise/test_sessions.h"
#include "onefold/jagged/fold.h"
#include "onefold/jagged/merge_rows.h"

namespace onefold {
namespace {

// Lists that slide by one each request, and now and then come back (A-B-A).
SessionSample sliding_sessions() {
  TestSessions source(7, 10, 2);
  source.add("items", [](int64_t session, int64_t i) {
    return counting(1000 * session + (i >= 8 ? 0 : i / 2), 6);
  });
  source.add("flags", [](int64_t, int64_t i) { return List(static_cast<size_t>(i / 2), 1); });
  return take_sessions(source, 7, 7).value();
}

KeyedJaggedTensor expanded(const SessionSample& sample, const Chunks& chunks, size_t c) {
  const int64_t begin = chunks.begins[c], end = chunks.begins[c + 1];
  KeyedJaggedTensor rows(end - begin);
  for (const SampledFeature& feature : sample.features) {
    JaggedTensor<int64_t> lists;
    for (int64_t i = begin; i < end; ++i) {
      lists.push_row(feature.rows.row(feature.row_of_sample[chunks.sample(i)]));
    }
    rows.add(feature.name, std::move(lists));
  }
  return rows;
}

int64_t count(const KeyedJaggedTensor& rows) {
  int64_t values = 0;
  for (int64_t k = 0; k < rows.num_keys(); ++k) values += num_values(rows.column(k));
  return values;
}

TEST(Measure, IsWhatFoldingAndMergingKeep) {
  const SessionSample sample = sliding_sessions();
  ASSERT_EQ(sample.num_samples(), 70);
  ASSERT_EQ(sample.num_sessions(), 7);
  const int both[] = {0, 1}, widths[] = {8, 4};
  for (int64_t chunk_samples : {3, 16, 100}) {
    const Chunks chunks = batch_chunks(sample, chunk_samples);
    int64_t samples = 0, unique = 0, merged = 0;
    for (size_t c = 0; c + 1 < chunks.begins.size(); ++c) {
      const KeyedJaggedTensor rows = expanded(sample, chunks, c);
      const InverseKeyedJaggedTensor folded = fold(rows);
      std::vector<int64_t> owners(folded.num_unique());
      for (int64_t i = 0; i < rows.num_rows(); ++i) {
        owners[folded.inverse_indices()[i]] = sample.session[chunks.sample(chunks.begins[c] + i)];
      }
      samples += count(rows);
      unique += count(folded.unique());
      merged += count(merge_rows(folded.unique(), owners).payload);
    }
    const Measured exact = measure(sample, both, widths, chunks, false);
    const Measured windowed = measure(sample, both, widths, chunks, true);
    EXPECT_EQ(exact.sample_values, samples);
    EXPECT_EQ(exact.unique_values, unique);
    EXPECT_EQ(exact.stored_values, unique);
    EXPECT_EQ(windowed.unique_values, unique);
    EXPECT_EQ(windowed.stored_values, merged);
  }
}

TEST(Measure, BytesByWidth) {
  const SessionSample sample = sliding_sessions();
  const int items[] = {0}, flags[] = {1}, widths[] = {8, 4};
  const Measured a = measure(sample, items, widths, {{0, 70}}, false);
  EXPECT_EQ(a.sample_bytes, 70 * 6 * 8);
  EXPECT_EQ(a.stored_bytes, 7 * 4 * 6 * 8);  // 0, 1, 2, 3 and 0 again
  const Measured b = measure(sample, flags, widths, {{0, 70}}, false);
  EXPECT_EQ(b.stored_bytes, (0 + 1 + 2 + 3 + 4) * 4);  // the same in all sessions
}

TEST(Measure, Chunks) {
  const SessionSample sample = sliding_sessions();
  EXPECT_EQ(request_chunks(sample).begins.size(), 7u * 5 + 1);
  EXPECT_EQ(session_chunks(sample, 25).begins, (std::vector<int64_t>{0, 20, 40, 60, 70}));
  EXPECT_EQ(session_chunks(sample, 5).begins,
            (std::vector<int64_t>{0, 10, 20, 30, 40, 50, 60, 70}));
  const Chunks batches = batch_chunks(sample, 40);
  EXPECT_EQ(batches.begins, (std::vector<int64_t>{0, 40, 70}));
  for (int64_t i = 0; i < 70; ++i) EXPECT_EQ(batches.order[i] % 10, i % 10);  // whole sessions
}

TEST(SessionSample, TakesWholeSessionsAndTheSameEveryTime) {
  const auto take = [](int64_t sessions) {
    TestSessions source(1000, 3, 1);
    source.add("x", [](int64_t session, int64_t) { return List{session}; });
    return take_sessions(source, 1000, sessions).value();
  };
  const SessionSample some = take(300);
  EXPECT_NEAR(static_cast<double>(some.num_sessions()), 300, 150);
  EXPECT_EQ(some.num_samples(), 3 * some.num_sessions());
  EXPECT_EQ(some.features[0].rows.num_rows(), some.num_sessions());
  EXPECT_EQ(some.session, take(300).session);
  EXPECT_EQ(take(1000).num_sessions(), 1000);
  int64_t neighbours = 0;
  for (size_t i = 3; i < some.session.size(); i += 3) {
    neighbours += some.session[i] == some.session[i - 3] + 1;
  }
  EXPECT_GT(neighbours, some.num_sessions() * 9 / 10);
}

}  // namespace
}  // namespace onefold
