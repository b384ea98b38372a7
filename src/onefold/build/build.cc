// SPDX-License-Identifier: Apache-2.0
#include "onefold/build/build.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "onefold/base/memory.h"
#include "onefold/build/log_intake.h"
#include "onefold/build/memory_plan.h"
#include "onefold/build/rejects.h"
#include "onefold/build/row_group_batch.h"
#include "onefold/build/row_group_pipeline.h"
#include "onefold/build/sample_source.h"
#include "onefold/embedding_store/embedding_store.h"
#include "onefold/jagged/windowed_groups.h"

namespace onefold {
namespace {

std::string parent_directory(const std::string& path) {
  const std::string parent =
      std::filesystem::path(path + "/").lexically_normal().parent_path().parent_path().string();
  return parent.empty() ? "." : parent;
}

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
  for (const double rate : {options.sampling.session_rate, options.sampling.negative_rate}) {
    if (!(rate > 0 && rate <= 1)) {
      return invalid_argument(fmt::format("a sampling rate of {} is not in (0, 1]", rate));
    }
  }
  if (options.idle_gap_us < 0) return invalid_argument("an idle gap cannot be negative");
  if (options.from_us >= options.until_us) return invalid_argument("--from must be before --until");
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
                                                       const IntakeCounts& intake) {
  if (directory.empty()) return std::unique_ptr<EmbeddingJoin>();
  EmbeddingJoinOptions options;
  if (intake.first_us <= intake.last_us) {
    options.from_us = intake.first_us;
    options.to_us = intake.last_us;
  }
  return EmbeddingJoin::open(directory, options);
}

Status cancelled() { return io_error("the build was interrupted; an older table is as it was"); }

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

// The log's schema, with the groups that `options` wants windowed.
Result<Schema> log_schema(const LogReader& log, const BuildOptions& options) {
  Schema schema = log.schema();
  for (const std::string& group : options.windowed_groups) {
    if (schema.group_features(group).empty()) {
      return invalid_argument(fmt::format("windowed group '{}': the log's groups are: {}", group,
                                          fmt::join(schema.groups(), ", ")));
    }
    if (!schema.is_windowed(group)) schema.windowed_groups.push_back(group);
  }
  ONEFOLD_RETURN_IF_ERROR(schema.validate());
  return schema;
}

// A build at work: what both passes share. `schema` is the log's, with windowed groups.
class Build {
 public:
  Build(LogReader log, Schema schema, BuildOptions options, MemoryPlan plan, std::string spill_dir,
        WorkerPool& pool)
      : log_(std::move(log)),
        schema_(std::move(schema)),
        options_(std::move(options)),
        plan_(plan),
        spill_dir_(std::move(spill_dir)),
        spill_(spill_dir_),
        runs_(log_.schema(), spill_,
              options_.spill_bytes > 0 ? options_.spill_bytes : plan.requests, plan.block),
        actions_(log_.schema().labels),
        routed_{{spill_, plan.routed}, {spill_, plan.counters}},
        pool_(pool) {
    for (const std::string& label : log_.schema().label_names())
      stats_.labels.push_back({.name = label});
  }

  ~Build() { pool_.wait_idle(); }  // tasks use members

  Result<BuildStats> run(TableWriter& writer) {
    ONEFOLD_RETURN_IF_ERROR(read());
    ONEFOLD_RETURN_IF_ERROR(write(writer));
    ONEFOLD_RETURN_IF_ERROR(
        write_rejects(writer.directory(), log_.directory(), intake_.torn_tails));
    ONEFOLD_ASSIGN_OR_RETURN(const Manifest manifest, writer.finish());
    count_table(manifest, stats_);
    stats_.threads = options_.threads;
    stats_.memory_limit = options_.memory_bytes;
    stats_.spilled_bytes = spill_.bytes();
    stats_.spilled_runs = runs_.num_spilled();
    return stats_;
  }

 private:
  // Pass 1: the log into sorted runs of requests, and events to their requests.
  Status read() {
    ExternalSorter<RequestRecord> requests(spill_, plan_.request_records);
    ExternalSorter<EventRecord> events(spill_, plan_.event_records);
    std::unique_ptr<SessionIds> session_ids;
    if (options_.idle_gap_us > 0) {
      ONEFOLD_ASSIGN_OR_RETURN(session_ids, SessionIds::make(log_, options_.idle_gap_us, pool_,
                                                             spill_dir_, plan_.requests / 2));
    }
    const IntakeOptions intake{options_.cluster, options_.from_us, options_.until_us,
                               options_.sampling, session_ids.get()};
    ONEFOLD_ASSIGN_OR_RETURN(intake_, take_in(log_, intake, {runs_, requests, events, actions_},
                                              pool_, [this](int64_t done, int64_t all) {
                                                return tell(options_.on_read, done, all);
                                              }));
    ONEFOLD_RETURN_IF_ERROR(runs_.settle(pool_));
    ONEFOLD_ASSIGN_OR_RETURN(routes_, route(requests, events, actions_, routed_));
    release_freed_memory();
    return {};
  }

  // Pass 2: row groups, in the order of the table.
  Status write(TableWriter& writer) {
    EventJoin join(actions_, options_.late_after_us);
    const int64_t ahead = runs_.num_spilled() * 2 * plan_.block;
    ONEFOLD_ASSIGN_OR_RETURN(auto requests,
                             RequestStream::open(runs_, pool_, ahead <= plan_.read_ahead));
    SampleSource source(*requests, routed_, join, options_.cluster, options_.sampling,
                        stats_.labels.size(), spill_, plan_.counters);
    ONEFOLD_RETURN_IF_ERROR(write_row_groups(source, writer));
    ONEFOLD_ASSIGN_OR_RETURN(const SampleCounts counts, source.counts());
    count_join(join, writer);
    stats_.requests = counts.requests;
    stats_.sessions = counts.sessions.distinct;
    stats_.split_sessions = counts.sessions.repeated;
    stats_.users = counts.users;
    stats_.negatives = counts.negatives;
    stats_.kept_negatives = counts.kept_negatives;
    const SamplingOptions& sampling = options_.sampling;
    if (sampling.session_rate < 1 || sampling.negative_rate < 1) {
      writer.set_sampling({.session_rate = sampling.session_rate,
                           .negative_rate = sampling.negative_rate,
                           .seed = sampling.seed,
                           .negatives = counts.negatives,
                           .kept_negatives = counts.kept_negatives});
    }
    return {};
  }

  Status write_row_groups(SampleSource& source, TableWriter& writer) {
    ONEFOLD_ASSIGN_OR_RETURN(auto embeddings, open_embeddings(options_.embeddings, intake_));
    const RowGroupBuilder builder(log_.schema());
    // Merged here, in parallel, and not by the writer, which is one thread.
    const bool merges = options_.layout == TableLayout::kFolded;
    auto build = [&](const SampleRows& rows) -> Result<Batch> {
      ONEFOLD_ASSIGN_OR_RETURN(Batch batch, builder.build(rows));
      return merges ? with_windows(std::move(batch), schema_) : std::move(batch);
    };
    RowGroupPipeline pipeline(
        pool_, [&] { return source.next(); }, build, plan_.row_groups);
    int64_t done = 0;
    while (true) {
      ONEFOLD_ASSIGN_OR_RETURN(auto built, pipeline.next());
      if (!built) break;
      Batch& batch = built->batch;
      if (embeddings != nullptr) {
        ONEFOLD_ASSIGN_OR_RETURN(auto joined, embeddings->join(batch.user_id, batch.time_us));
        batch.groups.push_back({kUserEmbedding, std::move(joined)});
      }
      count_labels(batch.labels, stats_.labels);
      ONEFOLD_RETURN_IF_ERROR(
          writer.write(partition_name(built->period, options_.cluster.partition), batch));
      done += built->num_requests;
      ONEFOLD_RETURN_IF_ERROR(tell(options_.on_written, done, routes_.requests));
    }
    if (embeddings) {
      writer.set_embeddings(embeddings->versions());
      stats_.embeddings = embeddings->counts();
    }
    return {};
  }

  void count_join(const EventJoin& join, TableWriter& writer) {
    std::vector<LabelEvents> label_events;
    for (size_t t = 0; t < stats_.labels.size(); ++t) {
      stats_.labels[t].events = join.label_events()[t];
      label_events.push_back({stats_.labels[t].name, join.label_events()[t]});
    }
    writer.set_label_events(std::move(label_events));
    stats_.join = {.events = routes_.events,
                   .orphans = routes_.orphans + join.num_orphans(),
                   .unlabelled = routes_.unlabelled,
                   .late = join.num_late(),
                   .early = join.num_early()};
    stats_.duplicate_requests = routes_.duplicates;
    stats_.outside_requests = routes_.outside;
    stats_.sampled_out_requests = routes_.sampled_out;
    stats_.empty_requests = routes_.empty;
    stats_.log_bytes = intake_.log_bytes;
    for (const TornTail& tail : intake_.torn_tails) {
      ++stats_.torn_segments;
      stats_.torn_bytes += tail.bytes_skipped;
    }
  }

  Status tell(const std::function<void(int64_t, int64_t)>& progress, int64_t done,
              int64_t all) const {
    if (progress) progress(done, all);
    return options_.is_cancelled && options_.is_cancelled() ? cancelled() : Status();
  }

  LogReader log_;
  const Schema schema_;
  BuildOptions options_;
  MemoryPlan plan_;
  std::string spill_dir_;
  SpillFile spill_;
  SortedRuns runs_;
  LabelActions actions_;
  Routed routed_;
  IntakeCounts intake_;
  RouteCounts routes_;
  BuildStats stats_;
  WorkerPool& pool_;
};

}  // namespace

Result<BuildStats> build_table(const std::string& logs_dir, const std::string& table_dir,
                               const BuildOptions& given) {
  const auto start = std::chrono::steady_clock::now();
  BuildOptions options = given;
  ONEFOLD_RETURN_IF_ERROR(check_options(options));
  if (options.memory_bytes == 0) options.memory_bytes = machine_memory() / 2;
  if (options.threads == 0) {
    options.threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  }
  // Now, and not when memory is full after an hour.
  if (!options.spill_dir.empty() && !std::filesystem::is_directory(options.spill_dir)) {
    return invalid_argument(options.spill_dir + ": no directory to spill to; make it first");
  }
  ONEFOLD_ASSIGN_OR_RETURN(LogReader log, LogReader::open(logs_dir));
  ONEFOLD_ASSIGN_OR_RETURN(Schema schema, log_schema(log, options));
  const Schema windowed = schema;
  if (!options.embeddings.empty()) {
    ONEFOLD_RETURN_IF_ERROR(EmbeddingStore::open(options.embeddings).status());
    ONEFOLD_ASSIGN_OR_RETURN(schema, with_user_embedding(std::move(schema)));
  }
  ONEFOLD_ASSIGN_OR_RETURN(const MemoryPlan plan,
                           plan_memory(options.memory_bytes, resident_memory(), options.threads));
  // Opened before the log is read: a directory that must not be overwritten is refused at once.
  ONEFOLD_ASSIGN_OR_RETURN(auto pool, WorkerPool::make(options.threads));
  ONEFOLD_ASSIGN_OR_RETURN(auto writer, TableWriter::open(table_dir, schema,
                                                          {.layout = options.layout,
                                                           .zstd_level = options.zstd_level,
                                                           .executor = pool->executor()}));
  const std::string spill_dir =
      options.spill_dir.empty() ? parent_directory(table_dir) : options.spill_dir;
  Build build(std::move(log), windowed, options, plan, spill_dir, *pool);
  ONEFOLD_ASSIGN_OR_RETURN(BuildStats stats, build.run(*writer));
  stats.peak_memory = peak_memory();
  stats.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return stats;
}

}  // namespace onefold
