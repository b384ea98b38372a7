// SPDX-License-Identifier: Apache-2.0
#include "onefold/build/log_intake.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>

#include "onefold/base/files.h"

namespace onefold {
namespace {

class Intake {
 public:
  Intake(const LogReader& log, const IntakeOptions& options, const IntakeTargets& targets,
         const OnProgress& on_bytes)
      : log_(log), options_(options), targets_(targets), on_bytes_(on_bytes) {}

  Result<IntakeCounts> run(WorkerPool& pool) {
    ONEFOLD_ASSIGN_OR_RETURN(features_, log_.feature_segments());
    ONEFOLD_ASSIGN_OR_RETURN(events_, log_.event_segments());
    torn_tails_.resize(features_.size() + events_.size());
    ONEFOLD_ASSIGN_OR_RETURN(const int64_t feature_bytes, log_.feature_bytes());
    ONEFOLD_ASSIGN_OR_RETURN(const int64_t event_bytes, log_.event_bytes());
    counts_.log_bytes = feature_bytes + event_bytes;
    const int threads = pool.threads();
    ONEFOLD_RETURN_IF_ERROR(
        pool.run_all(threads, [&](int64_t) { return checked(read_features(threads)); }));
    ONEFOLD_RETURN_IF_ERROR(pool.run_all(threads, [&](int64_t) { return checked(read_events()); }));
    for (const auto& tails : torn_tails_) {
      counts_.torn_tails.insert(counts_.torn_tails.end(), tails.begin(), tails.end());
    }
    return counts_;
  }

 private:
  // What one thread hands over at a time, so that threads do not wait for each other.
  struct Share {
    std::vector<KeyedRow> rows;
    std::vector<RequestRecord> requests;
    std::vector<EventRecord> events;
  };

  // After an error the other threads stop, too.
  Status checked(Status status) {
    if (!status.ok()) stopped_ = true;
    return status;
  }

  // The next segment of a stream for a thread that has none.
  std::optional<size_t> next_segment(std::atomic<size_t>& next, size_t count) const {
    const size_t segment = next++;
    return segment < count && !stopped_ ? std::optional(segment) : std::nullopt;
  }

  Status read_features(int threads) {
    SortedRuns::Collector collector(targets_.runs, threads);
    Share share;
    while (const auto segment = next_segment(next_features_, features_.size())) {
      const auto number = static_cast<int64_t>(*segment);
      int64_t row = 0;
      const auto take = [&](FeatureRecords&& records) -> Status {
        const int64_t num_requests = records.num_requests();
        if (options_.session_ids != nullptr) {
          ONEFOLD_RETURN_IF_ERROR(options_.session_ids->read(number, row, records.session_id));
        }
        ONEFOLD_RETURN_IF_ERROR(
            take_features(std::move(records), log_position(number, row), collector, share));
        row += num_requests;
        return {};
      };
      ONEFOLD_RETURN_IF_ERROR(
          log_.read_features(features_[*segment], take, &torn_tails_[*segment]));
      ONEFOLD_RETURN_IF_ERROR(segment_done(features_[*segment]));
    }
    collector.finish();
    return {};
  }

  Status take_features(FeatureRecords&& records, int64_t position, SortedRuns::Collector& collector,
                       Share& share) {
    share.rows.clear();
    share.requests.clear();
    int64_t first_us = std::numeric_limits<int64_t>::max();
    int64_t last_us = std::numeric_limits<int64_t>::min();
    for (int32_t row = 0; row < records.num_requests(); ++row) {
      const int64_t time_us = records.time_us[row];
      RequestRecord request{
          .key = request_key(options_.cluster, records.session_id[row], time_us,
                             records.request_id[row], position + row),
          .fate = fate_of(records.session_id[row], time_us),
          .num_candidates = records.candidate_offsets[row + 1] - records.candidate_offsets[row]};
      share.requests.push_back(request);
      if (request.fate != RequestFate::kKept) continue;
      first_us = std::min(first_us, time_us);
      last_us = std::max(last_us, time_us);
      if (request.num_candidates > 0) share.rows.push_back({request.key, row});
    }
    ONEFOLD_RETURN_IF_ERROR(targets_.requests.add(share.requests));
    ONEFOLD_RETURN_IF_ERROR(collector.add(std::move(records), share.rows));
    const std::lock_guard lock(mutex_);
    counts_.first_us = std::min(counts_.first_us, first_us);
    counts_.last_us = std::max(counts_.last_us, last_us);
    return on_bytes_(done_bytes_, counts_.log_bytes);
  }

  RequestFate fate_of(int64_t session_id, int64_t time_us) const {
    if (time_us < options_.from_us || time_us >= options_.until_us) return RequestFate::kOutside;
    return keeps_session(options_.sampling, session_id) ? RequestFate::kKept
                                                        : RequestFate::kSampledOut;
  }

  Status read_events() {
    Share share;
    while (const auto segment = next_segment(next_events_, events_.size())) {
      int64_t position = log_position(static_cast<int64_t>(*segment), 0);
      const auto take = [&](EventRecords&& records) -> Status {
        share.events.clear();
        for (int64_t i = 0; i < records.num_events(); ++i) {
          share.events.push_back({.request_id = records.request_id[i],
                                  .position = position++,
                                  .event = {.item_id = records.item_id[i],
                                            .time_us = records.time_us[i],
                                            .action = targets_.actions.index_of(records.action[i]),
                                            .value = records.value[i]}});
        }
        ONEFOLD_RETURN_IF_ERROR(targets_.events.add(share.events));
        const std::lock_guard lock(mutex_);
        return on_bytes_(done_bytes_, counts_.log_bytes);
      };
      ONEFOLD_RETURN_IF_ERROR(
          log_.read_events(events_[*segment], take, &torn_tails_[features_.size() + *segment]));
      ONEFOLD_RETURN_IF_ERROR(segment_done(events_[*segment]));
    }
    return {};
  }

  Status segment_done(const SegmentFile& segment) {
    const std::lock_guard lock(mutex_);
    done_bytes_ += static_cast<int64_t>(file_size(segment.file()).ok() ? *file_size(segment.file())
                                                                       : 0);  // sealed meanwhile
    return on_bytes_(done_bytes_, counts_.log_bytes);
  }

  const LogReader& log_;
  const IntakeOptions& options_;
  const IntakeTargets& targets_;
  const OnProgress& on_bytes_;
  std::vector<SegmentFile> features_, events_;
  std::vector<std::vector<TornTail>> torn_tails_;  // [segments of both streams]
  std::atomic<size_t> next_features_ = 0, next_events_ = 0;
  std::atomic<bool> stopped_ = false;
  std::mutex mutex_;
  int64_t done_bytes_ = 0;
  IntakeCounts counts_;
};

}  // namespace

Result<IntakeCounts> take_in(const LogReader& log, const IntakeOptions& options,
                             const IntakeTargets& targets, WorkerPool& pool,
                             const OnProgress& on_bytes) {
  return Intake(log, options, targets, on_bytes).run(pool);
}

}  // namespace onefold
