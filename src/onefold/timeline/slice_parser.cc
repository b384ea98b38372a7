// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/slice_parser.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>

#include <fmt/format.h>

#include "onefold/timeline/toml_table.h"

namespace onefold {
namespace {

// One value on one axis of a cross-product: what it sets, and what it adds to the slice's name.
struct Choice {
  std::string label;
  std::function<void(Slice&)> set;
};
using Choices = std::vector<Choice>;
using ReadChoice = std::function<Result<Choice>(const TomlTable&, const toml::node&)>;

struct Axis {
  const char* key;
  ReadChoice read;
};

Result<std::string> text_of(const TomlTable& table, const char* key, const toml::node& node) {
  if (const auto value = node.value_exact<std::string>()) return *value;
  return table.error(std::string("'") + key + "' should be a string", &node);
}

Result<Choice> read_timeline(const TomlTable& table, const toml::node& node) {
  ONEFOLD_ASSIGN_OR_RETURN(const std::string name, text_of(table, "timeline", node));
  const auto kind = parse_timeline_kind(name);
  if (!kind.ok()) return table.error(kind.status().message(), &node);
  return Choice{name, [kind = *kind](Slice& slice) { slice.timeline = kind; }};
}

Result<Choice> read_id(const TomlTable& table, const toml::node& node) {
  ONEFOLD_ASSIGN_OR_RETURN(const std::string name, text_of(table, "id", node));
  if (name != "item" && name != "author" && name != "topic") {
    return table.error("'id' should be item, author or topic, not '" + name + "'", &node);
  }
  return Choice{name, [name](Slice& slice) { slice.id = parse_event_column(name).value(); }};
}

Result<Choice> read_window(const TomlTable& table, const toml::node& node) {
  ONEFOLD_ASSIGN_OR_RETURN(const std::string name, text_of(table, "window", node));
  const auto window = parse_window(name);
  if (!window.ok()) return table.error(window.status().message(), &node);
  return Choice{name, [window = *window](Slice& slice) { slice.window_us = window; }};
}

Result<Choice> read_weight(const TomlTable& table, const toml::node& node) {
  ONEFOLD_ASSIGN_OR_RETURN(const std::string name, text_of(table, "weight", node));
  if (name != "none" && name != "score") {
    return table.error("'weight' should be none or score, not '" + name + "'", &node);
  }
  const SliceWeight weight = name == "score" ? SliceWeight::kScore : SliceWeight::kNone;
  return Choice{weight == SliceWeight::kScore ? "weighted" : "unweighted",
                [weight](Slice& slice) { slice.weight = weight; }};
}

// A name, or a list of names of which any will do.
ReadChoice read_names(const char* key, std::vector<std::string> Slice::*member) {
  return [key, member](const TomlTable& table, const toml::node& node) -> Result<Choice> {
    std::vector<std::string> names;
    if (const toml::array* list = node.as_array()) {
      for (const toml::node& element : *list) {
        ONEFOLD_ASSIGN_OR_RETURN(names.emplace_back(), text_of(table, key, element));
      }
      if (names.empty()) return table.error(std::string("'") + key + "' has an empty list", &node);
    } else {
      ONEFOLD_ASSIGN_OR_RETURN(names.emplace_back(), text_of(table, key, node));
    }
    std::string label;
    for (const std::string& name : names) label += (label.empty() ? "" : "+") + name;
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return Choice{label, [member, names](Slice& slice) { slice.*member = names; }};
  };
}

std::string range_label(const char* key, const Range& range) {
  if (!std::isfinite(range.max)) return fmt::format("{}>={}", key, range.min);
  if (!std::isfinite(range.min)) return fmt::format("{}<{}", key, range.max);
  return fmt::format("{}{}-{}", key, range.min, range.max);
}

Result<Range> range_of(const TomlTable& table, const char* key) {
  ONEFOLD_ASSIGN_OR_RETURN(const auto min, table.number("min"));
  ONEFOLD_ASSIGN_OR_RETURN(const auto max, table.number("max"));
  Range range;
  if (min) range.min = *min;
  if (max) range.max = *max;
  if (std::isnan(range.min) || std::isnan(range.max) || !(range.min < range.max)) {
    return table.error(
        fmt::format("'{}' selects nothing: min {} is not below max {}", key, range.min, range.max));
  }
  return range;
}

// { min = 3, max = 15 } or one of both; `label` may name it.
ReadChoice read_range(const char* key, Range Slice::*member) {
  return [key, member](const TomlTable& parent, const toml::node& node) -> Result<Choice> {
    if (!node.is_table()) {
      return parent.error(fmt::format("'{}' should be {{ min = ..., max = ... }}", key), &node);
    }
    const TomlTable table(*node.as_table(), parent.source(), parent.where());
    ONEFOLD_RETURN_IF_ERROR(table.check_keys({"min", "max", "label"}));
    ONEFOLD_ASSIGN_OR_RETURN(const Range range, range_of(table, key));
    if (!range.bounded()) return table.error(std::string("'") + key + "' has neither min nor max");
    ONEFOLD_ASSIGN_OR_RETURN(const auto label, table.text("label"));
    return Choice{label.value_or(range_label(key, range)),
                  [member, range](Slice& slice) { slice.*member = range; }};
  };
}

// { gamma = 0.5, min = 1.0 }
Result<Choice> read_score(const TomlTable& parent, const toml::node& node) {
  if (!node.is_table()) {
    return parent.error("'score' should be { gamma = ..., min = ..., max = ... }", &node);
  }
  const TomlTable table(*node.as_table(), parent.source(), parent.where());
  ONEFOLD_RETURN_IF_ERROR(table.check_keys({"gamma", "min", "max", "label"}));
  ONEFOLD_ASSIGN_OR_RETURN(const auto gamma, table.number("gamma"));
  if (!gamma || !(*gamma > 0) || !std::isfinite(*gamma)) {
    return table.error("'score' needs a gamma above 0");
  }
  ONEFOLD_ASSIGN_OR_RETURN(const Range range, range_of(table, "score"));
  ONEFOLD_ASSIGN_OR_RETURN(const auto label, table.text("label"));
  const std::string name = range.bounded() ? range_label("score", range) : "scored";
  return Choice{label.value_or(fmt::format("{}@{}", name, *gamma)),
                [gamma = *gamma, range](Slice& slice) {
                  slice.gamma = gamma;
                  slice.score = range;
                }};
}

// In the order in which their labels follow the slice's name.
const std::vector<Axis>& axes() {
  static const std::vector<Axis> kAxes = {
      {"timeline", read_timeline},
      {"action", read_names("action", &Slice::actions)},
      {"surface", read_names("surface", &Slice::surfaces)},
      {"media_type", read_names("media_type", &Slice::media_types)},
      {"dwell", read_range("dwell", &Slice::dwell)},
      {"watch_ratio", read_range("watch_ratio", &Slice::watch_ratio)},
      {"score", read_score},
      {"weight", read_weight},
      {"id", read_id},
      {"window", read_window},
  };
  return kAxes;
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != text.npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

Status finish(const TomlTable& table, const std::string& group_pattern, Slice& slice) {
  slice.line = table.line();
  slice.table_group = group_pattern;
  replace_all(slice.table_group, "{timeline}", to_string(slice.timeline));
  replace_all(slice.table_group, "{id}", to_string(slice.id));
  if (slice.table_group.find_first_of("{}") != std::string::npos) {
    return table.error("'table_group' knows {timeline} and {id}, not " + slice.table_group,
                       table.find("table_group"));
  }
  if (slice.weight == SliceWeight::kScore && slice.gamma == 0) {
    return table.error("weight = \"score\" needs score = { gamma = ... }", table.find("weight"));
  }
  return {};
}

// Every combination of `choices`, the last axis fastest.
Status expand(const TomlTable& table, const std::string& name, const std::string& group,
              const std::vector<Choices>& choices, std::vector<Slice>& slices) {
  std::vector<size_t> index(choices.size(), 0);
  for (;;) {
    Slice slice{.name = name};
    for (size_t axis = 0; axis < choices.size(); ++axis) {
      const Choice& choice = choices[axis][index[axis]];
      choice.set(slice);
      if (choices[axis].size() > 1) slice.name += "." + choice.label;
    }
    ONEFOLD_RETURN_IF_ERROR(finish(table, group, slice));
    slices.push_back(std::move(slice));
    size_t axis = choices.size();
    while (axis > 0 && ++index[axis - 1] == choices[axis - 1].size()) index[--axis] = 0;
    if (axis == 0) return {};
  }
}

Status parse_slice(const TomlTable& table, const TomlTable* defaults, std::vector<Slice>& slices) {
  ONEFOLD_RETURN_IF_ERROR(
      table.check_keys({"name", "timeline", "action", "surface", "media_type", "dwell",
                        "watch_ratio", "score", "weight", "id", "window", "table_group"}));
  ONEFOLD_ASSIGN_OR_RETURN(const auto name, table.text("name"));
  std::vector<Choices> choices;
  for (const Axis& axis : axes()) {
    const toml::node* node = table.find(axis.key);
    if (!node && defaults) node = defaults->find(axis.key);
    if (!node) {
      if (axis.key == std::string("timeline")) return table.error("'timeline' is missing");
      continue;
    }
    Choices& on_axis = choices.emplace_back();
    if (const toml::array* list = node->as_array()) {
      for (const toml::node& element : *list) {
        ONEFOLD_ASSIGN_OR_RETURN(on_axis.emplace_back(), axis.read(table, element));
      }
    } else {
      ONEFOLD_ASSIGN_OR_RETURN(on_axis.emplace_back(), axis.read(table, *node));
    }
    if (on_axis.empty()) {
      return table.error(std::string("'") + axis.key + "' has an empty list", node);
    }
  }
  ONEFOLD_ASSIGN_OR_RETURN(auto group, table.text("table_group"));
  if (!group && defaults) {
    ONEFOLD_ASSIGN_OR_RETURN(group, defaults->text("table_group"));
  }
  return expand(table, *name, group.value_or("{timeline}_{id}"), choices, slices);
}

}  // namespace

Result<int64_t> parse_window(const std::string& text) {
  if (text == "full") return int64_t{0};
  static const std::map<char, int64_t> kMicros = {{'d', int64_t{86400} * 1000000},
                                                  {'h', int64_t{3600} * 1000000},
                                                  {'m', int64_t{60} * 1000000}};
  int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error == std::errc() && end + 1 == text.data() + text.size() && count > 0 && count < 100000) {
    const auto unit = kMicros.find(*end);
    if (unit != kMicros.end()) return count * unit->second;
  }
  return invalid_argument("window '" + text +
                          "' should be full, or a number of days, hours or "
                          "minutes such as 7d, 12h, 30m");
}

Result<std::vector<Slice>> parse_slices(const std::string& text, const std::string& source) {
  ONEFOLD_ASSIGN_OR_RETURN(const toml::table table, parse_toml(text, source));
  const TomlTable root(table, source, "slices");
  ONEFOLD_RETURN_IF_ERROR(root.check_keys({"slice", "defaults"}));
  ONEFOLD_ASSIGN_OR_RETURN(const auto defaults, root.child("defaults"));
  if (defaults) {
    ONEFOLD_RETURN_IF_ERROR(
        defaults->check_keys({"timeline", "action", "surface", "media_type", "dwell", "watch_ratio",
                              "score", "weight", "id", "window", "table_group"}));
  }
  const toml::array* blocks = table["slice"].as_array();
  if (!blocks || blocks->empty()) {
    return root.error("no [[slice]] is declared", root.find("slice"));
  }
  std::vector<Slice> slices;
  for (const toml::node& node : *blocks) {
    if (!node.is_table()) return root.error("'slice' should be a list of tables", &node);
    const TomlTable unnamed(*node.as_table(), source, "[[slice]]");
    ONEFOLD_ASSIGN_OR_RETURN(const auto name, unnamed.text("name"));
    if (!name || name->empty()) return unnamed.error("'name' is missing");
    const TomlTable block(*node.as_table(), source, "slice '" + *name + "'");
    ONEFOLD_RETURN_IF_ERROR(parse_slice(block, defaults ? &*defaults : nullptr, slices));
  }
  return slices;
}

}  // namespace onefold
