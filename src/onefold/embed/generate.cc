// SPDX-License-Identifier: Apache-2.0
#include "onefold/embed/generate.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include "onefold/embed/user_embedder.h"
#include "onefold/embedding_store/embedding_store.h"
#include "onefold/embedding_store/version_writer.h"
#include "onefold/reader/stopwatch.h"
#include "onefold/timeline/timeline_reader.h"

namespace onefold {
namespace {

// The users to embed, batch by batch in ascending order: a stream of all, or a list.
class UserStream {
 public:
  UserStream(TimelineReader& reader, std::optional<std::vector<int64_t>> users, int64_t batch_users)
      : reader_(reader), users_(std::move(users)), batch_users_(batch_users) {}

  int64_t num_users() const {
    return users_ ? static_cast<int64_t>(users_->size()) : reader_.manifest().num_users;
  }

  Status seek_after(int64_t user_id) {
    if (!users_) return reader_.seek_after(user_id);
    next_ = std::upper_bound(users_->begin(), users_->end(), user_id) - users_->begin();
    return {};
  }

  Result<std::optional<TimelineBatch>> next() {
    if (!users_) return reader_.next();
    if (next_ == num_users()) return std::optional<TimelineBatch>();
    const int64_t count = std::min(batch_users_, num_users() - next_);
    ONEFOLD_ASSIGN_OR_RETURN(TimelineBatch batch,
                             reader_.read_users(std::span(*users_).subspan(next_, count)));
    next_ += count;
    return std::optional<TimelineBatch>(std::move(batch));
  }

 private:
  TimelineReader& reader_;
  const std::optional<std::vector<int64_t>> users_;
  const int64_t batch_users_;
  int64_t next_ = 0;
};

TimelineReadOptions read_options(const GenerateOptions& options, const SliceLayout& layout) {
  TimelineReadOptions read;
  read.columns = TimelineSlicer::columns();
  read.max_batch_users = options.batch_users;
  read.max_batch_events = options.batch_events;
  for (int t = 0; t < kNumTimelines; ++t) {
    if (layout.timelines[t].empty()) read.max_events[t] = 0;
  }
  return read;
}

// Whether row `row` has an event before `as_of_us` in a timeline that has slices.
bool has_events(const TimelineBatch& batch, int64_t row, int64_t as_of_us) {
  for (const KeyedJaggedTensor& events : batch.timelines) {
    const auto times = events.get<int64_t>(to_string(EventColumn::kTime)).row(row);
    if (!times.empty() && times.front() < as_of_us) return true;
  }
  return false;
}

int64_t num_events(const TimelineBatch& batch) {
  int64_t total = 0;
  for (const KeyedJaggedTensor& events : batch.timelines) {
    total += events.get<int64_t>(to_string(EventColumn::kTime)).num_values();
  }
  return total;
}

class Generation {
 public:
  Generation(const GenerateOptions& options, const VersionInfo& info, VersionWriter& writer)
      : options_(options), info_(info), writer_(writer) {}

  Status run(UserStream& users, const UserEmbedder& embedder, TimelineTensorizer& tensorize,
             GenerateReport& report) {
    const Stopwatch watch;
    int64_t done = report.resumed_users;
    while (true) {
      const Stopwatch reading;
      ONEFOLD_ASSIGN_OR_RETURN(const std::optional<TimelineBatch> batch, users.next());
      report.read_seconds += reading.seconds();
      if (!batch) return {};
      const Stopwatch encoding;
      ONEFOLD_ASSIGN_OR_RETURN(const TimelineTensors tensors,
                               tensorize.from_batch(*batch, info_.as_of_us));
      const at::Tensor embeddings = embedder.embed(tensors).contiguous();
      report.encode_seconds += encoding.seconds();
      ONEFOLD_RETURN_IF_ERROR(write(*batch, embeddings, report));
      report.events += num_events(*batch);
      done += batch->num_users();
      if (options_.on_progress) options_.on_progress({done, users.num_users(), watch.seconds()});
    }
  }

 private:
  Status write(const TimelineBatch& batch, const at::Tensor& embeddings, GenerateReport& report) {
    const int64_t num_values = info_.shape.num_values();
    std::vector<int64_t> words(words_per_user(info_.format, info_.shape));
    std::vector<float> restored(num_values);
    for (int64_t row = 0; row < batch.num_users(); ++row) {
      if (!has_events(batch, row, info_.as_of_us)) {
        ++report.without_events;
        continue;
      }
      const std::span<const float> values(embeddings.const_data_ptr<float>() + row * num_values,
                                          num_values);
      const Status quantized = quantize(info_.format, info_.shape, values, words);
      if (!quantized.ok()) {
        return quantized.with_context(fmt::format("embedding of user {}", batch.user_id[row]));
      }
      dequantize(info_.format, info_.shape, words, restored);
      double error = 0;
      for (int64_t i = 0; i < num_values; ++i) {
        const double difference = double{values[i]} - restored[i];
        error += difference * difference;
      }
      // Before the user: what is sealed with a part counts, and nothing else.
      writer_.add_error(error, num_values);
      ONEFOLD_RETURN_IF_ERROR(writer_.add(batch.user_id[row], words));
    }
    return {};
  }

  const GenerateOptions& options_;
  const VersionInfo& info_;
  VersionWriter& writer_;
};

Result<std::optional<std::vector<int64_t>>> changed_users(const GenerateOptions& options,
                                                          const EmbeddingStore& store,
                                                          TimelineReader& reader) {
  if (options.changed_since.empty()) return std::optional<std::vector<int64_t>>();
  ONEFOLD_ASSIGN_OR_RETURN(const VersionInfo base, store.info(options.changed_since));
  auto users = reader.users_changed_since({base.timelines_id, base.timelines_generation});
  if (!users.ok()) {
    return users.status().with_context(fmt::format(
        "changed since {}: leave --changed-since out to embed all users", options.changed_since));
  }
  return std::optional(std::move(*users));
}

VersionWriterOptions writer_options(const GenerateOptions& options) {
  VersionWriterOptions writer;
  writer.part_users = options.part_users;
  writer.row_group_users = std::min(writer.row_group_users, options.part_users);
  return writer;
}

VersionInfo describe(const GenerateOptions& options, const UserEmbedder& embedder,
                     const TimelineManifest& timelines) {
  const UpstreamConfig& config = embedder.encoder().config();
  VersionInfo info;
  info.base = options.changed_since;
  info.format = options.format;
  info.shape = {static_cast<int32_t>(config.encoder.tokens), static_cast<int32_t>(config.dim)};
  info.slices = config.slice_set.version();
  info.model = embedder.model_hash();
  info.timelines_id = timelines.version.id;
  info.timelines_generation = timelines.version.generation;
  info.as_of_us = options.as_of_us.value_or(timelines.newest_time_us + 1);
  return info;
}

}  // namespace

Result<GenerateReport> generate_embeddings(const GenerateOptions& options) {
  const Stopwatch watch;
  if (options.threads < 0 || options.threads > 1024) {  // as for training
    return invalid_argument(fmt::format("{} threads: expected 0 to 1024", options.threads));
  }
  if (options.threads > 0) at::set_num_threads(options.threads);
  ONEFOLD_ASSIGN_OR_RETURN(const auto embedder, UserEmbedder::load(options.checkpoint));
  GenerateReport report;
  report.load_seconds = watch.seconds();
  const SliceLayout& layout = embedder->encoder().layout();
  ONEFOLD_ASSIGN_OR_RETURN(auto reader,
                           TimelineReader::open(options.timelines, read_options(options, layout)));
  TimelineTensorOptions tensor_options = embedder->encoder().tensor_options();
  tensor_options.number_ids = false;
  tensor_options.cache_bytes = 0;
  auto& [max_explicit, max_implicit] = tensor_options.max_events;
  max_explicit = options.max_explicit.value_or(max_explicit);
  max_implicit = options.max_implicit.value_or(max_implicit);
  ONEFOLD_ASSIGN_OR_RETURN(auto tensorize,
                           TimelineTensorizer::open(options.timelines, layout, tensor_options));
  ONEFOLD_ASSIGN_OR_RETURN(const EmbeddingStore store,
                           EmbeddingStore::open_or_create(options.store));
  const VersionInfo info = describe(options, *embedder, reader->manifest());
  ONEFOLD_ASSIGN_OR_RETURN(auto changed, changed_users(options, store, *reader));
  UserStream users(*reader, std::move(changed), options.batch_users);
  ONEFOLD_ASSIGN_OR_RETURN(auto writer, VersionWriter::open(store, info, writer_options(options)));
  if (const auto after = writer->resume_after()) {
    ONEFOLD_RETURN_IF_ERROR(users.seek_after(*after));
    report.resumed_users = writer->num_users();
  }
  ONEFOLD_RETURN_IF_ERROR(
      Generation(options, info, *writer).run(users, *embedder, *tensorize, report));
  ONEFOLD_ASSIGN_OR_RETURN(report.version, writer->finish());
  report.users = report.version.num_users();
  report.seconds = watch.seconds();
  return report;
}

}  // namespace onefold
