// SPDX-License-Identifier: Apache-2.0
#include "onefold/model/tensor_plan.h"

#include <algorithm>

#include "onefold/base/check.h"

namespace onefold {

TensorPlan make_tensor_plan(const ModelConfig& config) {
  TensorPlan plan;
  plan.dense = config.dense;
  plan.dense_log1p = config.dense_log1p;
  plan.labels = config.labels;
  plan.labels.insert(plan.labels.end(), config.mse_labels.begin(), config.mse_labels.end());
  plan.num_value_labels = static_cast<int64_t>(config.mse_labels.size());
  for (const TableConfig& table : config.tables) plan.table_rows.push_back(table.rows);
  for (const FeatureConfig& feature : config.features) {
    const auto table = std::find_if(config.tables.begin(), config.tables.end(),
                                    [&](const auto& t) { return t.name == feature.table; });
    ONEFOLD_CHECK(table != config.tables.end(), "no table '" + feature.table + "'");
    plan.lookups.push_back({feature.name, static_cast<int>(table - config.tables.begin())});
  }
  for (const BlockConfig& block : config.blocks) {
    for (const std::string& name : block.floats) {
      if (std::find(plan.float_lists.begin(), plan.float_lists.end(), name) ==
          plan.float_lists.end()) {
        plan.float_lists.push_back(name);
      }
    }
  }
  for (const EmbeddingConfig& embedding : config.embeddings) {
    plan.embeddings.push_back(
        {embedding.feature, words_per_user(embedding.format, embedding.shape)});
  }
  return plan;
}

int lookup_index(const TensorPlan& plan, const std::string& feature) {
  for (size_t i = 0; i < plan.lookups.size(); ++i) {
    if (plan.lookups[i].feature == feature) return static_cast<int>(i);
  }
  ONEFOLD_CHECK(false, "no lookup of feature '" + feature + "'");
}

int float_list_index(const TensorPlan& plan, const std::string& feature) {
  const auto found = std::find(plan.float_lists.begin(), plan.float_lists.end(), feature);
  ONEFOLD_CHECK(found != plan.float_lists.end(), "no float list '" + feature + "'");
  return static_cast<int>(found - plan.float_lists.begin());
}

}  // namespace onefold
