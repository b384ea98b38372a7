// SPDX-License-Identifier: Apache-2.0
#include "onefold/dataset/trainable_columns.h"

#include <algorithm>
#include <optional>

#include <arrow/type.h>

#include "onefold/table/column_arrays.h"
#include "onefold/table/table_columns.h"

namespace onefold {
namespace {

std::optional<FeatureKind> kind_of(const arrow::DataType& type) {
  if (type.id() == arrow::Type::FLOAT) return FeatureKind::kDense;
  if (type.id() == arrow::Type::INT64) return FeatureKind::kId;
  if (type.id() != arrow::Type::LIST && type.id() != arrow::Type::LARGE_LIST) return std::nullopt;
  const arrow::Type::type element = type.field(0)->type()->id();
  if (element == arrow::Type::INT64) return FeatureKind::kIdList;
  if (element == arrow::Type::FLOAT) return FeatureKind::kFloatList;
  return std::nullopt;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string group_of(const std::vector<ColumnGroup>& groups, const std::string& column) {
  for (const ColumnGroup& group : groups) {
    if (contains(group.columns, column)) return group.name;
  }
  return "";
}

Status check_labels(const arrow::Schema& schema, const std::vector<ColumnGroup>& groups,
                    const std::vector<std::string>& labels) {
  for (const std::string& label : labels) {
    const auto field = schema.GetFieldByName(label);
    if (!field) return not_found("no column '" + label + "' to be a label");
    if (field->type()->id() != arrow::Type::FLOAT || !group_of(groups, label).empty()) {
      return schema_error("column '" + label + "' has type " + field->type()->ToString() +
                          "; a label is a float32 column in no group");
    }
  }
  return {};
}

// Names that a table's schema can have; the others stay in the files and out of training.
bool fits(const Schema& schema, const FeatureSpec& feature) {
  Schema with = schema;
  with.features.push_back(feature);
  return with.validate().ok();
}

}  // namespace

Result<TrainableColumns> trainable_columns(const arrow::Schema& schema,
                                           const std::vector<ColumnGroup>& groups,
                                           const std::vector<std::string>& labels) {
  ONEFOLD_RETURN_IF_ERROR(check_labels(schema, groups, labels));
  TrainableColumns trainable;
  for (const TableColumn& key : key_columns()) {
    const auto field = schema.GetFieldByName(key.name);
    if (!field || !field->type()->Equals(to_arrow_field(key)->type()) ||
        !group_of(groups, key.name).empty()) {
      trainable.missing_keys.push_back(key.name);
    }
  }
  if (!trainable.missing_keys.empty()) return trainable;
  for (const std::string& label : labels) trainable.schema.labels.push_back({label, label, false});
  for (const auto& field : schema.fields()) {
    const auto kind = kind_of(*field->type());
    if (!kind || contains(labels, field->name())) continue;
    const std::string group = group_of(groups, field->name());
    const FeatureSpec feature{.name = field->name(),
                              .kind = *kind,
                              .scope = group.empty() ? FeatureScope::kItem : FeatureScope::kUser,
                              .group = group};
    if (fits(trainable.schema, feature)) trainable.schema.features.push_back(feature);
  }
  for (const ColumnGroup& group : groups) {
    if (!group.windowed || trainable.schema.group_features(group.name).empty()) continue;
    trainable.schema.windowed_groups.push_back(group.name);
  }
  return trainable;
}

}  // namespace onefold
