// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "onefold/advise/advice.h"

namespace onefold {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const StageCosts& costs, bool knows_requests) {
  Json json;
  for (Stage stage : kStages) {
    const StageCost& cost = costs[static_cast<size_t>(stage)];
    if (stage == Stage::kLog && !knows_requests) {
      json[to_string(stage)] = nullptr;
      continue;
    }
    json[to_string(stage)] = {{"predicted", cost.predicted_factor()},
                              {"measured", cost.measured_factor()},
                              {"per_sample", cost.measured},
                              {"per_sample_unfolded", cost.measured_plain}};
  }
  return json;
}

}  // namespace

Json to_json(const Advice& advice) {
  Json features = Json::array(), groups = Json::array();
  for (const FeatureAdvice& f : advice.features) {
    features.push_back({{"name", f.name},
                        {"kind", f.kind},
                        {"current_group", f.current_group},
                        {"group", f.group},
                        {"reason", f.reason},
                        {"mean_length", f.mean_length},
                        {"unchanged", f.unchanged}});
  }
  for (const GroupAdvice& g : advice.groups) {
    groups.push_back({{"name", g.name},
                      {"features", g.features},
                      {"windowed", g.windowed},
                      {"unchanged", g.unchanged},
                      {"saving", to_json(g.costs, advice.knows_requests)}});
  }
  const std::string fold = to_fold_command(advice);
  return {{"path", advice.path},
          {"samples", advice.samples},
          {"sessions", advice.sessions},
          {"sampled", {{"samples", advice.sampled_samples}, {"sessions", advice.sampled_sessions}}},
          {"batch_size", advice.batch_size},
          {"samples_of_a_session",
           {{"row_group", advice.row_group_samples},
            {"batch", advice.batch_samples},
            {"batch_in_arrival_order", advice.arrival_samples}}},
          {"samples_of_a_request",
           advice.knows_requests ? Json(advice.request_samples) : Json(nullptr)},
          {"features", features},
          {"groups", groups},
          {"saving", to_json(advice.all, advice.knows_requests)},
          {"fold", fold.empty() ? Json(nullptr) : Json(fold)},
          {"mapping", to_mapping(advice)}};
}

}  // namespace onefold
