// SPDX-License-Identifier: Apache-2.0
#include "onefold/row_import/row_mapping.h"

#include <algorithm>
#include <map>

#include "onefold/timeline/slice_parser.h"
#include "onefold/timeline/toml_table.h"

namespace onefold {
namespace {

int line_of(const toml::node& node) { return static_cast<int>(node.source().begin.line); }

Result<TimeUnit> read_unit(const TomlTable& table) {
  static const std::map<std::string, TimeUnit> kUnits = {{"s", TimeUnit::kSeconds},
                                                         {"ms", TimeUnit::kMillis},
                                                         {"us", TimeUnit::kMicros},
                                                         {"ns", TimeUnit::kNanos},
                                                         {"iso", TimeUnit::kIso}};
  ONEFOLD_ASSIGN_OR_RETURN(const auto name, table.text("unit"));
  const auto unit = kUnits.find(name.value_or("us"));
  if (unit == kUnits.end()) {
    return table.error("unit '" + *name + "' should be s, ms, us, ns or iso", table.find("unit"));
  }
  return unit->second;
}

// "name" or { column = "name", hash = true } or, for the time, { column = "name", unit = "s" }.
Result<KeyColumn> read_key(const TomlTable& columns, const std::string& key) {
  KeyColumn result;
  const toml::node* node = columns.find(key);
  if (!node) return result;
  result.line = line_of(*node);
  if (const auto name = node->value_exact<std::string>()) {
    result.source.column = *name;
  } else if (node->is_table()) {
    const TomlTable table(*node->as_table(), columns.source(), columns.where() + " " + key);
    const char* option = key == "time" ? "unit" : "hash";
    ONEFOLD_RETURN_IF_ERROR(table.check_keys({"column", option}));
    ONEFOLD_ASSIGN_OR_RETURN(const auto column, table.text("column"));
    result.source.column = column.value_or("");
    ONEFOLD_ASSIGN_OR_RETURN(const auto hash, table.boolean("hash"));
    result.source.hash = hash.value_or(false);
    ONEFOLD_ASSIGN_OR_RETURN(result.source.unit, read_unit(table));
  } else {
    return columns.error("'" + key + "' should be a column's name, or { column = \"...\" }", node);
  }
  if (!result.given()) return columns.error("'" + key + "' names no column", node);
  return result;
}

Status read_columns(const TomlTable& root, RowMapping& mapping) {
  ONEFOLD_ASSIGN_OR_RETURN(const auto columns, root.child("columns"));
  if (!columns) return root.error("[columns] is missing: which columns are user, item and time");
  ONEFOLD_RETURN_IF_ERROR(columns->check_keys({"user", "item", "time", "request", "session"}));
  for (const char* required : {"user", "item", "time"}) {
    if (!columns->find(required)) {
      return columns->error(std::string("'") + required + "' is missing");
    }
  }
  ONEFOLD_ASSIGN_OR_RETURN(mapping.user, read_key(*columns, "user"));
  ONEFOLD_ASSIGN_OR_RETURN(mapping.item, read_key(*columns, "item"));
  ONEFOLD_ASSIGN_OR_RETURN(mapping.time, read_key(*columns, "time"));
  ONEFOLD_ASSIGN_OR_RETURN(mapping.request, read_key(*columns, "request"));
  ONEFOLD_ASSIGN_OR_RETURN(mapping.session, read_key(*columns, "session"));
  return {};
}

Status read_session(const TomlTable& root, RowMapping& mapping) {
  ONEFOLD_ASSIGN_OR_RETURN(const auto session, root.child("session"));
  if (!session) return {};
  ONEFOLD_RETURN_IF_ERROR(session->check_keys({"gap"}));
  if (mapping.session.given()) {
    return session->error("a gap makes sessions; [columns] session names a column that has them");
  }
  ONEFOLD_ASSIGN_OR_RETURN(const auto gap, session->text("gap"));
  if (!gap) return {};
  const auto parsed = parse_window(*gap);
  if (!parsed.ok() || *parsed <= 0) {
    return session->error("'gap' should be a time such as \"30m\" or \"2h\"", session->find("gap"));
  }
  mapping.gap_us = *parsed;
  return {};
}

Status read_label_columns(const TomlTable& table, bool value, RowMapping& mapping) {
  for (const auto& [key, node] : table.table()) {
    if (!value && node.is_table() && key.str() == "values") continue;
    const auto column = node.value_exact<std::string>();
    if (!column) {
      return table.error("label '" + std::string(key.str()) + "' should be a column's name", &node);
    }
    mapping.labels.push_back({std::string(key.str()), *column, value, line_of(node)});
  }
  return {};
}

Status read_labels(const TomlTable& root, RowMapping& mapping) {
  ONEFOLD_ASSIGN_OR_RETURN(const auto labels, root.child("labels"));
  if (!labels) return {};
  ONEFOLD_RETURN_IF_ERROR(read_label_columns(*labels, false, mapping));
  const toml::node* values = labels->find("values");
  if (!values || !values->is_table()) return {};
  return read_label_columns(TomlTable(*values->as_table(), mapping.source, "[labels.values]"), true,
                            mapping);
}

Status read_kind_and_scope(const TomlTable& table, FeatureColumn& feature) {
  static const std::map<std::string, FeatureKind> kKinds = {
      {"dense", FeatureKind::kDense},
      {"id", FeatureKind::kId},
      {"id_list", FeatureKind::kIdList},
      {"float_list", FeatureKind::kFloatList}};
  ONEFOLD_ASSIGN_OR_RETURN(const auto kind, table.text("kind"));
  if (kind) {
    const auto found = kKinds.find(*kind);
    if (found == kKinds.end()) {
      return table.error("kind '" + *kind + "' should be dense, id, id_list or float_list",
                         table.find("kind"));
    }
    feature.kind = found->second;
  }
  ONEFOLD_ASSIGN_OR_RETURN(const auto scope, table.text("scope"));
  if (scope && *scope != "user" && *scope != "item") {
    return table.error("scope '" + *scope + "' should be user or item", table.find("scope"));
  }
  feature.scope = scope == "user" ? FeatureScope::kUser : FeatureScope::kItem;
  return {};
}

Result<FeatureColumn> read_feature(const TomlTable& table) {
  ONEFOLD_RETURN_IF_ERROR(
      table.check_keys({"column", "name", "kind", "scope", "group", "hash", "separator"}));
  FeatureColumn feature;
  feature.line = table.line();
  ONEFOLD_ASSIGN_OR_RETURN(const auto column, table.text("column"));
  if (!column || column->empty()) return table.error("'column' is missing");
  feature.column = *column;
  ONEFOLD_ASSIGN_OR_RETURN(const auto name, table.text("name"));
  feature.name = name.value_or(*column);
  ONEFOLD_RETURN_IF_ERROR(read_kind_and_scope(table, feature));
  ONEFOLD_ASSIGN_OR_RETURN(const auto group, table.text("group"));
  feature.group = group.value_or("");
  ONEFOLD_ASSIGN_OR_RETURN(const auto hash, table.boolean("hash"));
  feature.hash = hash.value_or(false);
  ONEFOLD_ASSIGN_OR_RETURN(const auto separator, table.text("separator"));
  feature.separator = separator.value_or("");
  return feature;
}

Status read_features(const TomlTable& root, RowMapping& mapping) {
  const toml::node* node = root.find("feature");
  if (!node) return {};
  if (!node->is_array_of_tables()) {
    return root.error("features are written as [[feature]]", node);
  }
  for (const toml::node& element : *node->as_array()) {
    const TomlTable table(*element.as_table(), mapping.source, "[[feature]]");
    ONEFOLD_ASSIGN_OR_RETURN(auto feature, read_feature(table));
    mapping.features.push_back(std::move(feature));
  }
  return {};
}

Status read_groups(const TomlTable& root, RowMapping& mapping) {
  const toml::node* node = root.find("group");
  if (!node) return {};
  if (!node->is_array_of_tables()) return root.error("groups are written as [[group]]", node);
  for (const toml::node& element : *node->as_array()) {
    const TomlTable table(*element.as_table(), mapping.source, "[[group]]");
    ONEFOLD_RETURN_IF_ERROR(table.check_keys({"name", "window"}));
    ONEFOLD_ASSIGN_OR_RETURN(const auto name, table.text("name"));
    if (!name) return table.error("'name' is missing");
    const bool is_known = std::any_of(mapping.features.begin(), mapping.features.end(),
                                      [&](const FeatureColumn& f) { return f.group == *name; });
    if (!is_known) {
      return table.error("no [[feature]] has group = \"" + *name + "\"", table.find("name"));
    }
    ONEFOLD_ASSIGN_OR_RETURN(const auto window, table.boolean("window"));
    if (window.value_or(false)) mapping.windowed_groups.push_back(*name);
  }
  return {};
}

Status read_delimiter(const TomlTable& root, RowMapping& mapping) {
  ONEFOLD_ASSIGN_OR_RETURN(const auto delimiter, root.text("delimiter"));
  if (!delimiter) return {};
  if (delimiter->size() != 1) {
    return root.error("'delimiter' should be one character", root.find("delimiter"));
  }
  mapping.delimiter = delimiter->front();
  return {};
}

}  // namespace

std::vector<MappedColumn> RowMapping::columns() const {
  std::vector<MappedColumn> named;
  const std::pair<const char*, const KeyColumn*> keys[] = {{"[columns] user", &user},
                                                           {"[columns] item", &item},
                                                           {"[columns] time", &time},
                                                           {"[columns] request", &request},
                                                           {"[columns] session", &session}};
  for (const auto& [name, key] : keys) {
    if (key->given()) named.push_back({key->source.column, name, key->line});
  }
  for (const LabelColumn& label : labels) {
    named.push_back({label.column, "label " + label.name, label.line});
  }
  for (const FeatureColumn& feature : features) {
    named.push_back({feature.column, "[[feature]] column", feature.line, true});
  }
  return named;
}

Status RowMapping::error(int line, const std::string& message) const {
  return invalid_argument(source + ":" + std::to_string(line) + ": " + message);
}

Result<RowMapping> RowMapping::from_toml(const std::string& text, const std::string& source) {
  ONEFOLD_ASSIGN_OR_RETURN(const toml::table table, parse_toml(text, source));
  const TomlTable root(table, source, "mapping");
  ONEFOLD_RETURN_IF_ERROR(
      root.check_keys({"delimiter", "columns", "session", "labels", "feature", "group"}));
  RowMapping mapping;
  mapping.source = source;
  ONEFOLD_RETURN_IF_ERROR(read_delimiter(root, mapping));
  ONEFOLD_RETURN_IF_ERROR(read_columns(root, mapping));
  ONEFOLD_RETURN_IF_ERROR(read_session(root, mapping));
  ONEFOLD_RETURN_IF_ERROR(read_labels(root, mapping));
  ONEFOLD_RETURN_IF_ERROR(read_features(root, mapping));
  ONEFOLD_RETURN_IF_ERROR(read_groups(root, mapping));
  return mapping;
}

}  // namespace onefold
