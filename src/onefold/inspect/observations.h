// SPDX-License-Identifier: Apache-2.0
// Observations: what one pass over the samples leaves in memory.
//
// Per sample 12 bytes of keys, 4 bytes for every named group, 8 for every feature stored per
// sample; 8 bytes for every feature of every payload row. No values; while reading,
// the last list of each session.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/inspect/sample_source.h"

namespace onefold {

struct FeatureObservations {
  SourceFeature feature;
  std::vector<uint64_t> row_hash;  // [R of the group]
  int64_t sample_values = 0;       // list values over all samples
  int64_t row_values = 0;          // list values over all rows
  int64_t exact_duplicates = 0;    // samples; see SessionRepeats
  int64_t covered_values = 0;
  bool forgot_sessions = false;  // the two above are lower bounds
};

struct GroupObservations {
  std::string name;
  std::vector<uint32_t> row_of_sample;  // [N], or empty: sample i has row i
  int64_t num_rows = 0;                 // R
  std::vector<FeatureObservations> features;

  uint32_t row(uint32_t sample) const {
    return row_of_sample.empty() ? sample : row_of_sample[sample];
  }
};

struct Observations {
  std::vector<uint32_t> session;  // [N] numbered by first appearance
  std::vector<int64_t> time;      // [N], or empty
  int64_t num_sessions = 0;
  int64_t num_users = -1;          // -1: not known
  std::vector<int64_t> positives;  // [labels]
  int64_t num_out_of_order = 0;    // samples stored after a later one of their session
  std::vector<GroupObservations> groups;

  int64_t num_samples() const { return static_cast<int64_t>(session.size()); }
};

// Reads `source` to its end. What is known of open sessions takes at most about
// `max_session_bytes`, shared evenly by the features. kUnsupported beyond 2^32 samples.
Result<Observations> observe(SampleSource& source, int64_t max_session_bytes = int64_t{1} << 30);

}  // namespace onefold
