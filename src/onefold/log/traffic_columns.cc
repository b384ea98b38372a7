// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/traffic_columns.h"

#include <algorithm>
#include <utility>

#include "onefold/base/run_tasks.h"

namespace onefold {

TrafficColumns::TrafficColumns(const TrafficPlan& plan, Schema schema)
    : plan_(plan),
      schema_(std::move(schema)),
      features_of_unit_(plan.units(FeatureScope::kUser).size(), 0),
      records_(empty_feature_records(schema_)) {
  size_t num_dense[2] = {0, 0};
  for (const PlannedFeature& feature : plan.features()) {
    const bool user = feature.spec.scope == FeatureScope::kUser;
    if (user) ++features_of_unit_[feature.unit];
    if (feature.spec.kind == FeatureKind::kDense) {
      dense_.push_back({&feature, num_dense[user]++});
    } else {
      auto& jagged = user ? user_jagged_ : item_jagged_;
      jagged.push_back({&feature, jagged.size()});
    }
  }
}

void TrafficColumns::begin_request(const RequestKeys& keys,
                                   const std::vector<TrafficWindow>& windows) {
  records_.session_id.push_back(keys.session_id);
  records_.user_id.push_back(keys.user_id);
  records_.request_id.push_back(keys.request_id);
  records_.time_us.push_back(keys.time_us);
  records_.candidate_offsets.push_back(records_.candidate_offsets.back());
  windows_.insert(windows_.end(), windows.begin(), windows.end());
  for (size_t unit = 0; unit < windows.size(); ++unit) {
    const int64_t length =
        plan_.length(FeatureScope::kUser, static_cast<int64_t>(unit), keys.user_id);
    num_values_ += length * features_of_unit_[unit];
    longest_list_ = std::max(longest_list_, length);
  }
}

void TrafficColumns::add_candidate(int64_t item) {
  records_.item_id.push_back(item);
  ++records_.candidate_offsets.back();
}

template <typename Visit>
void TrafficColumns::for_each_row(const PlannedFeature& feature, const Visit& visit) const {
  const bool user = feature.spec.scope == FeatureScope::kUser;
  const std::vector<int64_t>& ids = user ? records_.user_id : records_.item_id;
  for (size_t row = 0; row < ids.size(); ++row) {
    const TrafficWindow window =
        user ? windows_[row * features_of_unit_.size() + feature.unit] : TrafficWindow{};
    visit(ids[row], window, plan_.length(feature.spec.scope, feature.unit, ids[row]));
  }
}

void TrafficColumns::fill_dense(const Column& column) {
  DenseColumns& dense =
      column.feature->spec.scope == FeatureScope::kUser ? records_.user_dense : records_.item_dense;
  size_t at = column.index;
  std::vector<float> value;
  for_each_row(*column.feature, [&](int64_t id, TrafficWindow window, int64_t) {
    value.clear();
    plan_.append_floats(*column.feature, id, window, 1, &value);
    dense.values[at] = value.front();
    at += dense.names.size();
  });
}

JaggedColumn TrafficColumns::jagged(const PlannedFeature& feature) const {
  const auto fill = [&]<typename T>(JaggedTensor<T> column, const auto& append) {
    std::vector<T> row;
    for_each_row(feature, [&](int64_t id, TrafficWindow window, int64_t length) {
      row.clear();
      append(id, window, length, &row);
      column.push_row(row);
    });
    return column;
  };
  if (feature.spec.kind == FeatureKind::kFloatList) {
    return fill(JaggedTensor<float>(), [&](auto... row) { plan_.append_floats(feature, row...); });
  }
  return fill(JaggedTensor<int64_t>(), [&](auto... row) { plan_.append_ids(feature, row...); });
}

FeatureRecords TrafficColumns::take(int threads) {
  records_.user_dense.values.resize(records_.user_dense.names.size() * records_.user_id.size());
  records_.item_dense.values.resize(records_.item_dense.names.size() * records_.item_id.size());
  std::vector<JaggedColumn> user(user_jagged_.size()), item(item_jagged_.size());
  const size_t num_jagged = user.size() + item.size();
  run_tasks(threads, static_cast<int64_t>(num_jagged + dense_.size()), [&](int64_t task) {
    const auto i = static_cast<size_t>(task);
    if (i < user.size()) {
      user[i] = jagged(*user_jagged_[i].feature);
    } else if (i < num_jagged) {
      item[i - user.size()] = jagged(*item_jagged_[i - user.size()].feature);
    } else {
      fill_dense(dense_[i - num_jagged]);
    }
  });
  records_.user_features = keyed(jagged_features(schema_, FeatureScope::kUser),
                                 records_.num_requests(), std::move(user));
  records_.item_features = keyed(jagged_features(schema_, FeatureScope::kItem),
                                 records_.num_candidates(), std::move(item));
  windows_.clear();
  num_values_ = longest_list_ = 0;
  return std::exchange(records_, empty_feature_records(schema_));
}

}  // namespace onefold
