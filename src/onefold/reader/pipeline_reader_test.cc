// SPDX-License-Identifier: Apache-2.0
#include "onefold/reader/pipeline_reader.h"

#include <algorithm>
#include <map>
#include <numeric>

#include <gtest/gtest.h>

#include "onefold/reader/fake_table.h"

namespace onefold {
namespace {

using Form = FakeTable::Form;

constexpr int kSessions = 120;  // 480 samples; row groups of 37 cut most sessions at their borders
constexpr int64_t kRowGroupRows = 37;

std::unique_ptr<FakeTable> make_table(Form form) {
  return std::make_unique<FakeTable>(fake_samples(kSessions), kRowGroupRows, form);
}

std::unique_ptr<BatchReader> make_reader(const BatchReaderOptions& options,
                                         Form form = Form::kFolded) {
  return PipelineReader::make(make_table(form), nullptr, options).value();
}

std::vector<Batch> read_epoch(BatchReader& reader) {
  std::vector<Batch> batches;
  while (auto batch = reader.next().value()) batches.push_back(std::move(*batch));
  return batches;
}

// request_id numbers the samples of the fake table.
std::vector<int64_t> samples_of(const std::vector<Batch>& batches) {
  std::vector<int64_t> samples;
  for (const Batch& batch : batches) {
    samples.insert(samples.end(), batch.request_id.begin(), batch.request_id.end());
  }
  return samples;
}

std::vector<int64_t> sorted(std::vector<int64_t> samples) {
  std::sort(samples.begin(), samples.end());
  return samples;
}

std::vector<int64_t> all_samples() {
  std::vector<int64_t> samples(fake_samples(kSessions).num_samples());
  std::iota(samples.begin(), samples.end(), 0);
  return samples;
}

std::vector<int64_t> read_samples(const BatchReaderOptions& options) {
  return samples_of(read_epoch(*make_reader(options)));
}

struct Mode {
  bool shuffle;
  int prefetch_batches;
  int read_threads;
};

class PipelineModes : public testing::TestWithParam<Mode> {
 protected:
  BatchReaderOptions options(int64_t batch_size) const {
    return {.batch_size = batch_size,
            .shuffle = GetParam().shuffle,
            .seed = 11,
            .prefetch_batches = GetParam().prefetch_batches,
            .read_threads = GetParam().read_threads};
  }
};

TEST_P(PipelineModes, EverySampleOncePerEpoch) {
  // 16 cuts sessions; 150 spans row groups, 1000 windows and the whole table.
  for (int64_t batch_size : {1, 16, 150, 1000}) {
    auto reader = make_reader(options(batch_size));
    for (int epoch = 0; epoch < 2; ++epoch) {
      const auto batches = read_epoch(*reader);
      for (size_t b = 0; b + 1 < batches.size(); ++b) {
        ASSERT_EQ(batches[b].num_samples(), batch_size);
      }
      EXPECT_EQ(sorted(samples_of(batches)), all_samples());
    }
  }
}

TEST_P(PipelineModes, SameBatchesForEveryFormOfTheTable) {
  for (int64_t batch_size : {16, 150}) {
    auto folded = make_reader(options(batch_size), Form::kFolded);
    auto plain = make_reader(options(batch_size), Form::kUnfolded);
    BatchReaderOptions off = options(batch_size);
    off.fold = false;
    auto folded_off = make_reader(off, Form::kFolded);
    auto plain_off = make_reader(off, Form::kUnfolded);
    for (int epoch = 0; epoch < 2; ++epoch) {
      const auto batches = read_epoch(*folded);
      EXPECT_EQ(batches, read_epoch(*plain));
      const auto unfolded_batches = read_epoch(*folded_off);
      EXPECT_EQ(unfolded_batches, read_epoch(*plain_off));
      ASSERT_EQ(unfolded_batches.size(), batches.size());
      for (size_t b = 0; b < batches.size(); ++b) {
        EXPECT_EQ(unfolded_batches[b], unfolded(batches[b]));
        EXPECT_EQ(batches[b], refolded(batches[b])) << "smallest U";
        check_batch(batches[b], fake_schema());
      }
    }
  }
}

TEST_P(PipelineModes, RestoreContinuesAtEveryPosition) {
  for (double holdout_end : {0.0, 0.3}) {
    for (bool drop_last : {false, true}) {
      BatchReaderOptions opts = options(50);
      opts.holdout_end = holdout_end;
      opts.drop_last = drop_last;
      auto reader = make_reader(opts);
      read_epoch(*reader);  // epoch 0
      const auto expected = read_epoch(*reader);
      const auto next_epoch = read_epoch(*reader);
      for (size_t done = 0; done <= expected.size(); ++done) {
        auto resumed = make_reader(opts);
        ASSERT_TRUE(resumed->restore({1, static_cast<int64_t>(done)}).ok());
        EXPECT_EQ(read_epoch(*resumed),
                  std::vector<Batch>(expected.begin() + done, expected.end()));
        EXPECT_EQ(resumed->next().value(), next_epoch.front());
      }
      // Also in a reader that is in the middle of another epoch.
      ASSERT_TRUE(reader->next().ok());
      ASSERT_TRUE(reader->restore({1, 2}).ok());
      EXPECT_EQ(reader->next().value(), expected[2]);
      const Status beyond = reader->restore({1, static_cast<int64_t>(expected.size()) + 1});
      EXPECT_EQ(beyond.code(), StatusCode::kInvalidArgument);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, PipelineModes,
                         testing::Values(Mode{true, 4, 1}, Mode{true, 0, 1}, Mode{true, 1, 3},
                                         Mode{false, 2, 2}, Mode{false, 0, 1}));

TEST(PipelineReader, StateFollowsTheConsumer) {
  auto reader = make_reader({.batch_size = 200, .prefetch_batches = 4});
  EXPECT_EQ(reader->state().epoch, 0);
  EXPECT_EQ(reader->state().batches_done, 0);
  std::vector<ReaderState> states;
  for (int call = 0; call < 4; ++call) {  // 3 batches of 480 samples, then the end
    ASSERT_TRUE(reader->next().ok());
    states.push_back(reader->state());
  }
  EXPECT_EQ(states[0].batches_done, 1);
  EXPECT_EQ(states[2].batches_done, 3);
  EXPECT_EQ(states[2].epoch, 0);
  EXPECT_EQ(states[3].epoch, 1);
  EXPECT_EQ(states[3].batches_done, 0);
}

TEST(PipelineReader, WithoutShuffleIsTableOrder) {
  EXPECT_EQ(read_samples({.batch_size = 33, .shuffle = false}), all_samples());
}

TEST(PipelineReader, SeedAndEpochDecideTheOrder) {
  auto first = make_reader({.seed = 1}), again = make_reader({.seed = 1}),
       other = make_reader({.seed = 2});
  const auto epoch0 = samples_of(read_epoch(*first)), epoch1 = samples_of(read_epoch(*first));
  EXPECT_EQ(samples_of(read_epoch(*again)), epoch0);
  EXPECT_EQ(samples_of(read_epoch(*again)), epoch1);
  EXPECT_NE(epoch0, epoch1);
  EXPECT_NE(samples_of(read_epoch(*other)), epoch0);
}

TEST(PipelineReader, SessionsStayWholeWithinAWindow) {
  // One window over the whole table: no session may come in two pieces.
  const auto batches = read_epoch(*make_reader({.batch_size = 16, .shuffle_row_groups = 1000}));
  std::map<int64_t, int> pieces;
  int64_t last_session = -1, last_sample = -1;
  for (const Batch& batch : batches) {
    for (int64_t i = 0; i < batch.num_samples(); ++i) {
      if (batch.session_id[i] == last_session) {
        EXPECT_EQ(batch.request_id[i], last_sample + 1) << "order inside a session";
      } else {
        ++pieces[batch.session_id[i]];
      }
      last_session = batch.session_id[i];
      last_sample = batch.request_id[i];
    }
  }
  EXPECT_EQ(pieces.size(), static_cast<size_t>(kSessions));
  for (auto [session, count] : pieces) EXPECT_EQ(count, 1) << session;
}

TEST(PipelineReader, DropLastLeavesOutTheSmallBatchOnly) {
  const auto batches = read_epoch(*make_reader({.batch_size = 100, .drop_last = true}));
  EXPECT_EQ(batches.size(), 4u);  // of 480 samples
  for (const Batch& batch : batches) EXPECT_EQ(batch.num_samples(), 100);
}

TEST(PipelineReader, RestoreReadsNoRowGroupOfAnEarlierWindow) {
  auto table = make_table(Form::kFolded);
  FakeTable* reads = table.get();
  // Windows of 2 of 13 row groups: 74 samples each. Batch 20 of 20 samples begins in window 5.
  auto reader = PipelineReader::make(std::move(table), nullptr,
                                     {.batch_size = 20, .shuffle = true, .shuffle_row_groups = 2})
                    .value();
  ASSERT_TRUE(reader->restore({0, 20}).ok());
  EXPECT_TRUE(reads->row_groups_read().empty()) << "without a holdout the manifest is enough";
  read_epoch(*reader);
  EXPECT_EQ(reads->row_groups_read().size(), 3u);  // of windows 5 and 6
}

TEST(PipelineReader, RanksAreDisjointAndComplete) {
  for (int world_size : {2, 3, 5}) {
    std::vector<int64_t> seen;
    for (int rank = 0; rank < world_size; ++rank) {
      const auto samples = read_samples(
          {.batch_size = 16, .rank = rank, .world_size = world_size, .even_ranks = false});
      seen.insert(seen.end(), samples.begin(), samples.end());
    }
    EXPECT_EQ(sorted(seen), all_samples());
  }
}

TEST(PipelineReader, EvenRanksGiveTheSameNumberOfBatches) {
  for (double holdout_end : {0.0, 0.4}) {
    std::vector<size_t> counts;
    std::vector<int64_t> seen;
    for (int rank = 0; rank < 3; ++rank) {
      auto reader = make_reader(
          {.batch_size = 16, .rank = rank, .world_size = 3, .holdout_end = holdout_end});
      const auto batches = read_epoch(*reader);
      counts.push_back(batches.size());
      const auto samples = samples_of(batches);
      seen.insert(seen.end(), samples.begin(), samples.end());
      // A resumed rank stops at the same batch.
      ASSERT_TRUE(reader->restore({0, 2}).ok());
      EXPECT_EQ(read_epoch(*reader).size(), batches.size() - 2);
      EXPECT_FALSE(reader->restore({0, static_cast<int64_t>(batches.size()) + 1}).ok());
    }
    EXPECT_EQ(counts[0], counts[1]);
    EXPECT_EQ(counts[0], counts[2]);
    auto distinct = sorted(seen);
    EXPECT_EQ(std::unique(distinct.begin(), distinct.end()), distinct.end());
    if (holdout_end == 0) {
      EXPECT_GE(seen.size(), all_samples().size() - 3 * (16 + kRowGroupRows));
    }
  }
}

TEST(PipelineReader, HoldoutSplitsWholeSessions) {
  BatchReaderOptions options{.batch_size = 16, .holdout_begin = 0.2, .holdout_end = 0.5};
  const auto train = read_epoch(*make_reader(options));
  options.exclude_holdout = false;
  const auto held_out = read_epoch(*make_reader(options));
  auto seen = samples_of(train);
  const auto held_out_samples = samples_of(held_out);
  EXPECT_GT(held_out_samples.size(), 50u);
  seen.insert(seen.end(), held_out_samples.begin(), held_out_samples.end());
  EXPECT_EQ(sorted(seen), all_samples());
  std::set<int64_t> train_sessions, held_out_sessions, both;
  for (const Batch& b : train) train_sessions.insert(b.session_id.begin(), b.session_id.end());
  for (const Batch& b : held_out) {
    held_out_sessions.insert(b.session_id.begin(), b.session_id.end());
  }
  std::set_intersection(train_sessions.begin(), train_sessions.end(), held_out_sessions.begin(),
                        held_out_sessions.end(), std::inserter(both, both.end()));
  EXPECT_TRUE(both.empty());
}

TEST(PipelineReader, TransformsGiveTheSameOnEveryForm) {
  using Kind = FeatureTransform::Kind;
  BatchReaderOptions options{.batch_size = 50,
                             .transforms = {{"items", Kind::kTruncate, 5, 0},
                                            {"items", Kind::kHash, 40, 1},
                                            {"item_id", Kind::kHash, 10, 0}}};
  const auto folded = read_epoch(*make_reader(options, Form::kFolded));
  EXPECT_EQ(folded, read_epoch(*make_reader(options, Form::kUnfolded)));
  auto untransformed = options;
  untransformed.transforms.clear();
  untransformed.fold = false;
  auto expected = read_epoch(*make_reader(untransformed, Form::kUnfolded));
  ASSERT_EQ(folded.size(), expected.size());
  for (size_t b = 0; b < folded.size(); ++b) {
    ASSERT_TRUE(apply_transforms(options.transforms, expected[b]).ok());
    EXPECT_EQ(unfolded(folded[b]), expected[b]);
  }
}

TEST(PipelineReader, ErrorArrivesAtNextAndStays) {
  for (int prefetch : {0, 1, 4}) {
    auto table = make_table(Form::kFolded);
    table->fail_at = 5;
    auto reader =
        PipelineReader::make(std::move(table), nullptr,
                             {.batch_size = 37, .shuffle = false, .prefetch_batches = prefetch})
            .value();
    for (int batch = 0; batch < 5; ++batch) ASSERT_TRUE(reader->next().ok());
    for (int call = 0; call < 3; ++call) {
      const auto failed = reader->next();
      ASSERT_FALSE(failed.ok());
      EXPECT_EQ(failed.status().code(), StatusCode::kDataLoss);
      EXPECT_EQ(failed.status().message(), "row group 5");
    }
    EXPECT_EQ(reader->state().batches_done, 5);
    // What lies before the damage can still be read.
    ASSERT_TRUE(reader->restore({0, 3}).ok());
    EXPECT_TRUE(reader->next().ok());
  }
}

TEST(PipelineReader, ExceptionArrivesAtNext) {
  for (int prefetch : {0, 2}) {
    auto table = make_table(Form::kFolded);
    table->throw_at = 0;
    auto reader = PipelineReader::make(std::move(table), nullptr,
                                       {.shuffle = false, .prefetch_batches = prefetch})
                      .value();
    EXPECT_THROW((void)reader->next(), std::runtime_error);
    EXPECT_THROW((void)reader->next(), std::runtime_error);
  }
}

TEST(PipelineReader, MayBeDestroyedInAnyState) {
  for (int prefetch : {0, 1, 8}) {
    for (int batches = 0; batches <= 8; ++batches) {
      auto reader =
          make_reader({.batch_size = 64, .prefetch_batches = prefetch, .read_threads = 2});
      for (int i = 0; i < batches; ++i) ASSERT_TRUE(reader->next().ok());
    }
  }
}

TEST(PipelineReader, StatsCountWhatWasDelivered) {
  const auto batches = read_epoch(*make_reader({.batch_size = 64}));
  auto reader = make_reader({.batch_size = 64});
  read_epoch(*reader);
  const ReaderStats stats = reader->stats();
  EXPECT_EQ(stats.samples, static_cast<int64_t>(all_samples().size()));
  EXPECT_EQ(stats.batches, static_cast<int64_t>(batches.size()));
  EXPECT_EQ(stats.bytes_read, 100 * 13);  // the fake's bytes: 100 a row group
  EXPECT_GE(stats.wait_seconds, 0);
  ASSERT_EQ(stats.groups.size(), 2u);
  EXPECT_EQ(stats.groups[0].name, "history");
  int64_t unique = 0, unique_values = 0, sample_values = 0;
  for (const Batch& batch : batches) {
    const auto& history = batch.groups[0].features;
    unique += history.num_unique();
    unique_values += history.unique().get<int64_t>("items").num_values() +
                     history.unique().get<float>("read_times").num_values();
    const KeyedJaggedTensor expanded = expand(history);
    sample_values += expanded.get<int64_t>("items").num_values() +
                     expanded.get<float>("read_times").num_values();
  }
  EXPECT_EQ(stats.groups[0].samples, stats.samples);
  EXPECT_EQ(stats.groups[0].unique, unique);
  EXPECT_EQ(stats.groups[0].unique_values, unique_values);
  EXPECT_EQ(stats.groups[0].sample_values, sample_values);
  EXPECT_LT(unique, stats.samples / 3);
}

TEST(PipelineReader, EmptyTableIsAnEmptyEpoch) {
  auto table = std::make_unique<FakeTable>(fake_samples(0), 10, Form::kFolded);
  auto reader = PipelineReader::make(std::move(table), nullptr, {}).value();
  EXPECT_FALSE(reader->next().value().has_value());
  EXPECT_FALSE(reader->next().value().has_value());
  EXPECT_EQ(reader->state().epoch, 2);
}

TEST(PipelineReader, RefusesOptionsOutOfRange) {
  auto code = [](const BatchReaderOptions& options) {
    return PipelineReader::make(make_table(Form::kFolded), nullptr, options).status().code();
  };
  EXPECT_EQ(code({.batch_size = 0}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.shuffle_row_groups = 0}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.prefetch_batches = -1}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.read_threads = 0}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.rank = 2, .world_size = 2}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.holdout_begin = 0.5, .holdout_end = 0.4}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.holdout_end = 1.5}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.exclude_holdout = false}), StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.world_size = 14}), StatusCode::kInvalidArgument);  // 13 row groups
  EXPECT_EQ(code({.world_size = 14, .even_ranks = false}), StatusCode::kOk);
  EXPECT_EQ(code({.transforms = {{"nothing", FeatureTransform::Kind::kHash, 5, 0}}}),
            StatusCode::kNotFound);
  EXPECT_EQ(make_reader({})->restore({-1, 0}).code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace onefold
