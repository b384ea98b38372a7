// SPDX-License-Identifier: Apache-2.0
// stage_costs: what a group costs at every stage, by the model and by folding the sample.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "onefold/advise/advice.h"
#include "onefold/advise/group_features.h"
#include "onefold/advise/measure.h"
#include "onefold/inspect/report.h"

namespace onefold {

// The sample cut into what is folded together at each stage.
struct StageChunks {
  std::optional<Chunks> requests;  // nullopt: not known
  Chunks row_groups, batches;
};
StageChunks stage_chunks(const SessionSample& sample, int64_t batch_size);

// `reports` [features of the sample]: statistics over all samples, for the prediction. Uses S of
// `advice`. Also the d that it used.
struct GroupCosts {
  double unchanged = 0;
  StageCosts costs;
};
GroupCosts group_costs(const FeatureGroupChoice& group, const SessionSample& sample,
                       std::span<const int> value_bytes, const StageChunks& chunks,
                       const InspectReport& report, const Advice& advice);

// Of a feature that is left alone: the same at every stage.
StageCosts unfolded_costs(int feature, const SessionSample& sample,
                          std::span<const int> value_bytes, const InspectReport& report);

}  // namespace onefold
