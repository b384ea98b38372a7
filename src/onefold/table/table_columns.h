// SPDX-License-Identifier: Apache-2.0
// Which columns each file of a table has: the one place that writer and reader agree in.
// docs/table_format.md says the same in words.
#pragma once

#include <string>
#include <vector>

#include "onefold/jagged/schema.h"
#include "onefold/table/manifest.h"

namespace onefold {

enum class ColumnType {
  kInt64,      // required int64
  kTime,       // required timestamp(us, UTC)
  kFloat,      // required float32
  kId,         // optional int64: null is "no id"
  kIdList,     // required list of required int64
  kFloatList,  // required list of required float32
};

struct TableColumn {
  std::string name;
  ColumnType type = ColumnType::kInt64;

  bool operator==(const TableColumn&) const = default;
};

inline constexpr const char* kRefColumn = "ref";

// "history" -> "history.ref". Names of features and labels have no '.', so it is free.
std::string ref_column(const std::string& group);
// "history.start" and "history.len": of windowed groups, beside the ref.
std::string start_column(const std::string& group);
std::string length_column(const std::string& group);

TableColumn feature_column(const FeatureSpec& feature);

// session_id, user_id, request_id, item_id, time: of every samples or plain file.
std::vector<TableColumn> key_columns();

// Samples file: keys, labels, dense features, per-sample features, then per group its ref (folded;
// windowed: ref, start and length) or its features (plain).
std::vector<TableColumn> sample_columns(const Schema& schema, TableLayout layout);

// Payload file: ref, then the group's features.
std::vector<TableColumn> payload_columns(const Schema& schema, const std::string& group);

}  // namespace onefold
