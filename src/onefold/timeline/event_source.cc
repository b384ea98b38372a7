// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/event_source.h"

#include <filesystem>
#include <optional>

#include "onefold/base/files.h"
#include "onefold/base/set_aside.h"
#include "onefold/timeline/record_stream.h"

namespace onefold {

Result<EventInputs> find_inputs(const std::vector<std::string>& paths) {
  EventInputs inputs;
  for (const std::string& path : paths) {
    if (!path_exists(path)) return not_found(path + ": no such file or directory");
    if (!std::filesystem::is_directory(path)) {
      if (!is_record_file(path)) {
        return invalid_argument(path +
                                ": should be called *.parquet, *.csv or *.tsv (also .zst, .gz, "
                                ".bz2, .lz4)");
      }
      inputs.files.push_back(path);
      continue;
    }
    if (path_exists(path + "/_log.json")) {
      inputs.logs.push_back(path);
      continue;
    }
    ONEFOLD_ASSIGN_OR_RETURN(const auto names, list_data_files(path));
    const size_t before = inputs.files.size();
    for (const std::string& name : names) {
      if (is_record_file(name)) inputs.files.push_back(path + "/" + name);
    }
    if (inputs.files.size() == before) {
      return not_found(path +
                       ": neither a log (no _log.json) nor a directory with *.parquet, "
                       "*.csv or *.tsv files");
    }
  }
  return inputs;
}

Status read_events(const EventInputs& inputs, const EventMapping& mapping,
                   Vocabularies& vocabularies, EventIntake& intake) {
  if (!inputs.files.empty() && !mapping.user.given()) {
    return invalid_argument(inputs.files.front() +
                            ": which columns hold user, item and time? --mapping names a TOML "
                            "file with a [columns] section");
  }
  std::optional<ItemTable> items;
  if (mapping.items && !mapping.items->path.empty()) {
    ONEFOLD_ASSIGN_OR_RETURN(items, ItemTable::from_file(*mapping.items, vocabularies));
    if (items->bad_cells() > 0) {
      intake.note(mapping.items->path + ": " + std::to_string(items->bad_cells()) +
                  " item rows or cells could not be read");
    }
  }
  for (const std::string& file : inputs.files) {
    if (mapping.items && !items) {
      return invalid_argument(file +
                              ": [items] without a path takes attributes from a feature "
                              "log, and this is a file");
    }
    ONEFOLD_RETURN_IF_ERROR(read_record_file(file, mapping, items ? &*items : nullptr, intake));
  }
  for (const std::string& log : inputs.logs) {
    std::optional<ItemTable> logged;
    if (mapping.items && !items) {
      ONEFOLD_ASSIGN_OR_RETURN(logged, ItemTable::from_log(*mapping.items, log, vocabularies));
    }
    const ItemTable* attributes = logged ? &*logged : items ? &*items : nullptr;
    ONEFOLD_RETURN_IF_ERROR(read_event_log(log, mapping, attributes, intake));
  }
  return {};
}

}  // namespace onefold
