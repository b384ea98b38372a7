// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/traffic.h"

#include <algorithm>
#include <cmath>

#include "onefold/base/hash.h"
#include "onefold/base/run_tasks.h"
#include "onefold/log/bounded_pareto.h"
#include "onefold/log/log_staging.h"
#include "onefold/log/synth_schedule.h"
#include "onefold/log/traffic_columns.h"
#include "onefold/log/traffic_plan.h"

namespace onefold {
namespace {

constexpr int64_t kChunkRequests = 1024, kChunkValues = 4 << 20;
constexpr double kMeanGapSeconds = 30;
constexpr double kMeanClickDelaySeconds = 20;
constexpr uint64_t kUserStream = 13;

ScheduleOptions schedule_options(const TrafficOptions& options) {
  const TrafficRange& samples = options.samples_per_session;
  const auto candidates = static_cast<double>(options.candidates);
  const BoundedPareto requests(samples.min / candidates, samples.max / candidates,
                               samples.mean / candidates);
  return {.users = options.users,
          .sessions_per_user = options.sessions_per_user,
          .draw_requests = [requests](SynthRandom& random) { return requests.draw(random); },
          .mean_gap_seconds = kMeanGapSeconds,
          .days = options.days,
          .seed = options.seed};
}

// Between a user's requests.
struct Visitor {
  SynthRandom random;
  std::vector<TrafficWindow> windows;  // [units of users]
  int64_t samples = 0;                 // of the session
};

class TrafficLog {
 public:
  TrafficLog(const TrafficOptions& options, const Schema& schema, int threads)
      : options_(options),
        threads_(threads),
        plan_(options),
        columns_(plan_, schema),
        visitors_(options.users) {}

  Result<TrafficCounts> write_to(LogWriter& writer) {
    SynthSchedule schedule(schedule_options(options_));
    while (const auto request = schedule.next()) {
      add(*request);
      if (columns_.num_requests() < kChunkRequests && columns_.num_values() < kChunkValues) {
        continue;
      }
      ONEFOLD_RETURN_IF_ERROR(flush(writer));
      if (options_.progress) options_.progress(counts_.sessions, schedule.num_sessions());
    }
    ONEFOLD_RETURN_IF_ERROR(flush(writer));
    return counts_;
  }

 private:
  Visitor& visitor_at(const ScheduledRequest& request) {
    std::unique_ptr<Visitor>& visitor = visitors_[request.user];
    if (request.first_of_user) {
      const uint64_t seed = hash64(static_cast<int64_t>(options_.seed), kUserStream);
      visitor = std::make_unique<Visitor>(
          Visitor{SynthRandom(hash64(request.user, seed)),
                  std::vector<TrafficWindow>(plan_.units(FeatureScope::kUser).size())});
    } else {
      plan_.advance(request.first_of_session, visitor->random, visitor->windows.data());
    }
    return *visitor;
  }

  void add(const ScheduledRequest& request) {
    Visitor& visitor = visitor_at(request);
    counts_.sessions += request.first_of_session;
    if (request.first_of_session) visitor.samples = 0;
    ++counts_.requests;
    columns_.begin_request({.session_id = request.session_id,
                            .user_id = request.user,
                            .request_id = counts_.requests,
                            .time_us = request.time_us},
                           visitor.windows);
    std::vector<int64_t> items;
    while (static_cast<int64_t>(items.size()) < options_.candidates) {
      items.push_back(draw_new(items, visitor.random));
      columns_.add_candidate(items.back());
      act(request, items.back(), visitor.random);
    }
    visitor.samples += options_.candidates;
    counts_.samples += options_.candidates;
    counts_.longest_session = std::max(counts_.longest_session, visitor.samples);
    if (request.last_of_user) visitors_[request.user].reset();
  }

  // An item that is not in `shown`; low numbers are more frequent.
  int64_t draw_new(const std::vector<int64_t>& shown, SynthRandom& random) const {
    const double u = random.uniform();
    auto item = static_cast<int64_t>(u * u * u * static_cast<double>(options_.items));
    while (std::find(shown.begin(), shown.end(), item) != shown.end()) {
      item = (item + 1) % options_.items;
    }
    return item;
  }

  void act(const ScheduledRequest& request, int64_t item, SynthRandom& random) {
    if (!random.chance(options_.click_rate)) return;
    ++counts_.clicks;
    const double delay_seconds = 1 + random.exponential(kMeanClickDelaySeconds);
    events_.session_id.push_back(request.session_id);
    events_.user_id.push_back(request.user);
    events_.request_id.push_back(counts_.requests);
    events_.item_id.push_back(item);
    events_.time_us.push_back(request.time_us + std::llround(delay_seconds * 1e6));
    events_.action.push_back("click");
    events_.value.push_back(1);
  }

  Status flush(LogWriter& writer) {
    counts_.user_values += columns_.num_values();
    counts_.longest_list = std::max(counts_.longest_list, columns_.longest_list());
    ONEFOLD_RETURN_IF_ERROR(writer.append(columns_.take(threads_)));
    ONEFOLD_RETURN_IF_ERROR(writer.append(events_));
    events_ = {};
    return {};
  }

  const TrafficOptions& options_;
  int threads_;
  TrafficPlan plan_;
  TrafficColumns columns_;
  std::vector<std::unique_ptr<Visitor>> visitors_;  // while they have requests
  EventRecords events_;
  TrafficCounts counts_;
};

}  // namespace

Result<TrafficCounts> synthesize_traffic(const std::string& logs, const TrafficOptions& options,
                                         const LogOptions& log_options) {
  ONEFOLD_ASSIGN_OR_RETURN(const Schema schema, traffic_schema(options));
  ONEFOLD_ASSIGN_OR_RETURN(auto staging, LogStaging::create(logs, schema, log_options));
  TrafficLog log(options, schema, log_options.threads);
  ONEFOLD_ASSIGN_OR_RETURN(const TrafficCounts counts, log.write_to(staging.writer()));
  ONEFOLD_RETURN_IF_ERROR(staging.commit());
  return counts;
}

}  // namespace onefold
