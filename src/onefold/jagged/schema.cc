// SPDX-License-Identifier: Apache-2.0
#include "onefold/jagged/schema.h"

#include <algorithm>
#include <array>
#include <set>

#include <nlohmann/json.hpp>

namespace onefold {
namespace {

constexpr std::array kKindNames = {"dense", "id", "id_list", "float_list"};
constexpr std::array kScopeNames = {"user", "item"};
// Column and file names that a table uses itself (docs/table_format.md).
constexpr std::array kReserved = {"session_id", "user_id", "request_id", "item_id",
                                  "time",       "ref",     "samples"};

template <typename Enum, size_t N>
Result<Enum> parse_name(const std::array<const char*, N>& names, const std::string& name) {
  for (size_t i = 0; i < N; ++i) {
    if (name == names[i]) return static_cast<Enum>(i);
  }
  std::string known;
  for (const char* n : names) known += (known.empty() ? "" : ", ") + std::string(n);
  return schema_error("'" + name + "' is none of: " + known);
}

bool is_forbidden(char c) { return c == '.' || c == '/' || (0 <= c && c < ' '); }

Result<FeatureSpec> feature_from_json(const nlohmann::json& json) {
  FeatureSpec feature;
  feature.name = json.at("name").get<std::string>();
  feature.group = json.at("group").get<std::string>();
  auto kind = parse_name<FeatureKind>(kKindNames, json.at("kind").get<std::string>());
  if (!kind.ok()) return kind.status().with_context("kind of feature '" + feature.name + "'");
  auto scope = parse_name<FeatureScope>(kScopeNames, json.at("scope").get<std::string>());
  if (!scope.ok()) return scope.status().with_context("scope of feature '" + feature.name + "'");
  feature.kind = *kind;
  feature.scope = *scope;
  return feature;
}

template <typename Predicate>
std::vector<FeatureSpec> filter(const std::vector<FeatureSpec>& features, Predicate keep) {
  std::vector<FeatureSpec> kept;
  std::copy_if(features.begin(), features.end(), std::back_inserter(kept), keep);
  return kept;
}

Status check_windowed_groups(const Schema& schema) {
  std::set<std::string> seen;
  for (const std::string& group : schema.windowed_groups) {
    const std::vector<FeatureSpec> features = schema.group_features(group);
    if (features.empty()) {
      return schema_error("windowed group '" + group + "': no feature is in it");
    }
    if (!seen.insert(group).second) {
      return schema_error("windowed group '" + group + "' is named twice");
    }
    for (const FeatureSpec& feature : features) {
      if (feature.kind != FeatureKind::kId) continue;
      return schema_error("windowed group '" + group + "': feature '" + feature.name +
                          "' is a single id; windows are cut from lists");
    }
  }
  return {};
}

}  // namespace

const char* to_string(FeatureKind kind) { return kKindNames[static_cast<size_t>(kind)]; }
const char* to_string(FeatureScope scope) { return kScopeNames[static_cast<size_t>(scope)]; }

const FeatureSpec* Schema::find(const std::string& name) const {
  for (const FeatureSpec& feature : features) {
    if (feature.name == name) return &feature;
  }
  return nullptr;
}

std::vector<std::string> Schema::groups() const {
  std::vector<std::string> names;
  for (const FeatureSpec& feature : features) {
    if (feature.group.empty()) continue;
    if (std::find(names.begin(), names.end(), feature.group) == names.end()) {
      names.push_back(feature.group);
    }
  }
  return names;
}

std::vector<FeatureSpec> Schema::group_features(const std::string& group) const {
  return filter(features, [&](const FeatureSpec& f) { return f.group == group; });
}

bool Schema::is_windowed(const std::string& group) const {
  return std::find(windowed_groups.begin(), windowed_groups.end(), group) != windowed_groups.end();
}

std::vector<FeatureSpec> Schema::dense_features() const {
  return filter(features, [](const FeatureSpec& f) { return f.kind == FeatureKind::kDense; });
}

std::vector<FeatureSpec> Schema::sample_features() const {
  return filter(features, [](const FeatureSpec& f) {
    return f.kind != FeatureKind::kDense && f.group.empty();
  });
}

std::vector<std::string> Schema::label_names() const {
  std::vector<std::string> names;
  for (const LabelSpec& label : labels) names.push_back(label.name);
  return names;
}

Status Schema::validate() const {
  std::set<std::string> names(kReserved.begin(), kReserved.end());
  auto claim = [&](const std::string& what, const std::string& name) -> Status {
    if (name.empty()) return schema_error("a " + what + " has no name");
    // Groups name files and "<group>.ref" names columns.
    if (std::any_of(name.begin(), name.end(), is_forbidden)) {
      return schema_error(what + " '" + name +
                          "': a name may not contain '.', '/' or control characters");
    }
    if (!names.insert(name).second) {
      return schema_error(what + " '" + name + "': the name is taken or reserved");
    }
    return {};
  };
  for (const FeatureSpec& feature : features) {
    ONEFOLD_RETURN_IF_ERROR(claim("feature", feature.name));
    if (feature.kind == FeatureKind::kDense && !feature.group.empty()) {
      return schema_error("feature '" + feature.name + "': a dense feature cannot be in a group");
    }
  }
  for (const std::string& group : groups()) ONEFOLD_RETURN_IF_ERROR(claim("group", group));
  for (const LabelSpec& label : labels) ONEFOLD_RETURN_IF_ERROR(claim("label", label.name));
  return check_windowed_groups(*this);
}

nlohmann::json to_json(const Schema& schema) {
  nlohmann::json json = {{"features", nlohmann::json::array()},
                         {"labels", nlohmann::json::array()}};
  for (const FeatureSpec& feature : schema.features) {
    json["features"].push_back({{"name", feature.name},
                                {"kind", to_string(feature.kind)},
                                {"scope", to_string(feature.scope)},
                                {"group", feature.group}});
  }
  for (const LabelSpec& label : schema.labels) {
    json["labels"].push_back(
        {{"name", label.name}, {"action", label.action}, {"value", label.value}});
  }
  if (!schema.windowed_groups.empty()) json["windowed_groups"] = schema.windowed_groups;
  return json;
}

Result<Schema> schema_from_json(const nlohmann::json& json) {
  Schema schema;
  try {
    for (const auto& entry : json.at("features")) {
      ONEFOLD_ASSIGN_OR_RETURN(auto feature, feature_from_json(entry));
      schema.features.push_back(std::move(feature));
    }
    for (const auto& entry : json.at("labels")) {
      schema.labels.push_back({entry.at("name").get<std::string>(),
                               entry.at("action").get<std::string>(),
                               entry.at("value").get<bool>()});
    }
    schema.windowed_groups = json.value("windowed_groups", std::vector<std::string>{});
  } catch (const nlohmann::json::exception& error) {
    return schema_error(std::string("schema: ") + error.what());
  }
  ONEFOLD_RETURN_IF_ERROR(schema.validate());
  return schema;
}

}  // namespace onefold
