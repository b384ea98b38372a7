// SPDX-License-Identifier: Apache-2.0
#include "onefold/advise/measure.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "onefold/base/hash.h"
#include "onefold/jagged/merge_rows.h"

namespace onefold {
namespace {

// One sample per distinct row of the chunk, in first-seen order.
std::vector<int64_t> first_samples(const std::vector<int32_t>& rows, const Chunks& chunks, size_t c,
                                   std::vector<int64_t>& seen_from) {
  const int64_t begin = chunks.begins[c];
  std::vector<int64_t> first;
  for (int64_t i = begin; i < chunks.begins[c + 1]; ++i) {
    const int64_t sample = chunks.sample(i);
    if (seen_from[rows[sample]] == begin) continue;
    seen_from[rows[sample]] = begin;
    first.push_back(sample);
  }
  return first;
}

MergedRows merge(const SessionSample& sample, std::span<const int> features,
                 const std::vector<int64_t>& samples) {
  KeyedJaggedTensor rows(static_cast<int64_t>(samples.size()));
  for (int f : features) {
    const SampledFeature& feature = sample.features[f];
    JaggedTensor<int64_t> lists;
    for (int64_t i : samples) lists.push_row(feature.rows.row(feature.row_of_sample[i]));
    rows.add(feature.name, std::move(lists));
  }
  std::vector<int64_t> owners;
  for (int64_t i : samples) owners.push_back(static_cast<int64_t>(sample.user[i]));
  return merge_rows(rows, owners);
}

}  // namespace

Chunks request_chunks(const SessionSample& sample) {
  std::vector<int64_t> begins;
  for (int64_t i = 0; i < sample.num_samples(); ++i) {
    if (i == 0 || sample.session[i] != sample.session[i - 1] ||
        sample.request[i] != sample.request[i - 1]) {
      begins.push_back(i);
    }
  }
  begins.push_back(sample.num_samples());
  return {std::move(begins)};
}

Chunks session_chunks(const SessionSample& sample, int64_t max_samples) {
  std::vector<int64_t> begins = {0};
  int64_t session_begin = 0;
  for (int64_t i = 1; i <= sample.num_samples(); ++i) {
    if (i < sample.num_samples() && sample.session[i] == sample.session[i - 1]) continue;
    if (i - begins.back() > max_samples && session_begin > begins.back()) {
      begins.push_back(session_begin);
    }
    session_begin = i;
  }
  if (sample.num_samples() > 0) begins.push_back(sample.num_samples());
  return {std::move(begins)};
}

Chunks batch_chunks(const SessionSample& sample, int64_t batch_size) {
  Chunks batches;
  batches.order.resize(sample.num_samples());
  std::iota(batches.order.begin(), batches.order.end(), 0);
  const auto key = [&](int32_t i) {
    return std::pair(hash64(static_cast<int64_t>(sample.session[i])), sample.session[i]);
  };
  std::stable_sort(batches.order.begin(), batches.order.end(),
                   [&](int32_t a, int32_t b) { return key(a) < key(b); });
  for (int64_t i = 0; i < sample.num_samples(); i += batch_size) batches.begins.push_back(i);
  batches.begins.push_back(sample.num_samples());
  return batches;
}

Measured measure(const SessionSample& sample, std::span<const int> features,
                 std::span<const int> value_bytes, const Chunks& chunks, bool windowed) {
  Measured measured;
  for (int f : features) {
    int64_t values = 0;
    for (int64_t i = 0; i < sample.num_samples(); ++i) values += sample.features[f].length(i);
    measured.sample_values += values;
    measured.sample_bytes += values * value_bytes[f];
  }
  const std::vector<int32_t> rows = joint_rows(sample, features);
  std::vector<int64_t> seen_from(rows.size(), -1);
  for (size_t c = 0; c + 1 < chunks.begins.size(); ++c) {
    const auto first = first_samples(rows, chunks, c, seen_from);
    const MergedRows merged =
        windowed ? merge(sample, features, first) : MergedRows{KeyedJaggedTensor(), {}};
    for (int f : features) {
      const SampledFeature& feature = sample.features[f];
      int64_t unique = 0;
      for (int64_t i : first) unique += feature.length(i);
      const int64_t stored = windowed ? num_values(merged.payload.column(feature.name)) : unique;
      measured.unique_values += unique;
      measured.stored_values += stored;
      measured.stored_bytes += stored * value_bytes[f];
    }
  }
  return measured;
}

}  // namespace onefold
