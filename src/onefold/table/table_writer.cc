// SPDX-License-Identifier: Apache-2.0
#include "onefold/table/table_writer.h"

#include <algorithm>
#include <filesystem>
#include <tuple>
#include <unordered_set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "onefold/base/files.h"
#include "onefold/jagged/fold_counts.h"
#include "onefold/jagged/windowed_groups.h"
#include "onefold/table/part_writer.h"
#include "onefold/table/table_columns.h"

namespace onefold {
namespace {

// Parts open at once, one per partition being written; each holds a file per group and one more.
constexpr size_t kMaxOpenParts = 32;

// With the last batch, below the 2^32 refs of a part (part_writer.cc).
constexpr int64_t kMaxPartRows = int64_t{1} << 31;

class TableWriterImpl final : public TableWriter {
 public:
  TableWriterImpl(StagingDirectory staging, const Schema& schema, const TableWriterOptions& options)
      : staging_(std::move(staging)),
        options_(options),
        chooser_(options.zstd_level, options.executor) {
    manifest_.layout = options.layout;
    manifest_.schema = schema;
    if (options.layout == TableLayout::kPlain) return;
    for (const std::string& group : schema.groups())
      manifest_.group_stats.push_back({.group = group});
  }

  Status write(const std::string& partition, const Batch& batch) override {
    ONEFOLD_CHECK(!finished_, "the table is finished");
    check_batch(batch, manifest_.schema);
    if (batch.num_samples() == 0) return {};
    ONEFOLD_ASSIGN_OR_RETURN(PartWriter * part, part_of(partition));
    const bool merges = options_.layout == TableLayout::kFolded && has_rows_to_merge(batch);
    const Batch merged = merges ? with_windows(batch, manifest_.schema) : Batch();
    const Batch& rows = merges ? merged : batch;
    ONEFOLD_RETURN_IF_ERROR(part->write(rows));
    count(rows);
    if (part->num_samples() >= options_.part_rows) return close_part(partition);
    return {};
  }

  void set_label_events(std::vector<LabelEvents> label_events) override {
    manifest_.label_events = std::move(label_events);
  }

  void set_embeddings(std::vector<JoinedEmbedding> embeddings) override {
    manifest_.embeddings = std::move(embeddings);
  }

  void set_sampling(const TableSampling& sampling) override { manifest_.sampling = sampling; }

  const std::string& directory() const override { return staging_.path(); }

  Result<Manifest> finish() override {
    ONEFOLD_CHECK(!finished_, "the table is finished");
    while (!open_.empty()) ONEFOLD_RETURN_IF_ERROR(close_part(open_.front().partition));
    // Table order: partitions by name, so that dates run forward; within one, as written. Part
    // numbers rise as parts are begun and lead the file names.
    std::sort(manifest_.parts.begin(), manifest_.parts.end(),
              [](const TablePart& a, const TablePart& b) {
                const size_t a_size = a.samples.path.size(), b_size = b.samples.path.size();
                return std::tie(a.partition, a_size, a.samples.path) <
                       std::tie(b.partition, b_size, b.samples.path);
              });
    manifest_.num_sessions = static_cast<int64_t>(sessions_.size());
    ONEFOLD_RETURN_IF_ERROR(write_manifest(staging_.path(), manifest_));
    ONEFOLD_RETURN_IF_ERROR(staging_.commit());
    finished_ = true;
    return manifest_;
  }

 private:
  struct OpenPart {
    std::string partition;
    std::unique_ptr<PartWriter> writer;
  };

  // The open part of `partition`, begun if there is none. The most recently used part is last in
  // open_; the least recently used one is closed when there are too many.
  Result<PartWriter*> part_of(const std::string& partition) {
    auto it = std::find_if(open_.begin(), open_.end(),
                           [&](const OpenPart& part) { return part.partition == partition; });
    if (it == open_.end()) {
      if (open_.size() == kMaxOpenParts) {
        ONEFOLD_RETURN_IF_ERROR(close_part(std::string(open_.front().partition)));
      }
      ONEFOLD_ASSIGN_OR_RETURN(auto writer, PartWriter::create({.root = staging_.path(),
                                                                .partition = partition,
                                                                .number = num_parts_,
                                                                .layout = options_.layout},
                                                               manifest_.schema, &chooser_));
      ++num_parts_;
      open_.push_back({partition, std::move(writer)});
    } else {
      std::rotate(it, it + 1, open_.end());
    }
    return open_.back().writer.get();
  }

  Status close_part(const std::string& partition) {
    auto it = std::find_if(open_.begin(), open_.end(),
                           [&](const OpenPart& part) { return part.partition == partition; });
    ONEFOLD_ASSIGN_OR_RETURN(TablePart part, it->writer->close());
    manifest_.parts.push_back(std::move(part));
    open_.erase(it);
    return {};
  }

  bool has_rows_to_merge(const Batch& batch) const {
    return std::any_of(batch.groups.begin(), batch.groups.end(), [&](const FeatureGroup& group) {
      return manifest_.schema.is_windowed(group.name) && !group.features.is_windowed();
    });
  }

  void count(const Batch& batch) {
    manifest_.num_samples += batch.num_samples();
    sessions_.insert(batch.session_id.begin(), batch.session_id.end());
    for (size_t g = 0; g < manifest_.group_stats.size(); ++g) {
      const InverseKeyedJaggedTensor& features = batch.groups[g].features;
      GroupStats& stats = manifest_.group_stats[g];
      const FoldCounts counts = count_fold(features);
      stats.samples += features.num_samples();
      stats.unique += features.payload().num_rows();
      stats.sample_values += counts.sample_values;
      stats.unique_values += counts.stored_values;
      if (features.is_windowed()) stats.windows += features.num_unique();
    }
  }

  StagingDirectory staging_;
  TableWriterOptions options_;
  EncodingChooser chooser_;
  Manifest manifest_;
  std::vector<OpenPart> open_;
  int64_t num_parts_ = 0;
  std::unordered_set<int64_t> sessions_;
  bool finished_ = false;
};

}  // namespace

Status check_table_destination(const std::string& directory) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (!fs::exists(directory, error)) return {};
  if (!fs::is_directory(directory, error)) {
    return invalid_argument(directory + " is a file; give the directory of a table");
  }
  if (fs::is_empty(directory, error) || path_exists(directory + "/" + kManifestName)) return {};
  return invalid_argument(directory + " exists and is not a table (it has no " + kManifestName +
                          "); it is left alone. Remove it, or name another directory");
}

Result<std::unique_ptr<TableWriter>> TableWriter::open(const std::string& directory,
                                                       const Schema& schema,
                                                       const TableWriterOptions& options) {
  ONEFOLD_RETURN_IF_ERROR(schema.validate());
  if (options.part_rows <= 0 || options.part_rows > kMaxPartRows) {
    return invalid_argument(
        fmt::format("part_rows is {}, not between 1 and {}", options.part_rows, kMaxPartRows));
  }
  ONEFOLD_RETURN_IF_ERROR(check_table_destination(directory));
  ONEFOLD_ASSIGN_OR_RETURN(auto staging, StagingDirectory::create(directory));
  return std::unique_ptr<TableWriter>(
      std::make_unique<TableWriterImpl>(std::move(staging), schema, options));
}

}  // namespace onefold
