// SPDX-License-Identifier: Apache-2.0
#include "cli/synth_traffic.h"

#include <cmath>
#include <map>

#include "onefold/base/files.h"
#include "onefold/timeline/toml_table.h"

namespace onefold::cli {
namespace {

Status read_number(const TomlTable& table, const char* key, double* value) {
  ONEFOLD_ASSIGN_OR_RETURN(const auto number, table.number(key));
  if (number) *value = *number;
  return {};
}

Status read_whole(const TomlTable& table, const char* key, int64_t* value) {
  ONEFOLD_ASSIGN_OR_RETURN(const auto number, table.number(key));
  if (!number) return {};
  if (*number != std::floor(*number) || std::abs(*number) > 9e15) {
    return table.error(std::string("'") + key + "' should be a whole number", table.find(key));
  }
  *value = static_cast<int64_t>(*number);
  return {};
}

// 16 or { mean = 16, min = 1, max = 400 }.
Status read_range(const TomlTable& table, const char* key, TrafficRange* range) {
  const toml::node* node = table.find(key);
  if (node == nullptr) return {};
  if (!node->is_table()) {
    ONEFOLD_RETURN_IF_ERROR(read_number(table, key, &range->mean));
    range->min = range->max = range->mean;
    return {};
  }
  const TomlTable ends(*node->as_table(), table.source(), table.where() + " " + key);
  ONEFOLD_RETURN_IF_ERROR(ends.check_keys({"mean", "min", "max"}));
  for (const char* end : {"mean", "min", "max"}) {
    if (ends.find(end) == nullptr) return ends.error(std::string("'") + end + "' is missing");
  }
  ONEFOLD_RETURN_IF_ERROR(read_number(ends, "mean", &range->mean));
  ONEFOLD_RETURN_IF_ERROR(read_number(ends, "min", &range->min));
  return read_number(ends, "max", &range->max);
}

// One of `values` by its name; as it is without the key.
template <typename T>
Status read_choice(const TomlTable& table, const char* key, const std::map<std::string, T>& values,
                   T* value) {
  ONEFOLD_ASSIGN_OR_RETURN(const auto name, table.text(key));
  if (!name) return {};
  const auto found = values.find(*name);
  if (found != values.end()) {
    *value = found->second;
    return {};
  }
  std::string names;
  for (const auto& [known, unused] : values) names += (names.empty() ? "" : ", ") + known;
  return table.error(std::string(key) + " '" + *name + "' is none of: " + names, table.find(key));
}

Result<TrafficFeature> read_feature(const TomlTable& table) {
  ONEFOLD_RETURN_IF_ERROR(
      table.check_keys({"name", "count", "kind", "scope", "groups", "length", "change", "shift",
                        "shift_by", "change_between", "vocabulary"}));
  TrafficFeature feature;
  ONEFOLD_ASSIGN_OR_RETURN(const auto name, table.text("name"));
  if (!name) return table.error("'name' is missing");
  feature.name = *name;
  ONEFOLD_RETURN_IF_ERROR(read_choice<FeatureKind>(table, "kind",
                                                   {{"dense", FeatureKind::kDense},
                                                    {"id", FeatureKind::kId},
                                                    {"id_list", FeatureKind::kIdList},
                                                    {"float_list", FeatureKind::kFloatList}},
                                                   &feature.kind));
  ONEFOLD_RETURN_IF_ERROR(read_choice<FeatureScope>(
      table, "scope", {{"user", FeatureScope::kUser}, {"item", FeatureScope::kItem}},
      &feature.scope));
  if (feature.scope == FeatureScope::kItem) {
    for (const char* key : {"change", "shift", "shift_by", "change_between"}) {
      const toml::node* given = table.find(key);
      if (given) return table.error(std::string("'") + key + "': items do not change", given);
    }
  }
  ONEFOLD_RETURN_IF_ERROR(read_whole(table, "count", &feature.count));
  ONEFOLD_RETURN_IF_ERROR(read_whole(table, "groups", &feature.groups));
  ONEFOLD_RETURN_IF_ERROR(read_range(table, "length", &feature.length));
  ONEFOLD_RETURN_IF_ERROR(read_number(table, "change", &feature.change));
  ONEFOLD_RETURN_IF_ERROR(read_number(table, "shift", &feature.shift));
  ONEFOLD_RETURN_IF_ERROR(read_number(table, "shift_by", &feature.shift_by));
  ONEFOLD_RETURN_IF_ERROR(read_number(table, "change_between", &feature.change_between));
  ONEFOLD_RETURN_IF_ERROR(read_whole(table, "vocabulary", &feature.vocabulary));
  return feature;
}

Status read_features(const TomlTable& root, TrafficOptions* options) {
  const toml::node* node = root.find("feature");
  if (node == nullptr) return {};
  if (!node->is_array_of_tables()) {
    return root.error("features are written as [[feature]]", node);
  }
  for (const toml::node& element : *node->as_array()) {
    const TomlTable table(*element.as_table(), root.source(), "[[feature]]");
    ONEFOLD_ASSIGN_OR_RETURN(auto feature, read_feature(table));
    options->features.push_back(std::move(feature));
  }
  return {};
}

}  // namespace

Result<TrafficOptions> read_traffic(const std::string& path) {
  ONEFOLD_ASSIGN_OR_RETURN(const std::string text, read_file(path));
  ONEFOLD_ASSIGN_OR_RETURN(const toml::table table, parse_toml(text, path));
  const TomlTable root(table, path, "traffic");
  ONEFOLD_RETURN_IF_ERROR(
      root.check_keys({"users", "sessions_per_user", "samples_per_session", "candidates", "items",
                       "click_rate", "days", "feature"}));
  TrafficOptions options;
  ONEFOLD_RETURN_IF_ERROR(read_whole(root, "users", &options.users));
  ONEFOLD_RETURN_IF_ERROR(read_number(root, "sessions_per_user", &options.sessions_per_user));
  ONEFOLD_RETURN_IF_ERROR(read_range(root, "samples_per_session", &options.samples_per_session));
  ONEFOLD_RETURN_IF_ERROR(read_whole(root, "candidates", &options.candidates));
  ONEFOLD_RETURN_IF_ERROR(read_whole(root, "items", &options.items));
  ONEFOLD_RETURN_IF_ERROR(read_number(root, "click_rate", &options.click_rate));
  ONEFOLD_RETURN_IF_ERROR(read_number(root, "days", &options.days));
  ONEFOLD_RETURN_IF_ERROR(read_features(root, &options));
  const auto schema = traffic_schema(options);
  if (!schema.ok()) return schema.status().with_context(path);
  return options;
}

}  // namespace onefold::cli
