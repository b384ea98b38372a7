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

}  // namespace

nlohmann::json to_json(const FoldReport& report) {
  nlohmann::json groups = nlohmann::json::array();
  for (const FoldedGroup& folded : report.groups) {
    groups.push_back({{"group", folded.group.name},
                      {"columns", folded.group.columns},
                      {"samples", folded.samples},
                      {"unique", folded.unique},
                      {"value_bytes", folded.bytes},
                      {"unique_value_bytes", folded.unique_bytes}});
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
  for (const FoldedGroup& folded : report.groups) {
    text += fmt::format(
        "group {}{}: {}\n  {} rows -> {} distinct ({:.1f}x); values {} -> {} bytes, {} saved\n",
        folded.group.name, report.groups_chosen ? " (chosen)" : "",
        fmt::join(folded.group.columns, ", "), folded.samples, folded.unique,
        ratio(folded.samples, folded.unique), folded.bytes, folded.unique_bytes,
        folded.bytes - folded.unique_bytes);
  }
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
