// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/toml_table.h"

#include <algorithm>

namespace onefold {
namespace {

std::string quoted(std::string_view key) { return "'" + std::string(key) + "'"; }

}  // namespace

Result<toml::table> parse_toml(const std::string& text, const std::string& source) {
  try {
    return toml::parse(text, source);
  } catch (const toml::parse_error& error) {
    return invalid_argument(source + ":" + std::to_string(error.source().begin.line) + ": " +
                            std::string(error.description()));
  }
}

Status TomlTable::error(const std::string& message, const toml::node* node) const {
  const auto line = node ? node->source().begin.line : table_->source().begin.line;
  return invalid_argument(source_ + ":" + std::to_string(line) + ": " + where_ + ": " + message);
}

Status TomlTable::check_keys(std::initializer_list<std::string_view> known) const {
  for (const auto& [key, node] : *table_) {
    if (std::find(known.begin(), known.end(), key.str()) != known.end()) continue;
    std::string list;
    for (std::string_view name : known) list += (list.empty() ? "" : ", ") + std::string(name);
    return error("unknown key " + quoted(key.str()) + "; known are " + list, &node);
  }
  return {};
}

Result<std::optional<std::string>> TomlTable::text(std::string_view key) const {
  const toml::node* node = find(key);
  if (!node) return std::optional<std::string>();
  if (const auto value = node->value_exact<std::string>()) return std::optional(*value);
  return error(quoted(key) + " should be a string", node);
}

Result<std::optional<bool>> TomlTable::boolean(std::string_view key) const {
  const toml::node* node = find(key);
  if (!node) return std::optional<bool>();
  if (const auto value = node->value_exact<bool>()) return std::optional(*value);
  return error(quoted(key) + " should be true or false", node);
}

Result<std::optional<double>> TomlTable::number(std::string_view key) const {
  const toml::node* node = find(key);
  if (!node) return std::optional<double>();
  if (node->is_number()) return std::optional(*node->value<double>());
  return error(quoted(key) + " should be a number", node);
}

Result<std::vector<std::string>> TomlTable::texts(std::string_view key) const {
  std::vector<std::string> values;
  const toml::node* node = find(key);
  if (!node) return values;
  const toml::array* array = node->as_array();
  if (!array) return error(quoted(key) + " should be a list of strings", node);
  for (const toml::node& element : *array) {
    const auto value = element.value_exact<std::string>();
    if (!value) return error(quoted(key) + " should be a list of strings", &element);
    values.push_back(*value);
  }
  return values;
}

Result<std::optional<TomlTable>> TomlTable::child(std::string_view key) const {
  const toml::node* node = find(key);
  if (!node) return std::optional<TomlTable>();
  if (const toml::table* table = node->as_table()) {
    return std::optional(TomlTable(*table, source_, "[" + std::string(key) + "]"));
  }
  return error(quoted(key) + " should be a table", node);
}

}  // namespace onefold
