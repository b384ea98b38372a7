// SPDX-License-Identifier: Apache-2.0
#include "onefold/build/build_stats.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "onefold/base/memory.h"

namespace onefold {
namespace {

double ratio(int64_t a, int64_t b) {
  return b == 0 ? 0.0 : static_cast<double>(a) / static_cast<double>(b);
}

// 278139 -> "278,139"
std::string grouped(int64_t number) {
  std::string digits = std::to_string(number);
  for (int64_t at = static_cast<int64_t>(digits.size()) - 3; at > (number < 0 ? 1 : 0); at -= 3) {
    digits.insert(static_cast<size_t>(at), ",");
  }
  return digits;
}

// A line about records that were left out or look odd; nothing when there are none.
void note(std::string& text, int64_t count, const char* what) {
  if (count > 0) text += fmt::format("note      {} {}\n", grouped(count), what);
}

}  // namespace

nlohmann::json to_json(const BuildStats& stats) {
  nlohmann::json labels = nlohmann::json::array();
  for (const LabelStats& label : stats.labels) {
    labels.push_back({{"name", label.name},
                      {"positives", label.positives},
                      {"events", label.events},
                      {"sum", label.sum}});
  }
  nlohmann::json groups = nlohmann::json::array();
  for (const GroupStats& group : stats.groups) {
    groups.push_back({{"name", group.group},
                      {"samples", group.samples},
                      {"unique", group.unique},
                      {"sample_values", group.sample_values},
                      {"unique_values", group.unique_values}});
    if (group.windows > 0) groups.back()["windows"] = group.windows;
  }
  nlohmann::json json = {{"requests", stats.requests},
                         {"duplicate_requests", stats.duplicate_requests},
                         {"empty_requests", stats.empty_requests},
                         {"outside_requests", stats.outside_requests},
                         {"sampled_out_requests", stats.sampled_out_requests},
                         {"negatives", stats.negatives},
                         {"kept_negatives", stats.kept_negatives},
                         {"events", stats.join.events},
                         {"orphan_events", stats.join.orphans},
                         {"unlabelled_events", stats.join.unlabelled},
                         {"late_events", stats.join.late},
                         {"early_events", stats.join.early},
                         {"torn_segments", stats.torn_segments},
                         {"torn_bytes", stats.torn_bytes},
                         {"samples", stats.samples},
                         {"sessions", stats.sessions},
                         {"users", stats.users},
                         {"split_sessions", stats.split_sessions},
                         {"labels", std::move(labels)},
                         {"groups", std::move(groups)},
                         {"row_groups", stats.row_groups},
                         {"files", stats.files},
                         {"log_bytes", stats.log_bytes},
                         {"table_bytes", stats.table_bytes},
                         {"seconds", stats.seconds},
                         {"threads", stats.threads},
                         {"memory_limit", stats.memory_limit},
                         {"peak_memory", stats.peak_memory},
                         {"spilled_bytes", stats.spilled_bytes},
                         {"spilled_runs", stats.spilled_runs}};
  if (stats.embeddings) {
    json["embeddings"] = {{"samples", stats.embeddings->samples},
                          {"unknown_users", stats.embeddings->unknown_users},
                          {"before_first", stats.embeddings->before_first}};
  }
  return json;
}

std::string to_text(const BuildStats& stats) {
  std::string text =
      fmt::format("samples   {} of {} requests, {} sessions, {} users\n", grouped(stats.samples),
                  grouped(stats.requests), grouped(stats.sessions), grouped(stats.users));
  for (const LabelStats& label : stats.labels) {
    text += fmt::format("label     {}: {} positives ({:.1f} %) of {} events\n", label.name,
                        grouped(label.positives), 100 * ratio(label.positives, stats.samples),
                        grouped(label.events));
  }
  for (const GroupStats& group : stats.groups) {
    text += fmt::format(
        "group     {}: {} rows stored for {} samples ({:.1f}x), {} values for {} ({:.1f}x)\n",
        group.group, grouped(group.unique), grouped(group.samples),
        ratio(group.samples, group.unique), grouped(group.unique_values),
        grouped(group.sample_values), ratio(group.sample_values, group.unique_values));
    if (group.windows == 0) continue;
    text += fmt::format("          {}: {} different windows on these rows\n", group.group,
                        grouped(group.windows));
  }
  if (stats.embeddings) {
    note(text, stats.embeddings->unknown_users,
         "samples are of users without an embedding; their row is empty");
    note(text, stats.embeddings->before_first,
         "samples are older than the first published version; their row is empty");
  }
  note(text, stats.duplicate_requests, "requests had an id seen before and were left out");
  note(text, stats.empty_requests, "requests had no candidates and were left out");
  note(text, stats.outside_requests,
       "requests are before --from or not before --until and were left out");
  note(text, stats.sampled_out_requests, "requests are of sessions that sampling left out");
  if (stats.kept_negatives < stats.negatives) {
    text += fmt::format("note      {} of {} negatives kept (rate {:.4f})\n",
                        grouped(stats.kept_negatives), grouped(stats.negatives),
                        ratio(stats.kept_negatives, stats.negatives));
  }
  note(text, stats.join.orphans, "events belong to no candidate in the log");
  note(text, stats.join.unlabelled, "events have an action that no label asks for");
  note(text, stats.join.late, "events came late; they count");
  note(text, stats.join.early, "events came before their request; they count");
  note(text, stats.split_sessions, "sessions are split between partitions");
  note(text, stats.torn_segments,
       "log segments end in an incomplete block; what is complete was read, the rest is put aside "
       "in rejects/ (see rejects.jsonl in the table)");
  text += fmt::format(
      "table     {} bytes in {} files, {} row groups ({:.1f} bytes a sample), from {} bytes of "
      "log\n",
      grouped(stats.table_bytes), grouped(stats.files), grouped(stats.row_groups),
      ratio(stats.table_bytes, stats.samples), grouped(stats.log_bytes));
  text +=
      fmt::format("time      {:.2f} s, {} samples/s\n", stats.seconds,
                  grouped(static_cast<int64_t>(
                      stats.seconds > 0 ? static_cast<double>(stats.samples) / stats.seconds : 0)));
  text += fmt::format("memory    {} at the most, of {} allowed",
                      format_byte_size(stats.peak_memory), format_byte_size(stats.memory_limit));
  if (stats.spilled_bytes > 0) {
    text += fmt::format("; {} spilled, {} runs merged", format_byte_size(stats.spilled_bytes),
                        grouped(stats.spilled_runs));
  }
  return text + "\n";
}

}  // namespace onefold
