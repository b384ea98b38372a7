// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/event_mapping.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "onefold/timeline/toml_table.h"

namespace onefold {
namespace {

bool has(const std::vector<std::string>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

bool is_id(EventColumn column) {
  return column == EventColumn::kItem || column == EventColumn::kAuthor ||
         column == EventColumn::kTopic;
}

Result<TimeUnit> parse_unit(const TomlTable& table, bool is_time) {
  static const std::map<std::string, TimeUnit> kUnits = {{"s", TimeUnit::kSeconds},
                                                         {"ms", TimeUnit::kMillis},
                                                         {"us", TimeUnit::kMicros},
                                                         {"ns", TimeUnit::kNanos},
                                                         {"iso", TimeUnit::kIso}};
  ONEFOLD_ASSIGN_OR_RETURN(const auto name, table.text("unit"));
  if (!name) return is_time ? TimeUnit::kMicros : TimeUnit::kSeconds;  // as the event log has it
  const auto unit = kUnits.find(*name);
  if (unit == kUnits.end() || (unit->second == TimeUnit::kIso && !is_time)) {
    return table.error("unit '" + *name + "' should be s, ms, us, ns" + (is_time ? " or iso" : ""),
                       table.find("unit"));
  }
  return unit->second;
}

// "name" or { column = "name", unit = "ms", hash = true }.
Result<ColumnSource> read_source(const TomlTable& parent, const std::string& key, bool id,
                                 bool time, bool seconds) {
  ColumnSource source{.unit = time ? TimeUnit::kMicros : TimeUnit::kSeconds};
  const toml::node* node = parent.find(key);
  if (!node) return source;
  if (const auto name = node->value_exact<std::string>()) {
    source.column = *name;
    return source;
  }
  if (!node->is_table()) {
    return parent.error("'" + key + "' should be a column's name, or { column = \"...\" }", node);
  }
  const TomlTable table(*node->as_table(), parent.source(), parent.where() + " " + key);
  if (id)
    ONEFOLD_RETURN_IF_ERROR(table.check_keys({"column", "hash"}));
  else if (time || seconds)
    ONEFOLD_RETURN_IF_ERROR(table.check_keys({"column", "unit"}));
  else
    ONEFOLD_RETURN_IF_ERROR(table.check_keys({"column"}));
  ONEFOLD_ASSIGN_OR_RETURN(const auto column, table.text("column"));
  if (!column) return table.error("'column' is missing");
  source.column = *column;
  ONEFOLD_ASSIGN_OR_RETURN(const auto hash, table.boolean("hash"));
  source.hash = hash.value_or(false);
  ONEFOLD_ASSIGN_OR_RETURN(source.unit, parse_unit(table, time));
  return source;
}

Result<ColumnSource> read_source(const TomlTable& parent, EventColumn column) {
  return read_source(parent, to_string(column), is_id(column), column == EventColumn::kTime,
                     is_float(column));
}

Result<char> read_delimiter(const TomlTable& table) {
  ONEFOLD_ASSIGN_OR_RETURN(const auto delimiter, table.text("delimiter"));
  if (!delimiter) return '\0';
  if (delimiter->size() != 1) {
    return table.error("'delimiter' should be one character", table.find("delimiter"));
  }
  return delimiter->front();
}

Status read_columns(const TomlTable& root, EventMapping& mapping) {
  ONEFOLD_ASSIGN_OR_RETURN(const auto columns, root.child("columns"));
  if (!columns) return {};  // an event log
  ONEFOLD_RETURN_IF_ERROR(
      columns->check_keys({"user", "item", "author", "topic", "time", "surface", "media_type",
                           "duration", "watch_time", "event_id"}));
  ONEFOLD_ASSIGN_OR_RETURN(mapping.user, read_source(*columns, "user", true, false, false));
  for (int i = 0; i < kNumEventColumns; ++i) {
    const auto column = static_cast<EventColumn>(i);
    if (column == EventColumn::kEventId || column == EventColumn::kAction) continue;
    ONEFOLD_ASSIGN_OR_RETURN(mapping.columns[i], read_source(*columns, column));
  }
  for (const char* required : {"user", "item", "time"}) {
    if (!columns->find(required)) {
      return columns->error(std::string("'") + required + "' is missing");
    }
  }
  if (columns->find("event_id") && columns->find("event_id")->is_string()) {
    ONEFOLD_ASSIGN_OR_RETURN(const auto id, columns->text("event_id"));
    mapping.event_id = {*id};
    return {};
  }
  ONEFOLD_ASSIGN_OR_RETURN(mapping.event_id, columns->texts("event_id"));
  return {};
}

Status read_action(const TomlTable& root, EventMapping& mapping) {
  ONEFOLD_ASSIGN_OR_RETURN(const auto action, root.child("action"));
  if (!action) {
    if (mapping.user.given()) {
      return root.error("[columns] needs [action] with column = \"...\" or every_row = \"...\"");
    }
    return {};
  }
  ONEFOLD_RETURN_IF_ERROR(action->check_keys({"column", "every_row", "flags"}));
  ONEFOLD_ASSIGN_OR_RETURN(const auto column, action->text("column"));
  ONEFOLD_ASSIGN_OR_RETURN(const auto every_row, action->text("every_row"));
  mapping.action_column = column.value_or("");
  mapping.every_row = every_row.value_or("");
  ONEFOLD_ASSIGN_OR_RETURN(const auto flags, action->child("flags"));
  if (flags) {
    for (const auto& [key, node] : flags->table()) {
      const auto name = node.value_exact<std::string>();
      if (!name) return flags->error("a flag's action should be a string", &node);
      mapping.flags.emplace_back(std::string(key.str()), *name);
    }
  }
  const bool by_row = !mapping.every_row.empty() || !mapping.flags.empty();
  if (mapping.action_column.empty() != by_row) {
    return action->error("give either 'column', or 'every_row' and/or 'flags'");
  }
  return {};
}

Status read_timelines(const TomlTable& root, EventMapping& mapping) {
  ONEFOLD_ASSIGN_OR_RETURN(const auto timelines, root.child("timelines"));
  if (!timelines) {
    return root.error("[timelines] is missing: which actions are explicit, which implicit");
  }
  ONEFOLD_RETURN_IF_ERROR(timelines->check_keys({"explicit", "implicit", "ignore", "other"}));
  ONEFOLD_ASSIGN_OR_RETURN(mapping.explicit_actions, timelines->texts("explicit"));
  ONEFOLD_ASSIGN_OR_RETURN(mapping.implicit_actions, timelines->texts("implicit"));
  ONEFOLD_ASSIGN_OR_RETURN(mapping.ignored_actions, timelines->texts("ignore"));
  std::vector<std::string> seen;
  for (const auto* list :
       {&mapping.explicit_actions, &mapping.implicit_actions, &mapping.ignored_actions}) {
    for (const std::string& action : *list) {
      if (has(seen, action)) return timelines->error("action '" + action + "' is listed twice");
      seen.push_back(action);
    }
  }
  ONEFOLD_ASSIGN_OR_RETURN(const auto other, timelines->text("other"));
  static const std::map<std::string, ActionFate> kFates = {{"explicit", ActionFate::kExplicit},
                                                           {"implicit", ActionFate::kImplicit},
                                                           {"ignore", ActionFate::kIgnore},
                                                           {"drop", ActionFate::kDrop}};
  const auto fate = kFates.find(other.value_or("drop"));
  if (fate == kFates.end()) {
    return timelines->error("'other' should be explicit, implicit, ignore or drop",
                            timelines->find("other"));
  }
  mapping.other_actions = fate->second;
  return {};
}

Status read_items(const TomlTable& root, const std::string& directory, EventMapping& mapping) {
  ONEFOLD_ASSIGN_OR_RETURN(const auto items, root.child("items"));
  if (!items) return {};
  ONEFOLD_RETURN_IF_ERROR(items->check_keys(
      {"path", "delimiter", "item", "author", "topic", "media_type", "duration"}));
  ItemSource source;
  ONEFOLD_ASSIGN_OR_RETURN(const auto path, items->text("path"));
  if (path) source.path = (std::filesystem::path(directory) / *path).lexically_normal().string();
  ONEFOLD_ASSIGN_OR_RETURN(source.delimiter, read_delimiter(*items));
  ONEFOLD_ASSIGN_OR_RETURN(source.item, read_source(*items, EventColumn::kItem));
  for (EventColumn column : {EventColumn::kAuthor, EventColumn::kTopic, EventColumn::kMediaType,
                             EventColumn::kDuration}) {
    ONEFOLD_ASSIGN_OR_RETURN(source.columns[static_cast<int>(column)], read_source(*items, column));
  }
  if (path.has_value() != source.item.given()) {
    return items->error(
        "give 'path' and 'item', or neither: then the attributes are features of "
        "the feature log");
  }
  mapping.items = std::move(source);
  return {};
}

}  // namespace

ActionFate EventMapping::fate(std::string_view action) const {
  if (has(explicit_actions, action)) return ActionFate::kExplicit;
  if (has(implicit_actions, action)) return ActionFate::kImplicit;
  if (has(ignored_actions, action)) return ActionFate::kIgnore;
  return other_actions;
}

Result<EventMapping> EventMapping::from_toml(const std::string& text, const std::string& source,
                                             const std::string& directory) {
  ONEFOLD_ASSIGN_OR_RETURN(const toml::table table, parse_toml(text, source));
  const TomlTable root(table, source, "mapping");
  ONEFOLD_RETURN_IF_ERROR(
      root.check_keys({"delimiter", "columns", "action", "timelines", "items", "log"}));
  EventMapping mapping;
  ONEFOLD_ASSIGN_OR_RETURN(mapping.delimiter, read_delimiter(root));
  ONEFOLD_RETURN_IF_ERROR(read_columns(root, mapping));
  ONEFOLD_RETURN_IF_ERROR(read_action(root, mapping));
  ONEFOLD_RETURN_IF_ERROR(read_timelines(root, mapping));
  ONEFOLD_RETURN_IF_ERROR(read_items(root, directory, mapping));
  ONEFOLD_ASSIGN_OR_RETURN(const auto log, root.child("log"));
  if (log) {
    ONEFOLD_RETURN_IF_ERROR(log->check_keys({"watch_time"}));
    ONEFOLD_ASSIGN_OR_RETURN(mapping.watch_time_actions, log->texts("watch_time"));
  }
  return mapping;
}

EventMapping EventMapping::for_log() {
  EventMapping mapping;
  mapping.implicit_actions = {"impression", "view", "watch", "play", "read", "dwell"};
  mapping.other_actions = ActionFate::kExplicit;
  return mapping;
}

}  // namespace onefold
