// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/timeline_reader.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "onefold/jagged/fold.h"
#include "onefold/base/lru_cache.h"
#include "onefold/timeline/timeline_part_reader.h"
#include "onefold/timeline/timeline_walk.h"
#include "onefold/timeline/user_list.h"

namespace onefold {
namespace {

constexpr int64_t kMaxBatchValues = std::numeric_limits<int32_t>::max();
constexpr int64_t kMaxOpenParts = 256;

// Rows of one timeline under construction.
struct RowBuilder {
  EventColumns events;
  std::vector<int32_t> offsets = {0};

  void end_row() { offsets.push_back(static_cast<int32_t>(events.num_events)); }

  KeyedJaggedTensor finish(ColumnSet columns) {
    KeyedJaggedTensor rows(static_cast<int64_t>(offsets.size()) - 1);
    for (int i = 0; i < kNumEventColumns; ++i) {
      if (!columns.has(i)) continue;
      const auto column = static_cast<EventColumn>(i);
      if (is_float(column)) {
        rows.add(to_string(column),
                 JaggedTensor<float>::make(std::move(events.seconds(column)), offsets).value());
      } else {
        rows.add(to_string(column),
                 JaggedTensor<int64_t>::make(std::move(events.at(column)), offsets).value());
      }
    }
    return rows;
  }
};

// The user's events where the walk is at the user, else an empty row.
void take_row(const TimelineWalk& walk, int64_t user_id, int64_t max_events, ColumnSet columns,
              RowBuilder& rows) {
  if (walk.at(user_id)) merge_runs(walk.runs(), max_events, columns, rows.events);
  rows.end_row();
}

class TimelineReaderImpl final : public TimelineReader {
 public:
  TimelineReaderImpl(std::string directory, const TimelineReadOptions& options,
                     TimelineManifest manifest)
      : directory_(std::move(directory)),
        options_(options),
        manifest_(std::move(manifest)),
        parts_(kMaxOpenParts),
        row_groups_(options.cache_bytes) {
    for (int t = 0; t < kNumTimelines; ++t) {
      options_.max_events[t] = std::min(options_.max_events[t], manifest_.max_events[t]);
    }
    columns_ = options.columns.empty() ? ColumnSet::all() : ColumnSet();
    for (EventColumn column : options.columns) columns_ = columns_.with(column);
    for (size_t i = 0; i < manifest_.parts.size(); ++i) {
      const TimelinePart& part = manifest_.parts[i];
      const int range = manifest_.range_of(part.timeline, part.first_user);
      parts_of_[{static_cast<int>(part.timeline), range}].push_back(static_cast<int>(i));
    }
    choose_users();
  }

  const TimelineManifest& manifest() const override { return manifest_; }
  int64_t bytes_read() const override { return bytes_read_; }

  Status seek_after(int64_t user_id) override {
    open_ = false;
    next_user_.reset();
    if (has_users_ && user_id < std::numeric_limits<int64_t>::max()) {
      next_user_ = std::max(first_user_, user_id + 1);
    }
    return {};
  }

  Result<std::optional<TimelineBatch>> next() override {
    TimelineBatch batch;
    std::array<RowBuilder, kNumTimelines> rows;
    if (!open_) ONEFOLD_RETURN_IF_ERROR(open_stream());
    while (batch.num_users() < options_.max_batch_users && num_events(rows) < batch_events()) {
      const std::optional<int64_t> user = stream_user();
      if (!user) break;
      for (int t = 0; t < kNumTimelines; ++t) {
        take_row(stream_[t], *user, options_.max_events[t], columns_, rows[t]);
        if (stream_[t].at(*user)) ONEFOLD_RETURN_IF_ERROR(stream_[t].advance());
      }
      batch.user_id.push_back(*user);
    }
    if (batch.user_id.empty()) return std::optional<TimelineBatch>();
    for (int t = 0; t < kNumTimelines; ++t) batch.timelines[t] = rows[t].finish(columns_);
    return std::optional(std::move(batch));
  }

  Result<TimelineBatch> read_users(std::span<const int64_t> users) override {
    std::vector<int32_t> order(users.size());
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(),
              [&](int32_t a, int32_t b) { return users[a] < users[b]; });
    std::array<RowBuilder, kNumTimelines> rows;
    std::vector<int32_t> row_of(users.size());  // of each position in `users`
    std::array<TimelineWalk, kNumTimelines> walks = {open_walk(0, /*cached=*/true),
                                                     open_walk(1, /*cached=*/true)};
    for (size_t i = 0; i < order.size(); ++i) {
      const int64_t user = users[order[i]];
      const bool repeat = i > 0 && users[order[i - 1]] == user;
      for (int t = 0; t < kNumTimelines && !repeat; ++t) {
        ONEFOLD_RETURN_IF_ERROR(walks[t].seek(user));
        take_row(walks[t], user, options_.max_events[t], columns_, rows[t]);
      }
      row_of[order[i]] = static_cast<int32_t>(rows[0].offsets.size()) - 2;
      if (num_events(rows) > kMaxBatchValues) {
        return invalid_argument(std::to_string(users.size()) +
                                " users have more than 2^31 events; "
                                "ask for fewer at once");
      }
    }
    TimelineBatch batch;
    batch.user_id.assign(users.begin(), users.end());
    for (int t = 0; t < kNumTimelines; ++t) {
      batch.timelines[t] = select_rows(rows[t].finish(columns_), row_of);
    }
    return batch;
  }

  Result<std::vector<int64_t>> users_changed_since(const TimelineVersion& version) override {
    if (version.id != manifest_.version.id) {
      return not_found(directory_ + ": these timelines were built anew since (id " +
                       manifest_.version.id + ", asked for " + version.id +
                       "): every user counts as changed");
    }
    std::vector<int64_t> changed;
    for (const ChangedUsers& changes : manifest_.changes) {
      if (changes.generation <= version.generation) continue;
      ONEFOLD_ASSIGN_OR_RETURN(const auto users, read_user_list(directory_ + "/" + changes.path));
      changed.insert(changed.end(), users.begin(), users.end());
    }
    std::sort(changed.begin(), changed.end());
    changed.erase(std::unique(changed.begin(), changed.end()), changed.end());
    return changed;
  }

 private:
  using Rows = std::array<RowBuilder, kNumTimelines>;

  static int64_t num_events(const Rows& rows) {
    return rows[0].events.num_events + rows[1].events.num_events;
  }
  // Leaves room for one more user of any length.
  int64_t batch_events() const {
    const int64_t longest = options_.max_events[0] + options_.max_events[1];
    return std::min(options_.max_batch_events, kMaxBatchValues - longest);
  }

  // The users of this rank: whole ranges of the timeline that has more of them.
  void choose_users() {
    const auto& starts = manifest_.range_starts[0].size() > manifest_.range_starts[1].size()
                             ? manifest_.range_starts[0]
                             : manifest_.range_starts[1];
    const size_t rank = static_cast<size_t>(options_.rank), ranks = options_.world_size;
    const size_t first = rank * starts.size() / ranks, end = (rank + 1) * starts.size() / ranks;
    has_users_ = first < end;
    if (!has_users_) return;
    first_user_ = starts[first];
    next_user_ = first_user_;
    if (end < starts.size()) end_user_ = starts[end];
  }

  Status open_stream() {
    open_ = true;
    for (int t = 0; t < kNumTimelines; ++t) {
      stream_[t] = TimelineWalk();
      if (!next_user_) continue;
      stream_[t] = open_walk(t, /*cached=*/false);
      ONEFOLD_RETURN_IF_ERROR(stream_[t].seek(*next_user_));
    }
    return {};
  }

  // The stream's next user; nullopt at the end.
  std::optional<int64_t> stream_user() const {
    std::optional<int64_t> user;
    for (const TimelineWalk& walk : stream_) {
      if (!walk.done() && (!user || walk.user_id() < *user)) user = walk.user_id();
    }
    return user && end_user_ && *user >= *end_user_ ? std::nullopt : user;
  }

  TimelineWalk open_walk(int timeline, bool cached) {
    if (options_.max_events[timeline] <= 0) return {};
    return TimelineWalk(manifest_.range_starts[timeline], [this, timeline, cached](int range) {
      return open_range(timeline, range, cached);
    });
  }

  Result<PartMerge> open_range(int timeline, int range, bool cached) {
    const std::vector<int>& parts = parts_of_[{timeline, range}];
    // The order of events of several parts needs their keys.
    ColumnSet columns = columns_.with(EventColumn::kTime);
    if (parts.size() > 1) columns = columns.with(EventColumn::kEventId);
    std::vector<PartCursor> cursors;
    for (int part : parts) {
      ONEFOLD_ASSIGN_OR_RETURN(auto reader, open_part(part));
      cursors.emplace_back(reader, fetch_from(reader, part, columns, cached));
    }
    return PartMerge(std::move(cursors));
  }

  PartCursor::Fetch fetch_from(std::shared_ptr<TimelinePartReader> reader, int part,
                               ColumnSet columns, bool cached) {
    return [this, reader = std::move(reader), part, columns,
            cached](int row_group) -> Result<std::shared_ptr<const PartRows>> {
      const std::pair key(part, row_group);
      if (cached) {
        if (auto rows = row_groups_.get(key)) return rows;
      }
      const int64_t before = reader->bytes_read();
      ONEFOLD_ASSIGN_OR_RETURN(auto rows, reader->read(row_group, columns));
      bytes_read_ += reader->bytes_read() - before;
      if (cached) row_groups_.put(key, rows, rows->bytes());
      return rows;
    };
  }

  Result<std::shared_ptr<TimelinePartReader>> open_part(int part) {
    if (auto reader = parts_.get(part)) return reader;
    const std::string path = directory_ + "/" + manifest_.parts[part].path;
    auto opened = TimelinePartReader::open(path);
    if (opened.status().code() == StatusCode::kNotFound) {
      return not_found(path +
                       ": gone; the timelines changed since they were opened, open them "
                       "again");
    }
    if (!opened.ok()) return opened.status();
    std::shared_ptr<TimelinePartReader> reader = std::move(*opened);
    parts_.put(part, reader, 1);
    return reader;
  }

  std::string directory_;
  TimelineReadOptions options_;
  TimelineManifest manifest_;
  ColumnSet columns_;
  std::map<std::pair<int, int>, std::vector<int>> parts_of_;  // (timeline, range) -> parts
  LruCache<int, TimelinePartReader> parts_;
  LruCache<std::pair<int, int>, const PartRows> row_groups_;  // (part, row group)

  bool has_users_ = false;            // this rank
  int64_t first_user_ = 0;            // of this rank
  std::optional<int64_t> end_user_;   // the first user of the next rank; none for the last
  std::optional<int64_t> next_user_;  // where a stream opens; none: it is empty
  bool open_ = false;
  std::array<TimelineWalk, kNumTimelines> stream_;
  int64_t bytes_read_ = 0;
};

}  // namespace

Result<std::unique_ptr<TimelineReader>> TimelineReader::open(const std::string& directory,
                                                             const TimelineReadOptions& options) {
  ONEFOLD_CHECK(options.world_size > 0 && options.rank >= 0 && options.rank < options.world_size,
                "rank is one of world_size");
  ONEFOLD_CHECK(options.max_batch_users > 0 && options.max_batch_events > 0, "empty batches");
  ONEFOLD_ASSIGN_OR_RETURN(TimelineManifest manifest, read_timeline_manifest(directory));
  return std::unique_ptr<TimelineReader>(
      std::make_unique<TimelineReaderImpl>(directory, options, std::move(manifest)));
}

}  // namespace onefold
