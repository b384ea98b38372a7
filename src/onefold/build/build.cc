// SPDX-License-Identifier: Apache-2.0
#include "onefold/build/build.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "onefold/build/row_group_batch.h"
#include "onefold/embedding_store/embedding_store.h"
#include "onefold/log/log_reader.h"

namespace onefold {
namespace {

Status check_options(const BuildOptions& options) {
  if (options.cluster.row_group_samples <= 0) {
    return invalid_argument("row groups must hold at least 1 sample");
  }
  if (options.zstd_level < 1 || options.zstd_level > 22) {
    return invalid_argument(
        fmt::format("zstd level {} is not between 1 and 22", options.zstd_level));
  }
  if (options.late_after_us < 0)
    return invalid_argument("an event cannot be late before 0 seconds");
  if (options.from_us >= options.until_us) return invalid_argument("--from must be before --until");
  return {};
}

Status read_log(LogReader& log, RequestStore& store, EventJoin& join, BuildStats& stats) {
  ONEFOLD_RETURN_IF_ERROR(log.read_features([&](FeatureRecords&& records) -> Status {
    store.add(std::move(records));
    return {};
  }));
  ONEFOLD_RETURN_IF_ERROR(log.read_events([&](EventRecords&& records) -> Status {
    join.add(records);
    return {};
  }));
  join.leave_out(store.outside());
  for (const TornTail& tail : log.torn_tails()) {
    ++stats.torn_segments;
    stats.torn_bytes += tail.bytes_skipped;
  }
  ONEFOLD_ASSIGN_OR_RETURN(const int64_t feature_bytes, log.feature_bytes());
  ONEFOLD_ASSIGN_OR_RETURN(const int64_t event_bytes, log.event_bytes());
  stats.log_bytes = feature_bytes + event_bytes;
  return {};
}

void count_labels(const DenseColumns& labels, std::vector<LabelStats>& stats) {
  for (size_t i = 0; i < labels.values.size(); ++i) {
    LabelStats& label = stats[i % stats.size()];
    label.positives += labels.values[i] != 0;
    label.sum += labels.values[i];
  }
}

// The join over the times of the log; nullptr if none is asked for.
Result<std::unique_ptr<EmbeddingJoin>> open_embeddings(const std::string& directory,
                                                       const RequestStore& store) {
  if (directory.empty()) return std::unique_ptr<EmbeddingJoin>();
  EmbeddingJoinOptions options;
  const std::vector<RowRef>& requests = store.requests();
  if (!requests.empty()) {
    const auto [first, last] = std::minmax_element(
        requests.begin(), requests.end(),
        [&](const RowRef& a, const RowRef& b) { return store.time_us(a) < store.time_us(b); });
    options.from_us = store.time_us(*first);
    options.to_us = store.time_us(*last);
  }
  return EmbeddingJoin::open(directory, options);
}

// `embeddings` may be null.
Status write_row_groups(const ClusterPlan& plan, PartitionBy partition, RowGroupBuilder& builder,
                        EmbeddingJoin* embeddings, TableWriter& writer, BuildStats& stats) {
  for (const PlannedRowGroup& row_group : plan.row_groups) {
    ONEFOLD_ASSIGN_OR_RETURN(Batch batch, builder.build(plan.requests_of(row_group)));
    if (embeddings != nullptr) {
      ONEFOLD_ASSIGN_OR_RETURN(auto joined, embeddings->join(batch.user_id, batch.time_us));
      batch.groups.push_back({kUserEmbedding, std::move(joined)});
    }
    count_labels(batch.labels, stats.labels);
    ONEFOLD_RETURN_IF_ERROR(writer.write(partition_name(row_group.period, partition), batch));
  }
  return {};
}

void count_table(const Manifest& manifest, BuildStats& stats) {
  stats.samples = manifest.num_samples;
  stats.groups = manifest.group_stats;
  for (const TablePart& part : manifest.parts) {
    stats.row_groups += static_cast<int64_t>(part.samples.row_group_rows.size());
    stats.files += 1 + static_cast<int64_t>(part.groups.size());
    stats.table_bytes += part.samples.bytes;
    for (const GroupFile& group : part.groups) stats.table_bytes += group.file.bytes;
  }
}

}  // namespace

Result<BuildStats> build_table(const std::string& logs_dir, const std::string& table_dir,
                               const BuildOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  ONEFOLD_RETURN_IF_ERROR(check_options(options));
  ONEFOLD_ASSIGN_OR_RETURN(LogReader log, LogReader::open(logs_dir));
  Schema schema = log.schema();
  if (!options.embeddings.empty()) {
    ONEFOLD_RETURN_IF_ERROR(EmbeddingStore::open(options.embeddings).status());
    ONEFOLD_ASSIGN_OR_RETURN(schema, with_user_embedding(std::move(schema)));
  }
  // Opened before the log is read: a directory that must not be overwritten is refused at once.
  ONEFOLD_ASSIGN_OR_RETURN(
      auto writer, TableWriter::open(table_dir, schema,
                                     {.layout = options.layout, .zstd_level = options.zstd_level}));
  BuildStats stats;
  for (const std::string& label : log.schema().label_names())
    stats.labels.push_back({.name = label});
  RequestStore store(options.from_us, options.until_us);
  EventJoin join(log.schema().labels, options.late_after_us);
  ONEFOLD_RETURN_IF_ERROR(read_log(log, store, join, stats));

  const ClusterPlan plan = plan_clusters(store, options.cluster);
  RowGroupBuilder builder(log.schema(), store, join);
  ONEFOLD_ASSIGN_OR_RETURN(auto embeddings, open_embeddings(options.embeddings, store));
  ONEFOLD_RETURN_IF_ERROR(
      write_row_groups(plan, options.cluster.partition, builder, embeddings.get(), *writer, stats));
  if (embeddings) {
    writer->set_embeddings(embeddings->versions());
    stats.embeddings = embeddings->counts();
  }
  const std::vector<int64_t> events = join.label_events();
  std::vector<LabelEvents> label_events;
  for (size_t t = 0; t < stats.labels.size(); ++t) {
    stats.labels[t].events = events[t];
    label_events.push_back({stats.labels[t].name, events[t]});
  }
  writer->set_label_events(std::move(label_events));
  ONEFOLD_ASSIGN_OR_RETURN(const Manifest manifest, writer->finish());

  count_table(manifest, stats);
  stats.requests = static_cast<int64_t>(plan.requests.size());
  stats.duplicate_requests = store.num_duplicates();
  stats.outside_requests = static_cast<int64_t>(store.outside().size());
  stats.empty_requests = store.num_empty();
  stats.join = join.stats();
  stats.sessions = plan.num_sessions;
  stats.users = plan.num_users;
  stats.split_sessions = plan.num_split_sessions;
  stats.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return stats;
}

}  // namespace onefold
