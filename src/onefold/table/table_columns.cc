// SPDX-License-Identifier: Apache-2.0
#include "onefold/table/table_columns.h"

namespace onefold {

std::string ref_column(const std::string& group) { return group + "." + kRefColumn; }

std::string start_column(const std::string& group) { return group + ".start"; }

std::string length_column(const std::string& group) { return group + ".len"; }

TableColumn feature_column(const FeatureSpec& feature) {
  switch (feature.kind) {
    case FeatureKind::kDense:
      return {feature.name, ColumnType::kFloat};
    case FeatureKind::kId:
      return {feature.name, ColumnType::kId};
    case FeatureKind::kIdList:
      return {feature.name, ColumnType::kIdList};
    case FeatureKind::kFloatList:
      return {feature.name, ColumnType::kFloatList};
  }
  ONEFOLD_CHECK(false, "unknown feature kind");
}

std::vector<TableColumn> key_columns() {
  return {{"session_id", ColumnType::kInt64},
          {"user_id", ColumnType::kInt64},
          {"request_id", ColumnType::kInt64},
          {"item_id", ColumnType::kInt64},
          {"time", ColumnType::kTime}};
}

std::vector<TableColumn> sample_columns(const Schema& schema, TableLayout layout) {
  std::vector<TableColumn> columns = key_columns();
  for (const std::string& label : schema.label_names())
    columns.push_back({label, ColumnType::kFloat});
  for (const FeatureSpec& feature : schema.dense_features())
    columns.push_back(feature_column(feature));
  for (const FeatureSpec& feature : schema.sample_features())
    columns.push_back(feature_column(feature));
  for (const std::string& group : schema.groups()) {
    if (layout == TableLayout::kFolded) {
      columns.push_back({ref_column(group), ColumnType::kInt64});
      if (!schema.is_windowed(group)) continue;
      columns.push_back({start_column(group), ColumnType::kInt64});
      columns.push_back({length_column(group), ColumnType::kInt64});
      continue;
    }
    for (const FeatureSpec& feature : schema.group_features(group)) {
      columns.push_back(feature_column(feature));
    }
  }
  return columns;
}

std::vector<TableColumn> payload_columns(const Schema& schema, const std::string& group) {
  std::vector<TableColumn> columns = {{kRefColumn, ColumnType::kInt64}};
  for (const FeatureSpec& feature : schema.group_features(group)) {
    columns.push_back(feature_column(feature));
  }
  return columns;
}

}  // namespace onefold
