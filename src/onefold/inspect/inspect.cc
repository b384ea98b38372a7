// SPDX-License-Identifier: Apache-2.0
#include "onefold/inspect/inspect.h"

#include <filesystem>
#include <memory>
#include <utility>

#include <fmt/ranges.h>

#include "onefold/base/files.h"
#include "onefold/inspect/parquet_source.h"
#include "onefold/inspect/statistics.h"
#include "onefold/inspect/stored_columns.h"
#include "onefold/inspect/table_source.h"
#include "onefold/table/manifest.h"

namespace onefold {
namespace {

bool is_table(const std::string& path) {
  return path_exists((std::filesystem::path(path) / kManifestName).string());
}

Result<InspectReport> summarize_source(SampleSource& source, int64_t batch_size) {
  ONEFOLD_ASSIGN_OR_RETURN(const Observations observed, observe(source));
  InspectReport report = summarize(observed, batch_size);
  for (size_t l = 0; l < report.labels.size(); ++l) report.labels[l].name = source.labels()[l];
  return report;
}

std::vector<StoredFile> table_files(const std::string& table, const Manifest& manifest) {
  const std::filesystem::path root(table);
  std::vector<StoredFile> files;
  for (const TablePart& part : manifest.parts) {
    files.push_back({"samples", (root / part.samples.path).string()});
    for (const GroupFile& group : part.groups) {
      files.push_back({group.group, (root / group.file.path).string()});
    }
  }
  return files;
}

Status check_no_columns(const std::string& table, const InspectOptions& options) {
  std::vector<std::string> columns = options.skip;
  for (const std::string* column :
       {&options.session, &options.user, &options.time, &options.label, &options.request}) {
    if (!column->empty()) columns.push_back(*column);
  }
  if (columns.empty()) return {};
  return invalid_argument(table + " is a Onefold table and knows its session, user, time and " +
                          "label columns; leave out '" + columns.front() + "'");
}

// kInvalidArgument names the columns of `files` when none is named for sessions.
Status check_session_column(const std::string& path, const std::vector<std::string>& files,
                            const InspectOptions& options) {
  if (!options.session.empty()) return {};
  ONEFOLD_ASSIGN_OR_RETURN(const std::vector<StoredColumn> columns,
                           stored_columns({{"parquet", files.front()}}));
  std::vector<std::string> names;
  for (const StoredColumn& column : columns) names.push_back(column.name);
  return invalid_argument(fmt::format(
      "{} is not a Onefold table; name the column that holds the session id with --session. "
      "Columns: {}",
      path, fmt::join(names, ", ")));
}

Result<InspectReport> inspect_table(const std::string& path, const InspectOptions& options) {
  ONEFOLD_ASSIGN_OR_RETURN(const auto source, open_source(path, options));
  ONEFOLD_ASSIGN_OR_RETURN(const Manifest manifest, read_manifest(path));
  ONEFOLD_ASSIGN_OR_RETURN(InspectReport report, summarize_source(*source, options.batch_size));
  report.layout = to_string(manifest.layout);
  for (InspectReport::Label& label : report.labels) {
    for (const LabelEvents& known : manifest.label_events) {
      if (known.label == label.name) label.events = known.events;
    }
  }
  if (manifest.layout == TableLayout::kPlain) {
    // The source folds what it reads; a plain table stores every sample's lists.
    for (GroupReport& group : report.groups) {
      group.rows = report.samples;
      group.stored_values = group.sample_values;
    }
  }
  ONEFOLD_ASSIGN_OR_RETURN(report.columns, stored_columns(table_files(path, manifest)));
  return report;
}

Result<InspectReport> inspect_parquet(const std::string& path, const InspectOptions& options) {
  ONEFOLD_ASSIGN_OR_RETURN(const std::vector<std::string> files, parquet_files(path));
  std::vector<StoredFile> stored;
  for (const std::string& file : files) stored.push_back({"parquet", file});
  ONEFOLD_ASSIGN_OR_RETURN(std::vector<StoredColumn> columns, stored_columns(stored));
  ONEFOLD_ASSIGN_OR_RETURN(const auto source, open_source(path, options));
  ONEFOLD_ASSIGN_OR_RETURN(InspectReport report, summarize_source(*source, options.batch_size));
  report.layout = "parquet";
  report.columns = std::move(columns);
  return report;
}

}  // namespace

Result<std::unique_ptr<SampleSource>> open_source(const std::string& path,
                                                  const InspectOptions& options) {
  if (is_table(path)) {
    ONEFOLD_RETURN_IF_ERROR(check_no_columns(path, options));
    return open_table_source(path);
  }
  ONEFOLD_ASSIGN_OR_RETURN(const std::vector<std::string> files, parquet_files(path));
  ONEFOLD_RETURN_IF_ERROR(check_session_column(path, files, options));
  return open_parquet_source(files, {.session = options.session,
                                     .user = options.user,
                                     .time = options.time,
                                     .label = options.label,
                                     .request = options.request,
                                     .skip = options.skip});
}

Result<InspectReport> inspect(const std::string& path, const InspectOptions& options) {
  if (options.batch_size < 1) {
    return invalid_argument("batch size is " + std::to_string(options.batch_size) +
                            ", expected at least 1");
  }
  ONEFOLD_ASSIGN_OR_RETURN(InspectReport report, is_table(path) ? inspect_table(path, options)
                                                                : inspect_parquet(path, options));
  report.path = path;
  return report;
}

}  // namespace onefold
