// SPDX-License-Identifier: Apache-2.0
// Schema: which features and labels a log, a table and a batch hold. Written once, by the importer;
// carried unchanged through log, table and batch.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "onefold/base/status.h"

namespace onefold {

enum class FeatureKind {
  kDense,      // "dense": one float32 per sample; NaN means missing
  kId,         // "id": one int64 or none; in a batch a jagged row of length 1 or 0
  kIdList,     // "id_list": a list of int64
  kFloatList,  // "float_list": a list of float32
};

enum class FeatureScope {
  kUser,  // "user": known per request, the same for all its candidates
  kItem,  // "item": differs per candidate
};

struct FeatureSpec {
  std::string name;
  FeatureKind kind = FeatureKind::kIdList;
  FeatureScope scope = FeatureScope::kUser;
  std::string group;  // features of one group are deduplicated together; empty: stored per sample

  bool operator==(const FeatureSpec&) const = default;
};

// label = 1 if an event of `action` exists for (request, item), else 0; with `value` set, the sum
// of those events' values instead.
struct LabelSpec {
  std::string name;
  std::string action;
  bool value = false;

  bool operator==(const LabelSpec&) const = default;
};

struct Schema {
  std::vector<FeatureSpec> features;
  std::vector<LabelSpec> labels;
  // Groups whose rows are stored as windows on merged payload rows (merge_rows.h).
  std::vector<std::string> windowed_groups;

  const FeatureSpec* find(const std::string& name) const;  // nullptr if absent
  std::vector<std::string> groups() const;                 // in order of first appearance
  std::vector<FeatureSpec> group_features(const std::string& group) const;
  bool is_windowed(const std::string& group) const;
  std::vector<FeatureSpec> dense_features() const;
  std::vector<FeatureSpec> sample_features() const;  // jagged, in no group
  std::vector<std::string> label_names() const;

  // kSchema: a name of a feature, group or label used twice, reserved (session_id, user_id,
  // request_id, item_id, time, ref, samples), empty or containing '.', '/' or control characters;
  // or a dense feature in a group; or a windowed group that is no group, is named twice or holds a
  // single id.
  Status validate() const;

  bool operator==(const Schema&) const = default;
};

const char* to_string(FeatureKind kind);
const char* to_string(FeatureScope scope);

// {"features": [{"name", "kind", "scope", "group"}], "labels": [{"name", "action", "value"}],
//  "windowed_groups": ["name"]}, the last one only when there are any.
nlohmann::json to_json(const Schema& schema);
// kSchema for a missing or mistyped field, and as validate().
Result<Schema> schema_from_json(const nlohmann::json& json);

}  // namespace onefold
