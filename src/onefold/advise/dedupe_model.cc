// SPDX-License-Identifier: Apache-2.0
#include "onefold/advise/dedupe_model.h"

#include <limits>

#include "onefold/inspect/statistics.h"

namespace onefold {

double dedupe_factor(double samples_per_session, double unchanged) {
  return predicted_fold_factor(samples_per_session, unchanged);
}

double dedupe_len(double mean_length, double num_samples, double samples_per_session,
                  double unchanged) {
  return mean_length * num_samples / dedupe_factor(samples_per_session, unchanged);
}

double break_even_factor(double value_bytes_per_sample, double ref_bytes) {
  if (value_bytes_per_sample <= ref_bytes) return std::numeric_limits<double>::infinity();
  return 1 / (1 - ref_bytes / value_bytes_per_sample);
}

}  // namespace onefold
