// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "onefold/dataset/fold_dataset.h"

namespace onefold {
namespace {

double ratio(int64_t a, int64_t b) {
  return b == 0 ? 0.0 : static_cast<double>(a) / static_cast<double>(b);
}

std::string text_of(const FoldedGroup& folded, bool chosen) {
  const bool windowed = folded.group.windowed;
  const int64_t distinct = windowed ? folded.windows : folded.unique;
  std::string text = fmt::format(
      "group {}{}: {}\n  {} rows -> {} distinct ({:.1f}x)", folded.group.name,
      windowed ? " (windowed)" : (chosen ? " (chosen)" : ""), fmt::join(folded.group.columns, ", "),
      folded.samples, distinct, ratio(folded.samples, distinct));
  if (windowed) {
    text +=
        fmt::format(" -> {} merged ({:.1f}x)", folded.unique, ratio(folded.samples, folded.unique));
  }
  text += fmt::format("; values {} -> {} bytes, {} saved", folded.bytes, folded.unique_bytes,
                      folded.bytes - folded.unique_bytes);
  if (windowed) {
    text += fmt::format(", {} of them by windows", folded.distinct_bytes - folded.unique_bytes);
  }
  return text + "\n";
}

}  // namespace

nlohmann::json to_json(const FoldReport& report) {
  nlohmann::json groups = nlohmann::json::array();
  for (const FoldedGroup& folded : report.groups) {
    groups.push_back({{"group", folded.group.name},
                      {"columns", folded.group.columns},
                      {"windowed", folded.group.windowed},
                      {"samples", folded.samples},
                      {"unique", folded.unique},
                      {"value_bytes", folded.bytes},
                      {"unique_value_bytes", folded.unique_bytes}});
    if (!folded.group.windowed) continue;
    groups.back()["windows"] = folded.windows;
    groups.back()["distinct_value_bytes"] = folded.distinct_bytes;
  }
  return {{"groups", std::move(groups)},
          {"groups_chosen", report.groups_chosen},
          {"files", report.files},
          {"rows", report.rows},
          {"row_groups", report.row_groups},
          {"source_bytes", report.source_bytes},
          {"table_bytes", report.table_bytes},
          {"missing_keys", report.missing_keys}};
}

std::string to_text(const FoldReport& report) {
  std::string text = fmt::format("{} files, {} row groups, {} rows\n", report.files,
                                 report.row_groups, report.rows);
  for (const FoldedGroup& folded : report.groups) text += text_of(folded, report.groups_chosen);
  if (report.groups.empty()) {
    text +=
        "no group: no list, map, struct or long text repeats enough within a row group; name "
        "columns with --group to fold them all the same\n";
  }
  text += fmt::format("Parquet: {} -> {} bytes ({:.2f}x)\n", report.source_bytes,
                      report.table_bytes, ratio(report.source_bytes, report.table_bytes));
  if (!report.missing_keys.empty()) {
    text += fmt::format("not for training: no {} of the types in docs/table_format.md\n",
                        fmt::join(report.missing_keys, ", "));
  }
  return text;
}

}  // namespace onefold
