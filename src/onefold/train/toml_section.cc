// SPDX-License-Identifier: Apache-2.0
#include "onefold/train/toml_section.h"

#include <algorithm>

#include <fmt/format.h>

#include "onefold/base/nearest_name.h"

namespace onefold {

const toml::node* TomlSection::find(const std::string& key) {
  known_.push_back(key);
  return table_ == nullptr || !status_.ok() ? nullptr : table_->get(key);
}

void TomlSection::fail(const std::string& key, const std::string& message) {
  if (!status_.ok()) return;
  const toml::node* node = table_ == nullptr ? nullptr : table_->get(key);
  const auto at = node == nullptr ? std::max(1, static_cast<int>(line()))  // 0: an empty file
                                  : static_cast<int>(node->source().begin.line);
  status_ = invalid_argument(fmt::format("{}:{}: {} {}: {}", file_, at, name_, key, message));
}

void TomlSection::wrong_type(const std::string& key, const char* expected) {
  fail(key, fmt::format("expected {}", expected));
}

void TomlSection::get(const std::string& key, std::string& value) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const auto text = node->value_exact<std::string>();
  if (!text) return wrong_type(key, "a string");
  value = *text;
}

void TomlSection::get(const std::string& key, bool& value) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const auto flag = node->value_exact<bool>();
  if (!flag) return wrong_type(key, "true or false");
  value = *flag;
}

void TomlSection::get(const std::string& key, int64_t& value) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const auto number = node->value_exact<int64_t>();
  if (!number) return wrong_type(key, "an integer");
  value = *number;
}

void TomlSection::get(const std::string& key, uint64_t& value) {
  int64_t number = static_cast<int64_t>(value);
  get(key, number);
  if (number < 0) return fail(key, "must not be negative");
  value = static_cast<uint64_t>(number);
}

void TomlSection::get(const std::string& key, double& value) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  if (!node->is_number()) return wrong_type(key, "a number");
  value = *node->value<double>();
}

void TomlSection::get(const std::string& key, std::vector<std::string>& value) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const toml::array* list = node->as_array();
  if (list == nullptr) return wrong_type(key, "a list of strings");
  value.clear();
  for (const toml::node& item : *list) {
    const auto text = item.value_exact<std::string>();
    if (!text) return wrong_type(key, "a list of strings");
    value.push_back(*text);
  }
}

void TomlSection::get(const std::string& key, std::vector<int64_t>& value) {
  const toml::node* node = find(key);
  if (node == nullptr) return;
  const toml::array* list = node->as_array();
  if (list == nullptr) return wrong_type(key, "a list of integers");
  value.clear();
  for (const toml::node& item : *list) {
    const auto number = item.value_exact<int64_t>();
    if (!number) return wrong_type(key, "a list of integers");
    value.push_back(*number);
  }
}

void TomlSection::require(const std::string& key, std::string& value) {
  get(key, value);
  if (value.empty()) fail(key, "is missing or empty");
}

Status TomlSection::finish() {
  if (!status_.ok() || table_ == nullptr) return status_;
  for (const auto& [key, node] : *table_) {
    const std::string name(key.str());
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
    return invalid_argument(fmt::format("{}:{}: {} has no key '{}'; did you mean '{}'?", file_,
                                        key.source().begin.line, name_, name,
                                        nearest_name(name, known_)));
  }
  return status_;
}

}  // namespace onefold
