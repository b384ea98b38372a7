// SPDX-License-Identifier: Apache-2.0
#include "onefold/advise/stage_costs.h"

#include <algorithm>

#include "onefold/advise/dedupe_model.h"

namespace onefold {
namespace {

double per_sample(int64_t amount, const SessionSample& sample) {
  return static_cast<double>(amount) /
         static_cast<double>(std::max<int64_t>(1, sample.num_samples()));
}

// Of neighbouring samples the share with equal rows, or windowed the share of a list's values that
// the list before it has: of all lists but each session's first, which has none. The feature that
// repeats least decides; of features that do not always change together the sample knows how
// often any does.
double unchanged(const FeatureGroupChoice& group, const SessionSample& sample,
                 const InspectReport& report) {
  const double S = report.samples_per_session.mean;
  double least = group.windowed || group.features.size() == 1
                     ? 1
                     : unchanged_share(sample, joint_rows(sample, group.features));
  for (int f : group.features) {
    const FeatureReport& feature = report.features[f];
    const double share =
        group.windowed ? (S > 1 ? feature.partial_duplicates * S / (S - 1) : 0) : feature.unchanged;
    least = std::min(least, share);
  }
  return least;
}

}  // namespace

StageChunks stage_chunks(const SessionSample& sample, int64_t batch_size) {
  StageChunks chunks{std::nullopt, session_chunks(sample, kRowGroupSamples),
                     batch_chunks(sample, batch_size)};
  if (!sample.request.empty()) chunks.requests = request_chunks(sample);
  return chunks;
}

GroupCosts group_costs(const FeatureGroupChoice& group, const SessionSample& sample,
                       std::span<const int> value_bytes, const StageChunks& chunks,
                       const InspectReport& report, const Advice& advice) {
  double length = 0, bytes = 0;  // of a sample
  for (int f : group.features) {
    length += report.features[f].mean_length;
    bytes += report.features[f].mean_length * value_bytes[f];
  }
  const double refs = group.windowed ? kWindowRefBytes : kRefBytes;
  const double d = unchanged(group, sample, report);
  const auto measured = [&](const Chunks& within) {
    return measure(sample, group.features, value_bytes, within, group.windowed);
  };
  GroupCosts result{d, {}};
  const auto cost_at = [&](Stage stage) -> StageCost& {
    return result.costs[static_cast<size_t>(stage)];
  };
  const auto add_bytes = [&](Stage stage, double samples_per_session, const Measured& m) {
    cost_at(stage) = {bytes, dedupe_len(bytes, 1, samples_per_session, d) + refs,
                      per_sample(m.stored_bytes, sample) + refs,
                      per_sample(m.sample_bytes, sample)};
  };
  add_bytes(Stage::kTable, advice.row_group_samples, measured(chunks.row_groups));
  const Measured batches = measured(chunks.batches);
  add_bytes(Stage::kReader, advice.batch_samples, batches);
  cost_at(Stage::kLookup) = {length, dedupe_len(length, 1, advice.batch_samples, d),
                             per_sample(batches.stored_values, sample),
                             per_sample(batches.sample_values, sample)};
  if (chunks.requests) {
    // The log stores lists, not windows; user features are the same in a request.
    const Measured m = measure(sample, group.features, value_bytes, *chunks.requests, false);
    cost_at(Stage::kLog) = {length, dedupe_len(length, 1, advice.request_samples, 1),
                            per_sample(m.stored_values, sample),
                            per_sample(m.sample_values, sample)};
  }
  return result;
}

StageCosts unfolded_costs(int feature, const SessionSample& sample,
                          std::span<const int> value_bytes, const InspectReport& report) {
  const int one[] = {feature};
  const Measured m = measure(sample, one, value_bytes, {{0}}, false);
  const double length = report.features[feature].mean_length;
  const double bytes = length * value_bytes[feature];
  const double sampled = per_sample(m.sample_bytes, sample);
  const double values = per_sample(m.sample_values, sample);
  StageCosts costs;
  for (Stage stage : {Stage::kTable, Stage::kReader}) {
    costs[static_cast<size_t>(stage)] = {bytes, bytes, sampled, sampled};
  }
  for (Stage stage : {Stage::kLog, Stage::kLookup}) {
    costs[static_cast<size_t>(stage)] = {length, length, values, values};
  }
  return costs;
}

}  // namespace onefold
