// SPDX-License-Identifier: Apache-2.0
#include "onefold/row_import/import_rows.h"

#include <algorithm>
#include <filesystem>

#include "onefold/base/files.h"
#include "onefold/log/log_staging.h"
#include "onefold/row_import/request_writer.h"
#include "onefold/row_import/row_reader.h"

namespace onefold {
namespace {

bool is_of_format(const std::string& path, RowFormat format) {
  return is_record_file(path) && path.ends_with(".parquet") == (format == RowFormat::kParquet);
}

const char* names_of(RowFormat format) {
  return format == RowFormat::kParquet ? "*.parquet"
                                       : "*.csv or *.tsv (also .zst, .gz, .bz2, .lz4)";
}

void note_unused(const RowReader& reader, RowCounts* counts) {
  for (const std::string& column : reader.unused_columns()) {
    auto& unused = counts->unused_columns;
    if (std::find(unused.begin(), unused.end(), column) == unused.end()) unused.push_back(column);
  }
}

Status import_file(const std::string& path, RowReader& reader, RequestWriter& writer,
                   RowCounts* counts) {
  ++counts->files;
  note_unused(reader, counts);
  ONEFOLD_RETURN_IF_ERROR(reader.read([&](int64_t number, Row& row, const LeftOut& left_out) {
    ++counts->rows;
    const std::string where = path + ": row " + std::to_string(number);
    if (left_out.reason == nullptr) return writer.add(std::move(row), where);
    counts->leave_out(left_out.reason, where + ": " + left_out.detail);
    return Status();
  }));
  const int64_t malformed = reader.malformed_rows();
  counts->rows += malformed;
  if (malformed > 0) {
    counts->leave_out("unparsable", path + ": " + std::to_string(malformed) +
                                        " rows with too few or too many cells");
    counts->left_out["unparsable"] += malformed - 1;
  }
  return {};
}

}  // namespace

void RowCounts::leave_out(const std::string& reason, const std::string& detail) {
  ++left_out[reason];
  if (examples.size() < kMaxExamples) examples.push_back(detail);
}

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
    ONEFOLD_ASSIGN_OR_RETURN(const auto names, list_files(path));
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

Result<RowCounts> import_rows(const std::vector<std::string>& files, const RowMapping& mapping,
                              const std::string& logs, const LogOptions& options) {
  if (files.empty()) return invalid_argument("no files to import");
  ONEFOLD_ASSIGN_OR_RETURN(auto first, RowReader::open(files.front(), mapping));
  const Schema schema = first.schema();
  ONEFOLD_ASSIGN_OR_RETURN(auto staging, LogStaging::create(logs, schema, options));
  RowCounts counts;
  RequestWriter writer(schema, mapping, staging.writer(), &counts);
  for (const std::string& path : files) {
    ONEFOLD_ASSIGN_OR_RETURN(auto reader, RowReader::open(path, mapping));
    if (reader.schema() != schema) {
      return schema_error(path + ": has features of other kinds than " + files.front() +
                          "; give their 'kind' in " + mapping.source);
    }
    ONEFOLD_RETURN_IF_ERROR(import_file(path, reader, writer, &counts));
  }
  ONEFOLD_RETURN_IF_ERROR(writer.finish());
  if (counts.candidates == 0) {
    return schema_error(counts.rows == 0
                            ? files.front() + ": there are no rows to import"
                            : "no row could be used; the first: " + counts.examples.front());
  }
  ONEFOLD_RETURN_IF_ERROR(staging.commit());
  return counts;
}

}  // namespace onefold
