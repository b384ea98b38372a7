// SPDX-License-Identifier: Apache-2.0
#include "onefold/dataset/group_choice.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <unordered_map>

#include <arrow/table.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "onefold/dataset/fold_rows.h"
#include "onefold/dataset/row_bytes.h"
#include "onefold/jagged/schema.h"
#include "onefold/table/arrow_lists.h"
#include "onefold/table/table_columns.h"

namespace onefold {
namespace {

// A delta-coded or dictionary-coded reference, before zstd.
constexpr double kRefBytes = 2;

// Shorter text is left to Parquet's dictionary, which stores distinct values once as well.
constexpr double kLongTextBytes = 64;

bool is_nested_value(const arrow::DataType& type) {
  return arrow::is_nested(type.id()) && has_row_bytes(type);
}

bool is_text(const arrow::DataType& type) {
  return arrow::is_base_binary_like(type.id()) || arrow::is_binary_view_like(type.id());
}

// Columns that may become a group, and what they would cost.
struct Candidate {
  std::vector<int> columns;
  std::vector<int32_t> refs;  // [num_rows]
  int64_t num_unique = 0;
  double row_bytes = 0;  // mean over distinct rows

  double cost() const {
    return static_cast<double>(num_unique) * row_bytes +
           kRefBytes * static_cast<double>(refs.size());
  }
};

Candidate join(const Candidate& a, const Candidate& b) {
  Candidate joined;
  joined.columns = a.columns;
  joined.columns.insert(joined.columns.end(), b.columns.begin(), b.columns.end());
  joined.row_bytes = a.row_bytes + b.row_bytes;
  std::unordered_map<int64_t, int32_t> pairs;
  for (size_t i = 0; i < a.refs.size(); ++i) {
    const int64_t pair = (int64_t{a.refs[i]} << 32) | b.refs[i];
    joined.refs.push_back(
        pairs.try_emplace(pair, static_cast<int32_t>(pairs.size())).first->second);
  }
  joined.num_unique = static_cast<int64_t>(pairs.size());
  return joined;
}

std::vector<Candidate> candidates(const arrow::Table& sample,
                                  const std::vector<ColumnGroup>& named) {
  std::vector<Candidate> found;
  const auto num_rows = static_cast<double>(sample.num_rows());
  for (int c = 0; c < sample.num_columns(); ++c) {
    const arrow::Field& field = *sample.schema()->field(c);
    if (!(is_nested_value(*field.type()) || is_text(*field.type()))) continue;
    if (field.name() == kRefColumn) continue;  // payload files have a column of that name
    if (in_a_group(named, field.name())) continue;
    FoldedRows folded = fold_rows({sample.column(c)}, sample.num_rows());
    if (is_text(*field.type()) && static_cast<double>(folded.bytes) / num_rows < kLongTextBytes) {
      continue;
    }
    Candidate candidate{.columns = {c}, .refs = std::move(folded.refs)};
    candidate.num_unique = static_cast<int64_t>(folded.rows.size());
    candidate.row_bytes =
        static_cast<double>(folded.unique_bytes) / static_cast<double>(candidate.num_unique);
    if (candidate.cost() < static_cast<double>(folded.bytes) / 2) {
      found.push_back(std::move(candidate));
    }
  }
  return found;
}

// Joins groups as long as that saves bytes: columns that change together need one ref.
void join_pairs(std::vector<Candidate>& groups) {
  for (size_t i = 0; i < groups.size(); ++i) {
    for (size_t k = i + 1; k < groups.size();) {
      Candidate joined = join(groups[i], groups[k]);
      if (joined.cost() >= groups[i].cost() + groups[k].cost()) {
        ++k;
        continue;
      }
      groups[i] = std::move(joined);
      groups.erase(groups.begin() + static_cast<std::ptrdiff_t>(k));
    }
  }
}

bool is_free(const std::string& group, const arrow::Schema& schema) {
  for (const std::string& column :
       {group, ref_column(group), start_column(group), length_column(group)}) {
    if (schema.GetFieldIndex(column) >= 0) return false;
  }
  return true;
}

// The first of "group0", "group1", ... that is free, from `number` on, which becomes the next.
std::string free_name(const std::string& stem, int& number, const std::vector<ColumnGroup>& groups,
                      const arrow::Schema& schema) {
  while (true) {
    std::string name = stem + std::to_string(number++);
    const bool taken = std::any_of(groups.begin(), groups.end(),
                                   [&](const ColumnGroup& group) { return group.name == name; });
    if (!taken && is_free(name, schema)) return name;
  }
}

// "a,b" -> a, b
std::vector<std::string> split_columns(std::string text) {
  std::vector<std::string> columns;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    if (comma != 0) columns.push_back(text.substr(0, comma));
    text.erase(0, comma == std::string::npos ? comma : comma + 1);
  }
  return columns;
}

// Windows are cut from lists; a map's entries have no order to slide in.
bool can_be_windowed(const arrow::DataType& type) {
  return ArrowLists::holds(type) && type.id() != arrow::Type::MAP;
}

Status check_group_name(const std::string& name, const arrow::Schema& schema) {
  const auto allowed = [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-'; };
  const Schema named{.features = {{"feature", FeatureKind::kIdList, FeatureScope::kUser, name}}};
  if (name.empty() || !std::all_of(name.begin(), name.end(), allowed) ||
      (name != "feature" && !named.validate().ok())) {
    return invalid_argument("group name '" + name +
                            "': letters, digits, '_' and '-' are possible, and no reserved name");
  }
  if (!is_free(name, schema)) {
    return invalid_argument("group name '" + name + "' is a column's, or '" + ref_column(name) +
                            "', '" + start_column(name) + "' or '" + length_column(name) +
                            "' is; choose another");
  }
  return {};
}

}  // namespace

bool in_a_group(const std::vector<ColumnGroup>& groups, const std::string& column) {
  return std::any_of(groups.begin(), groups.end(), [&](const ColumnGroup& group) {
    return std::find(group.columns.begin(), group.columns.end(), column) != group.columns.end();
  });
}

Result<ColumnGroup> parse_column_group(const std::string& text) {
  const size_t equals = text.find('=');
  ColumnGroup group;
  group.name = text.substr(0, equals);
  if (equals != std::string::npos) group.columns = split_columns(text.substr(equals + 1));
  if (group.name.empty() || group.columns.empty()) {
    return invalid_argument("group '" + text + "': expected NAME=COLUMN,COLUMN,...");
  }
  return group;
}

Result<ColumnGroup> parse_window_group(const std::string& text) {
  ColumnGroup group;
  if (text.find('=') != std::string::npos) {
    ONEFOLD_ASSIGN_OR_RETURN(group, parse_column_group(text));
  } else {
    group.columns = split_columns(text);
  }
  group.windowed = true;
  if (!group.columns.empty()) return group;
  return invalid_argument("window '" + text + "': expected COLUMN,COLUMN,...");
}

void name_column_groups(std::vector<ColumnGroup>& groups, const arrow::Schema& schema) {
  int number = 0;
  for (ColumnGroup& group : groups) {
    if (group.name.empty()) group.name = free_name("window", number, groups, schema);
  }
}

Status check_column_groups(const std::vector<ColumnGroup>& groups, const arrow::Schema& schema) {
  std::set<std::string> names, columns;
  for (const ColumnGroup& group : groups) {
    ONEFOLD_RETURN_IF_ERROR(check_group_name(group.name, schema));
    if (!names.insert(group.name).second) {
      return invalid_argument("two groups are named '" + group.name + "'");
    }
    for (const std::string& column : group.columns) {
      const int index = schema.GetFieldIndex(column);
      if (index < 0) {
        return not_found(fmt::format("group {}: no column '{}'; there are {}", group.name, column,
                                     fmt::join(schema.field_names(), ", ")));
      }
      if (!columns.insert(column).second) {
        return invalid_argument("column '" + column + "' is named twice in groups");
      }
      if (column == kRefColumn || !has_row_bytes(*schema.field(index)->type())) {
        return unsupported("group " + group.name + ": column '" + column + "' of type " +
                           schema.field(index)->type()->ToString() + " cannot be in a group");
      }
      if (group.windowed && !can_be_windowed(*schema.field(index)->type())) {
        return unsupported("windowed group " + group.name + ": column '" + column + "' of type " +
                           schema.field(index)->type()->ToString() +
                           " is no list, and windows are cut from lists; fold it with --group");
      }
    }
  }
  return {};
}

std::vector<ColumnGroup> choose_column_groups(const arrow::Table& sample,
                                              const std::vector<ColumnGroup>& named) {
  if (sample.num_rows() == 0) return {};
  std::vector<Candidate> chosen = candidates(sample, named);
  join_pairs(chosen);
  std::vector<ColumnGroup> groups;
  int number = 0;
  for (Candidate& candidate : chosen) {
    ColumnGroup group{.name = free_name("group", number, named, *sample.schema())};
    std::sort(candidate.columns.begin(), candidate.columns.end());
    for (int c : candidate.columns) group.columns.push_back(sample.schema()->field(c)->name());
    groups.push_back(std::move(group));
  }
  return groups;
}

}  // namespace onefold
