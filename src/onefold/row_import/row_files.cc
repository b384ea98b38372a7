// SPDX-License-Identifier: Apache-2.0
#include "onefold/row_import/row_files.h"

#include <filesystem>

#include "onefold/base/files.h"
#include "onefold/base/set_aside.h"
#include "onefold/row_import/json_records.h"
#include "onefold/timeline/record_stream.h"

namespace onefold {
namespace {

bool is_of_format(const std::string& path, RowFormat format) {
  const bool parquet = path.ends_with(".parquet");
  switch (format) {
    case RowFormat::kParquet:
      return parquet;
    case RowFormat::kCsv:
      return is_record_file(path) && !parquet;
    default:
      return is_json_file(path);
  }
}

const char* names_of(RowFormat format) {
  switch (format) {
    case RowFormat::kParquet:
      return "*.parquet";
    case RowFormat::kCsv:
      return "*.csv or *.tsv (also .zst, .gz, .bz2, .lz4)";
    default:
      return "*.jsonl or *.ndjson (also .zst, .gz, .bz2, .lz4)";
  }
}

}  // namespace

Result<std::vector<std::string>> find_row_files(const std::vector<std::string>& paths,
                                                RowFormat format) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    if (!path_exists(path)) return not_found(path + ": no such file or directory");
    if (!std::filesystem::is_directory(path)) {
      if (!is_of_format(path, format)) {
        return invalid_argument(path + ": should be called " + names_of(format));
      }
      files.push_back(path);
      continue;
    }
    ONEFOLD_ASSIGN_OR_RETURN(const auto names, list_data_files(path));
    const size_t before = files.size();
    for (const std::string& name : names) {
      if (is_of_format(name, format)) files.push_back(path + "/" + name);
    }
    if (files.size() == before) {
      return not_found(path + ": a directory without files called " + names_of(format));
    }
  }
  return files;
}

}  // namespace onefold
