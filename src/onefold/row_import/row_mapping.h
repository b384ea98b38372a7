// SPDX-License-Identifier: Apache-2.0
// RowMapping: which columns of somebody's rows are what, from a small TOML file.
//
//   [columns]
//   user    = "user_id"
//   item    = "item_id"
//   time    = { column = "ts", unit = "s" }
//   request = "impression_id"
//   [labels]
//   click = "is_click"
//   [[feature]]
//   column = "history"
//   scope  = "user"
//   group  = "user_history"
//   [[group]]
//   name   = "user_history"
//   window = true
//
// docs/verbs/import.md describes every key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/jagged/schema.h"
#include "onefold/timeline/event_mapping.h"

namespace onefold {

struct KeyColumn {
  ColumnSource source = {};  // no column: the input has none
  int line = 0;              // of the mapping

  bool given() const { return source.given(); }
};

struct LabelColumn {
  std::string name, column;
  bool value = false;  // a number rather than yes or no
  int line = 0;
};

struct FeatureColumn {
  std::string column, name;
  std::optional<FeatureKind> kind = {};  // by the column's type if not given
  FeatureScope scope = FeatureScope::kItem;
  std::string group = {};
  bool hash = false;           // of text: 64-bit hash
  std::string separator = {};  // text cells are lists, split at it
  int line = 0;
};

// A column that the mapping names.
struct MappedColumn {
  std::string column;
  std::string key;  // of the mapping: "[columns] user"
  int line = 0;
  bool is_feature = false;
};

struct RowMapping {
  std::string source;  // the mapping's file, for messages
  char delimiter = 0;  // of CSV; 0: by the file's name
  KeyColumn user, item, time, request, session;
  int64_t gap_us = 30 * 60 * int64_t{1'000'000};  // idle time that ends a session
  std::vector<LabelColumn> labels;
  std::vector<FeatureColumn> features;
  std::vector<std::string> windowed_groups;  // Schema::windowed_groups

  // kInvalidArgument names `source`, the line and the key.
  static Result<RowMapping> from_toml(const std::string& text, const std::string& source);

  // All that are named, in the order above.
  std::vector<MappedColumn> columns() const;

  // kInvalidArgument "<source>:<line>: <message>".
  Status error(int line, const std::string& message) const;
};

}  // namespace onefold
