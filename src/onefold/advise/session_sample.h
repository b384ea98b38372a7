// SPDX-License-Identifier: Apache-2.0
// SessionSample: whole sessions of a table or of Parquet files, folded feature by feature.
//
//   sessions   7      7      9
//   "tags"     [1,2]  [1,2]  [3]      rows [1,2] [3]    row_of_sample 0 0 1
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/inspect/sample_source.h"

namespace onefold {

struct SampledFeature {
  std::string name;
  JaggedTensor<int64_t> rows;          // distinct, as words
  std::vector<int32_t> row_of_sample;  // [N]

  int32_t length(int64_t sample) const { return rows.length(row_of_sample[sample]); }
};

// N samples in the order of sessions, within a session in that of time.
struct SessionSample {
  std::vector<uint64_t> session;         // [N]
  std::vector<uint64_t> user;            // [N]; the session where users are not known
  std::vector<uint64_t> request;         // [N], or empty where they are not known
  std::vector<SampledFeature> features;  // in the order of the source's

  int64_t num_samples() const { return static_cast<int64_t>(session.size()); }
  int64_t num_sessions() const;
};

// About `take` of `num_sessions` sessions, in runs of neighbours: sessions of a user often lie side
// by side, and what they share is part of what folding saves. The same ones every time. Without
// requests, samples of a session at the same time are one request, where there are times.
// kUnsupported when the values are too many to be held.
Result<SessionSample> take_sessions(SampleSource& source, int64_t num_sessions, int64_t take);

// Rows of several features together: equal numbers [N], counted from 0 by first appearance, where
// all of `features` (indices) are equal.
std::vector<int32_t> joint_rows(const SessionSample& sample, std::span<const int> features);
std::vector<int32_t> join_rows(const std::vector<int32_t>& a, const std::vector<int32_t>& b);

}  // namespace onefold
