// SPDX-License-Identifier: Apache-2.0
#include "onefold/table/table_reader.h"

#include <algorithm>
#include <atomic>
#include <mutex>

#include <fmt/ranges.h>

#include "onefold/table/part_reader.h"

namespace onefold {
namespace {

// The columns named, in the schema's order.
Result<Schema> project(const Schema& schema, const std::vector<std::string>& columns) {
  if (columns.empty()) return schema;
  auto wanted = [&](const std::string& name) {
    return std::find(columns.begin(), columns.end(), name) != columns.end();
  };
  Schema projected;
  for (const FeatureSpec& feature : schema.features) {
    if (wanted(feature.name)) projected.features.push_back(feature);
  }
  for (const LabelSpec& label : schema.labels) {
    if (wanted(label.name)) projected.labels.push_back(label);
  }
  for (const std::string& group : schema.windowed_groups) {
    if (!projected.group_features(group).empty()) projected.windowed_groups.push_back(group);
  }
  const std::vector<std::string> labels = projected.label_names();
  for (const std::string& name : columns) {
    if (projected.find(name)) continue;
    if (std::find(labels.begin(), labels.end(), name) != labels.end()) continue;
    return not_found("no feature or label '" + name + "' in the table");
  }
  return projected;
}

class TableReaderImpl final : public TableReader {
 public:
  TableReaderImpl(std::string directory, Manifest manifest, Schema schema, bool fold, bool windows)
      : directory_(std::move(directory)),
        manifest_(std::move(manifest)),
        schema_(std::move(schema)),
        fold_(fold),
        windows_(windows),
        parts_(manifest_.parts.size()) {
    for (size_t p = 0; p < manifest_.parts.size(); ++p) {
      const std::vector<int64_t>& rows = manifest_.parts[p].samples.row_group_rows;
      for (size_t g = 0; g < rows.size(); ++g) {
        row_groups_.push_back({static_cast<int32_t>(p), static_cast<int32_t>(g), rows[g]});
      }
    }
  }

  const Manifest& manifest() const override { return manifest_; }
  const Schema& schema() const override { return schema_; }
  const std::vector<RowGroupRef>& row_groups() const override { return row_groups_; }
  int64_t bytes_read() const override { return bytes_read_; }

  Result<Batch> read(const RowGroupRef& row_group) override {
    ONEFOLD_CHECK(row_group.part >= 0 && row_group.part < static_cast<int64_t>(parts_.size()),
                  "no such part");
    const size_t num_row_groups = manifest_.parts[row_group.part].samples.row_group_rows.size();
    ONEFOLD_CHECK(
        row_group.row_group >= 0 && row_group.row_group < static_cast<int64_t>(num_row_groups),
        "no such row group");
    ONEFOLD_ASSIGN_OR_RETURN(const auto part, part_of(row_group.part));
    int64_t bytes = 0;
    auto batch = part->read(row_group.row_group, fold_, windows_, bytes);
    bytes_read_ += bytes;
    return batch;
  }

 private:
  struct Slot {
    std::mutex mutex;  // guards part
    std::shared_ptr<const PartReader> part;
  };

  // Opened on first use: a rank that reads a few row groups of a large table pays for those.
  Result<std::shared_ptr<const PartReader>> part_of(int32_t index) {
    Slot& slot = parts_[index];
    const std::lock_guard<std::mutex> lock(slot.mutex);
    if (!slot.part) {
      ONEFOLD_ASSIGN_OR_RETURN(slot.part, PartReader::open(directory_, manifest_.parts[index],
                                                           manifest_.layout, schema_));
    }
    return slot.part;
  }

  const std::string directory_;
  const Manifest manifest_;
  const Schema schema_;
  const bool fold_, windows_;
  std::vector<RowGroupRef> row_groups_;
  std::vector<Slot> parts_;
  std::atomic<int64_t> bytes_read_ = 0;
};

}  // namespace

Result<std::unique_ptr<TableReader>> TableReader::open(const std::string& directory,
                                                       const ReadOptions& options) {
  ONEFOLD_ASSIGN_OR_RETURN(Manifest manifest, read_manifest(directory));
  if (manifest.source && !manifest.source->missing_keys.empty()) {
    return schema_error(fmt::format(
        "{}: folded as it was, from files without the keys {} of the types that training needs "
        "(docs/table_format.md); any Parquet engine reads it, onefold unfold gives the files back",
        directory, fmt::join(manifest.source->missing_keys, ", ")));
  }
  auto schema = project(manifest.schema, options.columns);
  if (!schema.ok()) return schema.status().with_context(directory);
  return std::unique_ptr<TableReader>(std::make_unique<TableReaderImpl>(
      directory, std::move(manifest), *std::move(schema), options.fold, options.windows));
}

}  // namespace onefold
