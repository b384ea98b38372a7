// SPDX-License-Identifier: Apache-2.0
// TomlTable: a TOML table whose errors name file, line and key.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

#include "onefold/base/status.h"

namespace onefold {

// kInvalidArgument "<source>:<line>: ..." for text that is not TOML.
Result<toml::table> parse_toml(const std::string& text, const std::string& source);

class TomlTable {
 public:
  // `where` names the table in messages: "[columns]", "slice 'liked'". Borrows the table.
  TomlTable(const toml::table& table, std::string source, std::string where)
      : table_(&table), source_(std::move(source)), where_(std::move(where)) {}

  const toml::table& table() const { return *table_; }
  const std::string& source() const { return source_; }
  const std::string& where() const { return where_; }
  int line() const { return static_cast<int>(table_->source().begin.line); }
  const toml::node* find(std::string_view key) const { return table_->get(key); }  // or nullptr

  // kInvalidArgument unless every key is one of `known`; the message lists them.
  Status check_keys(std::initializer_list<std::string_view> known) const;

  // The value of `key`; nullopt or empty when the table lacks it; kInvalidArgument for another
  // type.
  Result<std::optional<std::string>> text(std::string_view key) const;
  Result<std::optional<bool>> boolean(std::string_view key) const;
  Result<std::optional<double>> number(std::string_view key) const;
  Result<std::vector<std::string>> texts(std::string_view key) const;
  Result<std::optional<TomlTable>> child(std::string_view key) const;

  // kInvalidArgument "<source>:<line>: <where>: <message>", the line being that of `node`, or of
  // the table.
  Status error(const std::string& message, const toml::node* node = nullptr) const;

 private:
  const toml::table* table_;
  std::string source_, where_;
};

}  // namespace onefold
