// SPDX-License-Identifier: Apache-2.0
#include "onefold/embedding_store/drift.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace onefold {
namespace {

double dot(const std::vector<float>& a, const std::vector<float>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0, std::plus<>(),
                            [](double x, double y) { return x * y; });
}

double cosine(double dot_product, double norm_a, double norm_b) {
  if (norm_a == 0 && norm_b == 0) return 1;
  if (norm_a == 0 || norm_b == 0) return 0;
  return dot_product / (norm_a * norm_b);
}

// Sums over the users that are in both versions.
class Accumulator {
 public:
  Accumulator(const VersionInfo& version, const VersionInfo& previous)
      : version_(version),
        previous_(previous),
        values_(version.shape.num_values()),
        previous_values_(version.shape.num_values()) {}

  void add(std::span<const int64_t> words, std::span<const int64_t> previous_words) {
    dequantize(version_.format, version_.shape, words, values_);
    dequantize(previous_.format, previous_.shape, previous_words, previous_values_);
    const double norm = std::sqrt(dot(values_, values_));
    const double previous_norm = std::sqrt(dot(previous_values_, previous_values_));
    norm_sum_ += norm;
    previous_norm_sum_ += previous_norm;
    // A float a user: 12 MB for 3 million users, and the quantile is exact.
    cosines_.push_back(
        static_cast<float>(cosine(dot(values_, previous_values_), norm, previous_norm)));
  }

  void finish(DriftReport& report) {
    report.common_users = static_cast<int64_t>(cosines_.size());
    if (cosines_.empty()) return;
    const auto count = static_cast<double>(cosines_.size());
    report.mean_norm = norm_sum_ / count;
    report.previous_mean_norm = previous_norm_sum_ / count;
    report.mean_cosine = std::accumulate(cosines_.begin(), cosines_.end(), 0.0) / count;
    const auto p01 = cosines_.begin() + static_cast<int64_t>(cosines_.size() / 100);
    std::nth_element(cosines_.begin(), p01, cosines_.end());
    report.p01_cosine = *p01;
    report.min_cosine = *std::min_element(cosines_.begin(), p01 + 1);
  }

 private:
  const VersionInfo& version_;
  const VersionInfo& previous_;
  std::vector<float> values_, previous_values_;
  std::vector<float> cosines_;
  double norm_sum_ = 0, previous_norm_sum_ = 0;
};

}  // namespace

nlohmann::json to_json(const DriftReport& r) {
  return {{"users", r.users},
          {"previous_users", r.previous_users},
          {"common_users", r.common_users},
          {"coverage", r.coverage},
          {"mean_cosine", r.mean_cosine},
          {"p01_cosine", r.p01_cosine},
          {"min_cosine", r.min_cosine},
          {"mean_norm", r.mean_norm},
          {"previous_mean_norm", r.previous_mean_norm},
          {"quantization_rmse", r.quantization_rmse}};
}

Result<DriftReport> measure_drift(VersionReader& version, VersionReader& previous) {
  if (version.info().shape != previous.info().shape) {
    return schema_error(
        fmt::format("versions {} and {} have different shapes and cannot be compared",
                    version.info().id, previous.info().id));
  }
  DriftReport report;
  report.quantization_rmse = version.info().quantization_rmse;
  Accumulator sums(version.info(), previous.info());
  // One pass over the old users in ascending order; the new version's look-ups are ascending too,
  // so each of its row groups is decoded once.
  ONEFOLD_RETURN_IF_ERROR(
      previous.scan([&](int64_t user_id, std::span<const int64_t> words) -> Status {
        ++report.previous_users;
        ONEFOLD_ASSIGN_OR_RETURN(const auto current, version.lookup(user_id));
        if (current) sums.add(*current, words);
        return {};
      }));
  ONEFOLD_RETURN_IF_ERROR(version.scan([&](int64_t, std::span<const int64_t>) -> Status {
    ++report.users;
    return {};
  }));
  sums.finish(report);
  report.coverage = report.previous_users == 0
                        ? 1.0
                        : static_cast<double>(report.common_users) / report.previous_users;
  return report;
}

Status check_drift(const DriftReport& report, const DriftLimits& limits) {
  if (report.coverage < limits.min_coverage) {
    return data_loss(
        fmt::format("only {:.2f} % of the previous version's users are covered, at least "
                    "{:.2f} % are required",
                    100 * report.coverage, 100 * limits.min_coverage));
  }
  if (report.common_users > 0 && report.mean_cosine < limits.min_mean_cosine) {
    return data_loss(
        fmt::format("mean cosine to the previous version is {:.3f}, at least {:.3f} is required",
                    report.mean_cosine, limits.min_mean_cosine));
  }
  const double low = std::min(report.mean_norm, report.previous_mean_norm);
  const double high = std::max(report.mean_norm, report.previous_mean_norm);
  if (report.common_users > 0 && high > low * limits.max_norm_ratio) {
    return data_loss(
        fmt::format("mean norm went from {:.4g} to {:.4g}, at most a factor of {:.2f} is allowed",
                    report.previous_mean_norm, report.mean_norm, limits.max_norm_ratio));
  }
  return {};
}

}  // namespace onefold
