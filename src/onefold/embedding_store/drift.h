// SPDX-License-Identifier: Apache-2.0
// How far one version of user embeddings has moved from another: the report that decides whether a
// new version may go live.
#pragma once

#include <cstdint>

#include <nlohmann/json_fwd.hpp>

#include "onefold/base/status.h"
#include "onefold/embedding_store/version_reader.h"

namespace onefold {

struct DriftReport {
  int64_t users = 0;           // in the new version
  int64_t previous_users = 0;  // in the previous version
  int64_t common_users = 0;    // in both: the figures below are over these
  double coverage = 0;         // common_users / previous_users; 1 when there was nobody before
  // Cosine similarity of a user's old and new embedding; a zero vector counts as 1 against a zero
  // vector and as 0 against any other.
  double mean_cosine = 1;
  double p01_cosine = 1;  // 1 % of the users are below
  double min_cosine = 1;
  double mean_norm = 0, previous_mean_norm = 0;  // L2, over the common users
  double quantization_rmse = 0;                  // of the new version, as generated
};

nlohmann::json to_json(const DriftReport& report);

// Streams both versions once, in user order. kSchema when their shapes differ; different models may
// be compared, that is what a drift report is for.
Result<DriftReport> measure_drift(VersionReader& version, VersionReader& previous);

// What a version must keep to go live. NaN-free by construction: quantize() refuses NaN.
struct DriftLimits {
  double min_coverage = 0.99;
  double min_mean_cosine = 0.5;
  double max_norm_ratio = 2.0;  // of the mean norms, either way
};

// kDataLoss naming the first limit that the report breaks and by how much.
Status check_drift(const DriftReport& report, const DriftLimits& limits);

}  // namespace onefold
