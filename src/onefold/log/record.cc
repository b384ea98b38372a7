// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/record.h"

#include "onefold/base/check.h"

namespace onefold {
namespace {

std::vector<std::string> names_of(const std::vector<FeatureSpec>& features) {
  std::vector<std::string> names;
  for (const FeatureSpec& feature : features) names.push_back(feature.name);
  return names;
}

template <typename T>
void check_rows(const char* column, const std::vector<T>& values, int64_t num_rows) {
  ONEFOLD_CHECK(static_cast<int64_t>(values.size()) == num_rows,
                std::string(column) + " has " + std::to_string(values.size()) +
                    " values, expected " + std::to_string(num_rows));
}

void check_dense(const DenseColumns& columns, const Schema& schema, FeatureScope scope,
                 int64_t num_rows) {
  ONEFOLD_CHECK(columns.names == names_of(dense_features(schema, scope)),
                std::string(to_string(scope)) + " dense columns differ from the schema's");
  check_rows("dense", columns.values, num_rows * static_cast<int64_t>(columns.names.size()));
}

void check_column(const JaggedColumn& column, const FeatureSpec& feature) {
  const bool floats = std::holds_alternative<JaggedTensor<float>>(column);
  ONEFOLD_CHECK(floats == (feature.kind == FeatureKind::kFloatList),
                "feature '" + feature.name + "' is " + to_string(feature.kind) +
                    " but its column holds " + (floats ? "floats" : "ids"));
  if (feature.kind != FeatureKind::kId) return;
  for (int64_t row = 0; row < num_rows(column); ++row) {
    ONEFOLD_CHECK(length(column, row) <= 1, "id feature '" + feature.name + "' has " +
                                                std::to_string(length(column, row)) +
                                                " ids in row " + std::to_string(row));
  }
}

void check_jagged(const KeyedJaggedTensor& columns, const Schema& schema, FeatureScope scope,
                  int64_t num_rows) {
  const std::vector<FeatureSpec> features = jagged_features(schema, scope);
  ONEFOLD_CHECK(columns.keys() == names_of(features),
                std::string(to_string(scope)) + " features differ from the schema's");
  ONEFOLD_CHECK(columns.num_rows() == num_rows, std::string(to_string(scope)) + " features have " +
                                                    std::to_string(columns.num_rows()) +
                                                    " rows, expected " + std::to_string(num_rows));
  for (size_t f = 0; f < features.size(); ++f) check_column(columns.column(f), features[f]);
}

std::vector<FeatureSpec> features_of(const Schema& schema, FeatureScope scope, bool dense) {
  std::vector<FeatureSpec> kept;
  for (const FeatureSpec& feature : schema.features) {
    if (feature.scope == scope && (feature.kind == FeatureKind::kDense) == dense) {
      kept.push_back(feature);
    }
  }
  return kept;
}

KeyedJaggedTensor empty_features(const Schema& schema, FeatureScope scope) {
  KeyedJaggedTensor features(0);
  for (const FeatureSpec& feature : jagged_features(schema, scope)) {
    features.add(feature.name, empty_column(feature.kind));
  }
  return features;
}

}  // namespace

bool EventRecords::operator==(const EventRecords& other) const {
  return session_id == other.session_id && user_id == other.user_id &&
         request_id == other.request_id && item_id == other.item_id && time_us == other.time_us &&
         action == other.action && JaggedTensor<float>::bytes_equal(value, other.value);
}

std::vector<FeatureSpec> dense_features(const Schema& schema, FeatureScope scope) {
  return features_of(schema, scope, true);
}

std::vector<FeatureSpec> jagged_features(const Schema& schema, FeatureScope scope) {
  return features_of(schema, scope, false);
}

JaggedColumn empty_column(FeatureKind kind) {
  ONEFOLD_CHECK(kind != FeatureKind::kDense, "a dense feature has no jagged column");
  if (kind == FeatureKind::kFloatList) return JaggedTensor<float>();
  return JaggedTensor<int64_t>();
}

KeyedJaggedTensor keyed(const std::vector<FeatureSpec>& features, int64_t num_rows,
                        std::vector<JaggedColumn> columns) {
  ONEFOLD_CHECK(features.size() == columns.size(), "one column per feature is needed");
  KeyedJaggedTensor kjt(num_rows);
  for (size_t f = 0; f < features.size(); ++f) kjt.add(features[f].name, std::move(columns[f]));
  return kjt;
}

FeatureRecords empty_feature_records(const Schema& schema) {
  FeatureRecords records;
  records.user_dense.names = names_of(dense_features(schema, FeatureScope::kUser));
  records.user_features = empty_features(schema, FeatureScope::kUser);
  records.item_dense.names = names_of(dense_features(schema, FeatureScope::kItem));
  records.item_features = empty_features(schema, FeatureScope::kItem);
  return records;
}

void check_records(const FeatureRecords& records, const Schema& schema) {
  const int64_t num_requests = records.num_requests();
  check_rows("user_id", records.user_id, num_requests);
  check_rows("request_id", records.request_id, num_requests);
  check_rows("time_us", records.time_us, num_requests);
  check_rows("candidate_offsets", records.candidate_offsets, num_requests + 1);
  ONEFOLD_CHECK(records.candidate_offsets.front() == 0, "candidate_offsets do not start at 0");
  for (int64_t i = 0; i < num_requests; ++i) {
    ONEFOLD_CHECK(records.candidate_offsets[i] <= records.candidate_offsets[i + 1],
                  "candidate_offsets decrease at " + std::to_string(i));
  }
  const int64_t num_candidates = records.num_candidates();
  ONEFOLD_CHECK(records.candidate_offsets.back() == num_candidates,
                "candidate_offsets do not end at the number of candidates");
  check_dense(records.user_dense, schema, FeatureScope::kUser, num_requests);
  check_dense(records.item_dense, schema, FeatureScope::kItem, num_candidates);
  check_jagged(records.user_features, schema, FeatureScope::kUser, num_requests);
  check_jagged(records.item_features, schema, FeatureScope::kItem, num_candidates);
}

void check_records(const EventRecords& records) {
  const int64_t num_events = records.num_events();
  check_rows("user_id", records.user_id, num_events);
  check_rows("request_id", records.request_id, num_events);
  check_rows("item_id", records.item_id, num_events);
  check_rows("time_us", records.time_us, num_events);
  check_rows("action", records.action, num_events);
  check_rows("value", records.value, num_events);
}

}  // namespace onefold
