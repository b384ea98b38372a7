// SPDX-License-Identifier: Apache-2.0
#include "onefold/dataset/fold_dataset.h"

#include <algorithm>
#include <filesystem>

#include <arrow/table.h>

#include "onefold/base/files.h"
#include "onefold/dataset/fold_rows.h"
#include "onefold/dataset/folded_part.h"
#include "onefold/dataset/int96_range.h"
#include "onefold/dataset/row_bytes.h"
#include "onefold/dataset/source_files.h"
#include "onefold/dataset/trainable_columns.h"
#include "onefold/table/manifest.h"
#include "onefold/table/table_writer.h"

namespace onefold {
namespace {

// Enough rows to see what repeats, few enough to fold every column of them twice.
constexpr int64_t kSampleRows = 64 << 10;

Result<std::vector<ColumnGroup>> groups_of_first_rows(const SourceFiles& source,
                                                      const std::vector<ColumnGroup>& named) {
  for (size_t i = 0; i < source.files.size(); ++i) {
    ONEFOLD_ASSIGN_OR_RETURN(const auto file, ArrowFile::open(source.path(i)));
    for (int row_group = 0; row_group < file->num_row_groups(); ++row_group) {
      ONEFOLD_ASSIGN_OR_RETURN(const auto rows, file->read(row_group));
      if (rows->num_rows() > 0) return choose_column_groups(*rows->Slice(0, kSampleRows), named);
    }
  }
  return std::vector<ColumnGroup>{};
}

bool is_windowed(const ColumnGroup& group) { return group.windowed; }

class DatasetFolder {
 public:
  DatasetFolder(const SourceFiles& source, const FoldOptions& options, std::string staging)
      : source_(source), options_(options), staging_(std::move(staging)) {}

  Status choose() {
    ONEFOLD_ASSIGN_OR_RETURN(const auto first, ArrowFile::open(source_.path(0)));
    const arrow::Schema& schema = *first->schema();
    ONEFOLD_RETURN_IF_ERROR(choose_groups(schema));
    ONEFOLD_ASSIGN_OR_RETURN(TrainableColumns trainable,
                             trainable_columns(schema, groups_, options_.labels));
    session_ = options_.session;
    if (session_.empty() && trainable.missing_keys.empty()) session_ = "session_id";
    if (!session_.empty() && schema.GetFieldIndex(session_) < 0) {
      return not_found(source_.path(0) + ": no column '" + session_ + "' (--session)");
    }
    ONEFOLD_RETURN_IF_ERROR(choose_user(schema));
    report_.missing_keys = trainable.missing_keys;
    manifest_.schema = std::move(trainable.schema);
    describe_columns(schema);
    for (const ColumnGroup& group : groups_) {
      report_.groups.push_back({.group = group});
      manifest_.group_stats.push_back({.group = group.name});
    }
    return {};
  }

  Status fold_file(size_t number) {
    ONEFOLD_ASSIGN_OR_RETURN(const auto file, ArrowFile::open(source_.path(number)));
    const std::string directory =
        std::filesystem::path(source_.files[number]).parent_path().string();
    ONEFOLD_ASSIGN_OR_RETURN(auto part, FoldedPart::create({.root = staging_,
                                                            .source = source_.path(number),
                                                            .partition = directory,
                                                            .number = static_cast<int64_t>(number),
                                                            .user = user_,
                                                            .zstd_level = options_.zstd_level,
                                                            .encodings = &encodings_},
                                                           *file, groups_));
    ONEFOLD_ASSIGN_OR_RETURN(auto int96, Int96Range::open(*file));
    for (int i = 0; i < file->num_row_groups(); ++i) {
      ONEFOLD_ASSIGN_OR_RETURN(const auto rows, file->read(i));
      ONEFOLD_RETURN_IF_ERROR(int96.check(i, *rows));
      ONEFOLD_RETURN_IF_ERROR(part->write(*rows, report_.groups, manifest_.group_stats));
      if (!session_.empty()) sessions_.add(*rows->GetColumnByName(session_));
      report_.rows += rows->num_rows();
      if (options_.progress) options_.progress(report_.rows, source_.num_rows);
    }
    ONEFOLD_ASSIGN_OR_RETURN(TablePart written, part->close());
    written.source = source_.files[number];
    report_.row_groups += file->num_row_groups();
    report_.table_bytes += written.samples.bytes;
    for (const GroupFile& group : written.groups) report_.table_bytes += group.file.bytes;
    manifest_.parts.push_back(std::move(written));
    return {};
  }

  Result<FoldReport> finish() {
    report_.files = static_cast<int64_t>(source_.files.size());
    report_.source_bytes = source_.bytes;
    manifest_.num_samples = report_.rows;
    manifest_.num_sessions = static_cast<int64_t>(sessions_.size());
    ONEFOLD_RETURN_IF_ERROR(write_manifest(staging_, manifest_));
    return report_;
  }

 private:
  Status choose_groups(const arrow::Schema& schema) {
    groups_ = options_.groups;
    name_column_groups(groups_, schema);
    ONEFOLD_RETURN_IF_ERROR(check_column_groups(groups_, schema));
    report_.groups_chosen = std::all_of(groups_.begin(), groups_.end(), is_windowed);
    if (!report_.groups_chosen) return {};
    ONEFOLD_ASSIGN_OR_RETURN(const auto chosen, groups_of_first_rows(source_, groups_));
    groups_.insert(groups_.end(), chosen.begin(), chosen.end());
    return check_column_groups(groups_, schema);
  }

  // Whose lists overlap.
  Status choose_user(const arrow::Schema& schema) {
    user_ = options_.user;
    if (!user_.empty() && schema.GetFieldIndex(user_) < 0) {
      return not_found(source_.path(0) + ": no column '" + user_ + "' (--user)");
    }
    if (user_.empty()) user_ = schema.GetFieldIndex("user_id") >= 0 ? "user_id" : options_.session;
    if (user_.empty()) return {};
    const arrow::DataType& type = *schema.GetFieldByName(user_)->type();
    if (has_row_bytes(type)) return {};
    return unsupported(source_.path(0) + ": column '" + user_ + "' of type " + type.ToString() +
                       " cannot say whose the lists are; name another (--user)");
  }

  void describe_columns(const arrow::Schema& schema) {
    manifest_.source.emplace();
    for (const ColumnGroup& group : groups_) {
      manifest_.source->groups.push_back(group.name);
      if (group.windowed) manifest_.source->windowed_groups.push_back(group.name);
    }
    manifest_.source->session = session_;
    manifest_.source->missing_keys = report_.missing_keys;
    for (const auto& field : schema.fields()) {
      SourceColumn column{.name = field->name(), .type = field->type()->ToString()};
      for (const ColumnGroup& group : groups_) {
        const auto& names = group.columns;
        if (std::find(names.begin(), names.end(), column.name) != names.end()) {
          column.group = group.name;
        }
      }
      manifest_.source->columns.push_back(std::move(column));
    }
  }

  const SourceFiles& source_;
  const FoldOptions& options_;
  const std::string staging_;
  std::vector<ColumnGroup> groups_;
  std::string session_;
  std::string user_;  // whose lists overlap; empty: all are one user's
  DistinctValues sessions_;
  EncodingsByKind encodings_;
  Manifest manifest_;
  FoldReport report_;
};

}  // namespace

Result<FoldReport> fold_dataset(const std::string& source, const std::string& table,
                                const FoldOptions& options) {
  ONEFOLD_ASSIGN_OR_RETURN(const SourceFiles files, find_source_files(source));
  ONEFOLD_RETURN_IF_ERROR(check_table_destination(table));
  ONEFOLD_ASSIGN_OR_RETURN(auto staging, StagingDirectory::create(table));
  DatasetFolder folder(files, options, staging.path());
  ONEFOLD_RETURN_IF_ERROR(folder.choose());
  for (size_t i = 0; i < files.files.size(); ++i) ONEFOLD_RETURN_IF_ERROR(folder.fold_file(i));
  ONEFOLD_ASSIGN_OR_RETURN(FoldReport report, folder.finish());
  ONEFOLD_RETURN_IF_ERROR(staging.commit());
  return report;
}

}  // namespace onefold
