// SPDX-License-Identifier: Apache-2.0
#include "onefold/build/sampling.h"

#include <map>
#include <set>
#include <tuple>

#include "onefold/build/test_logs.h"
#include "onefold/log/synth.h"

namespace onefold {
namespace {

using Sample = std::tuple<int64_t, int64_t, float>;  // request, item, label

// Samples of each session.
std::map<int64_t, std::vector<Sample>> samples(const std::string& table) {
  std::map<int64_t, std::vector<Sample>> samples;
  for (const Batch& batch : read_table(table)) {
    for (int64_t i = 0; i < batch.num_samples(); ++i) {
      samples[batch.session_id[i]].push_back(
          {batch.request_id[i], batch.item_id[i], batch.labels.values[i]});
    }
  }
  return samples;
}

class SamplingTest : public testing::Test {
 protected:
  SamplingTest() : log_(test_path("log")), table_(test_path("table")) {
    SynthOptions options;
    options.users = 300;
    options.list_length = 4;
    expect_ok(synthesize(log_, options));
  }

  BuildStats build(const SamplingOptions& sampling) {
    BuildOptions options;
    options.cluster.partition = PartitionBy::kNone;
    options.sampling = sampling;
    return expect_ok(build_table(log_, table_, options));
  }

  std::string log_, table_;
};

TEST_F(SamplingTest, SessionsAreKeptWhole) {
  const BuildStats all = build({});
  const auto expected = samples(table_);
  EXPECT_FALSE(expect_ok(read_manifest(table_)).sampling.has_value());
  const BuildStats half = build({.session_rate = 0.5});
  const auto kept = samples(table_);
  EXPECT_NEAR(static_cast<double>(kept.size()), 0.5 * static_cast<double>(expected.size()),
              0.1 * static_cast<double>(expected.size()));
  for (const auto& [session, of_session] : kept) EXPECT_EQ(of_session, expected.at(session));
  EXPECT_EQ(half.requests + half.sampled_out_requests, all.requests);
  EXPECT_EQ(half.join.orphans, all.join.orphans);  // events of dropped requests are none
  build({.session_rate = 0.25});
  for (const auto& [session, of_session] : samples(table_)) EXPECT_TRUE(kept.contains(session));
  build({.session_rate = 0.5, .seed = 2});
  EXPECT_NE(samples(table_), kept);
}

TEST_F(SamplingTest, NegativesAreDrawnAndTheRateIsInTheManifest) {
  const BuildStats all = build({});
  const auto expected = samples(table_);
  EXPECT_EQ(all.negatives, all.kept_negatives);
  EXPECT_EQ(all.negatives + all.labels[0].positives, all.samples);
  const BuildStats tenth = build({.negative_rate = 0.1, .seed = 5});
  EXPECT_EQ(tenth.labels[0].positives, all.labels[0].positives);
  EXPECT_EQ(tenth.labels[0].events, all.labels[0].events);
  EXPECT_EQ(tenth.negatives, all.negatives);
  EXPECT_EQ(tenth.samples, tenth.kept_negatives + tenth.labels[0].positives);
  EXPECT_NEAR(static_cast<double>(tenth.kept_negatives) / static_cast<double>(all.negatives), 0.1,
              0.02);
  for (const auto& [session, of_session] : samples(table_)) {
    const std::set<Sample> of_all(expected.at(session).begin(), expected.at(session).end());
    for (const Sample& sample : of_session) EXPECT_TRUE(of_all.contains(sample));
  }
  EXPECT_EQ(expect_ok(read_manifest(table_)).sampling,
            (TableSampling{1, 0.1, 5, tenth.negatives, tenth.kept_negatives}));
  EXPECT_NE(to_text(tenth).find("negatives kept (rate 0.1"), std::string::npos);
}

TEST_F(SamplingTest, RatesOutOfRangeAreRefused) {
  for (const double rate : {0.0, -0.5, 1.5}) {
    BuildOptions options;
    options.sampling.session_rate = rate;
    EXPECT_EQ(build_table(log_, table_, options).status().code(), StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace onefold
