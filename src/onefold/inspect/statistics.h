// SPDX-License-Identifier: Apache-2.0
// The numbers of an InspectReport out of Observations.
#pragma once

#include "onefold/inspect/observations.h"
#include "onefold/inspect/report.h"

namespace onefold {

// Fills everything but path, layout, label names and columns. REQUIRES: batch_size >= 1.
InspectReport summarize(const Observations& observed, int64_t batch_size);

// RecD's analytical model: samples_per_session within a batch (S), unchanged between neighbours
// (d).
double predicted_fold_factor(double samples_per_session, double unchanged);

}  // namespace onefold
