// SPDX-License-Identifier: Apache-2.0
// onefold fold SRC DST
#include <iostream>
#include <memory>

#include "cli/progress_line.h"
#include "cli/verbs.h"
#include <nlohmann/json.hpp>

#include "onefold/dataset/fold_dataset.h"

namespace onefold::cli {
namespace {

struct FoldFlags {
  std::string source, table;
  std::vector<std::string> groups, windows;
  FoldOptions options;
  bool json = false;
};

Status run_fold(FoldFlags flags) {
  for (const std::string& text : flags.groups) {
    ONEFOLD_ASSIGN_OR_RETURN(ColumnGroup group, parse_column_group(text));
    flags.options.groups.push_back(std::move(group));
  }
  for (const std::string& text : flags.windows) {
    ONEFOLD_ASSIGN_OR_RETURN(ColumnGroup group, parse_window_group(text));
    flags.options.groups.push_back(std::move(group));
  }
  auto report = [&] {
    ProgressLine progress("rows");
    flags.options.progress = progress.callback();
    return fold_dataset(flags.source, flags.table, flags.options);
  }();
  if (!report.ok()) return report.status();
  if (flags.json) {
    std::cout << to_json(*report).dump() << "\n";
  } else {
    std::cout << to_text(*report);
  }
  return {};
}

}  // namespace

void add_fold(CLI::App& app, Run& run) {
  auto flags = std::make_shared<FoldFlags>();
  CLI::App* verb =
      app.add_subcommand("fold", "Any Parquet files to a folded table, repeated values once");
  verb->add_option("SRC", flags->source,
                   "A Parquet file, or a directory of *.parquet (Hive partitions, too)")
      ->required();
  verb->add_option("DST", flags->table, "Table directory to write; a table there is replaced")
      ->required();
  verb->add_option("--group", flags->groups,
                   "Columns to fold together; repeat it for more groups. Without it groups are "
                   "chosen on the first rows")
      ->allow_extra_args(false)  // what follows is the next argument, not one more group
      ->type_name("NAME=COLUMN,COLUMN");
  CLI::Option* window =
      verb->add_option("--window", flags->windows,
                       "List columns that slide or grow from row to row: a windowed group, stored "
                       "as windows on merged rows; repeat it for more groups")
          ->allow_extra_args(false)
          ->type_name("[NAME=]COLUMN,COLUMN");
  verb->add_option("--user", flags->options.user,
                   "Column with the user id: windows are merged among the rows of one user. "
                   "Without it user_id, or the --session column")
      ->needs(window)
      ->type_name("COLUMN");
  verb->add_option("--session", flags->options.session,
                   "Column with the session id, whose distinct values are counted")
      ->type_name("COLUMN");
  verb->add_option("--label", flags->options.labels,
                   "float32 column that onefold train may take as a label; may be repeated")
      ->allow_extra_args(false)
      ->type_name("COLUMN");
  verb->add_option("--zstd-level", flags->options.zstd_level, "Compression, 1 (fast) to 22 (small)")
      ->check(CLI::Range(1, 22))
      ->type_name("N")
      ->capture_default_str();
  verb->add_flag("--json", flags->json, "Print one JSON object");
  verb->footer(
      "Examples:\n"
      "  onefold fold clicks.parquet tables/clicks\n"
      "  onefold fold warehouse/clicks tables/clicks --session sid\n"
      "  onefold fold warehouse/clicks tables/clicks --window viewed,dwell --user uid\n"
      "  onefold fold warehouse/clicks tables/clicks --group history=viewed,dwell --group "
      "tags=tags");
  verb->callback([flags, &run] { run = [flags] { return run_fold(*flags); }; });
}

}  // namespace onefold::cli
