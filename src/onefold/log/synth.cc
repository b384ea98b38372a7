// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/synth.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include <fmt/format.h>

#include "onefold/log/log_staging.h"
#include "onefold/log/synth_schedule.h"
#include "onefold/log/synth_taste.h"
#include "onefold/log/synth_user.h"

namespace onefold {
namespace {

constexpr int64_t kChunkRequests = 256;
constexpr double kDayUs = 86'400e6;
constexpr double kMeanClickDelaySeconds = 20, kMaxClickDelaySeconds = 600;
constexpr double kMeanReadSeconds = 40;

double entropy(double p) {
  if (p <= 0 || p >= 1) return 0;
  return -p * std::log(p) - (1 - p) * std::log1p(-p);
}

Status check_options(const SynthOptions& o) {
  const auto require = [](bool holds, const char* what) {
    return holds ? Status() : invalid_argument(what);
  };
  ONEFOLD_RETURN_IF_ERROR(require(o.users >= 1, "users must be at least 1"));
  ONEFOLD_RETURN_IF_ERROR(
      require(o.sessions_per_user >= 1, "sessions per user must be at least 1"));
  ONEFOLD_RETURN_IF_ERROR(require(o.candidates >= 1, "candidates must be at least 1"));
  ONEFOLD_RETURN_IF_ERROR(
      require(o.samples_per_session >= static_cast<double>(o.candidates),
              "samples per session must be at least the candidates per request"));
  ONEFOLD_RETURN_IF_ERROR(require(o.topics >= 1, "topics must be at least 1"));
  ONEFOLD_RETURN_IF_ERROR(require(o.items >= o.topics && o.items >= o.candidates,
                                  "items must be at least the topics and the candidates"));
  ONEFOLD_RETURN_IF_ERROR(require(o.list_length >= 0 && o.lists >= 0 && o.item_features >= 0,
                                  "list length, lists and item features must not be negative"));
  ONEFOLD_RETURN_IF_ERROR(require(o.change_probability >= 0 && o.change_probability <= 1,
                                  "change probability must be between 0 and 1"));
  return require(o.days >= 1, "days must be at least 1");
}

ScheduleOptions schedule_options(const SynthOptions& options) {
  const double requests = options.samples_per_session / static_cast<double>(options.candidates);
  return {.users = options.users,
          .sessions_per_user = options.sessions_per_user,
          .draw_requests = [requests](SynthRandom& random) { return random.geometric(requests); },
          .days = options.days,
          .seed = options.seed};
}

// Requests become columns here, chunk by chunk.
class SynthLog {
 public:
  explicit SynthLog(const SynthOptions& options)
      : options_(options), schema_(synth_schema(options)), taste_(options), users_(options.users) {
    reset();
  }

  Result<SynthCounts> write_to(LogWriter& writer) {
    SynthSchedule schedule(schedule_options(options_));
    while (const auto request = schedule.next()) {
      add(*request);
      if (records_.num_requests() < kChunkRequests) continue;
      ONEFOLD_RETURN_IF_ERROR(flush(writer));
      if (options_.progress) options_.progress(counts_.sessions, schedule.num_sessions());
    }
    ONEFOLD_RETURN_IF_ERROR(flush(writer));
    const double base_rate = sum_probability_ / static_cast<double>(counts_.samples);
    counts_.bayes_ne = sum_entropy_ / static_cast<double>(counts_.samples) / entropy(base_rate);
    return counts_;
  }

 private:
  SynthUser& user_at(const ScheduledRequest& request) {
    std::unique_ptr<SynthUser>& user = users_[request.user];
    if (request.first_of_user) {
      user = std::make_unique<SynthUser>(request.user, options_, taste_);
    } else if (request.first_of_session) {
      user->advance_between_sessions();
    } else {
      user->advance_within_session(options_.change_probability);
    }
    return *user;
  }

  void add(const ScheduledRequest& request) {
    SynthUser& user = user_at(request);
    records_.session_id.push_back(request.session_id);
    records_.user_id.push_back(request.user);
    records_.request_id.push_back(++counts_.requests);
    records_.time_us.push_back(request.time_us);
    records_.user_dense.values.push_back(user.activity());
    counts_.sessions += request.first_of_session;

    // The order of synth_schema().
    history_items_.push_row(user.history_items());
    history_topics_.push_row(user.history_topics());
    history_dwell_.push_row(user.history_dwell());
    for (int64_t i = 0; i < options_.lists; ++i) lists_[i].push_row(user.list(i));
    const int64_t country = user.country();
    countries_.push_row({&country, 1});
    add_candidates(request, user);
  }

  void add_candidates(const ScheduledRequest& request, SynthUser& user) {
    const size_t begin = records_.item_id.size();
    while (records_.item_id.size() < begin + options_.candidates) {
      const int64_t item = draw_new(user, begin);
      records_.item_id.push_back(item);
      const double days = static_cast<double>(request.time_us) / kDayUs - kStartDay;
      records_.item_dense.values.push_back(static_cast<float>(days - taste_.published_day(item)));
      const int64_t topic = taste_.topic(item);
      item_topics_.push_row({&topic, 1});
      for (int64_t i = 0; i < options_.item_features; ++i) {
        const int64_t tag = taste_.tag(item, i);
        item_tags_[i].push_row({&tag, 1});
      }
      act(request, user, item);
    }
    records_.candidate_offsets.push_back(static_cast<int32_t>(records_.item_id.size()));
    if (request.last_of_user) users_[request.user].reset();
  }

  // A candidate that the request, whose candidates begin at `begin`, does not have yet.
  int64_t draw_new(SynthUser& user, size_t begin) {
    const auto shown = [&](int64_t item) {
      return std::find(records_.item_id.begin() + begin, records_.item_id.end(), item) !=
             records_.item_id.end();
    };
    int64_t item = taste_.draw_candidate(user.taste(), user.random());
    // With few items a draw may hit the same ones again and again: then take the next free one.
    for (int tries = 0; tries < 10 && shown(item); ++tries) {
      item = taste_.draw_candidate(user.taste(), user.random());
    }
    while (shown(item)) item = (item + 1) % options_.items;
    return item;
  }

  // Does the user click?
  void act(const ScheduledRequest& request, SynthUser& user, int64_t item) {
    const double probability = taste_.click_probability(user.taste(), item);
    sum_probability_ += probability;
    sum_entropy_ += entropy(probability);
    ++counts_.samples;
    if (!user.random().chance(probability)) return;
    ++counts_.clicks;
    const double delay_seconds =
        std::min(kMaxClickDelaySeconds, 1 + user.random().exponential(kMeanClickDelaySeconds));
    events_.session_id.push_back(request.session_id);
    events_.user_id.push_back(request.user);
    events_.request_id.push_back(counts_.requests);
    events_.item_id.push_back(item);
    events_.time_us.push_back(request.time_us + std::llround(delay_seconds * 1e6));
    events_.action.push_back("click");
    events_.value.push_back(
        static_cast<float>(std::ceil(user.random().exponential(kMeanReadSeconds))));
  }

  Status flush(LogWriter& writer) {
    std::vector<JaggedColumn> user_columns = {std::move(history_items_), std::move(history_topics_),
                                              std::move(history_dwell_)};
    for (auto& list : lists_) user_columns.push_back(std::move(list));
    user_columns.push_back(std::move(countries_));
    std::vector<JaggedColumn> item_columns = {std::move(item_topics_)};
    for (auto& tags : item_tags_) item_columns.push_back(std::move(tags));
    records_.user_features = keyed(jagged_features(schema_, FeatureScope::kUser),
                                   records_.num_requests(), std::move(user_columns));
    records_.item_features = keyed(jagged_features(schema_, FeatureScope::kItem),
                                   records_.num_candidates(), std::move(item_columns));
    ONEFOLD_RETURN_IF_ERROR(writer.append(records_));
    ONEFOLD_RETURN_IF_ERROR(writer.append(events_));
    reset();
    return {};
  }

  void reset() {
    records_ = empty_feature_records(schema_);
    events_ = {};
    history_items_ = history_topics_ = countries_ = item_topics_ = {};
    history_dwell_ = {};
    lists_.assign(options_.lists, {});
    item_tags_.assign(options_.item_features, {});
  }

  static constexpr double kStartDay = 19'723;  // 2024-01-01, counted from 1970

  SynthOptions options_;
  Schema schema_;
  SynthTaste taste_;
  std::vector<std::unique_ptr<SynthUser>> users_;  // while they have requests
  FeatureRecords records_;
  EventRecords events_;
  JaggedTensor<int64_t> history_items_, history_topics_, countries_, item_topics_;
  JaggedTensor<float> history_dwell_;
  std::vector<JaggedTensor<int64_t>> lists_, item_tags_;
  SynthCounts counts_;
  double sum_probability_ = 0, sum_entropy_ = 0;
};

}  // namespace

Schema synth_schema(const SynthOptions& options) {
  using enum FeatureKind;
  constexpr FeatureScope kUser = FeatureScope::kUser, kItem = FeatureScope::kItem;
  Schema schema;
  schema.features = {{"history_item_id", kIdList, kUser, "history"},
                     {"history_topic", kIdList, kUser, "history"},
                     {"history_dwell", kFloatList, kUser, "history"}};
  for (int64_t i = 0; i < options.lists; ++i) {
    schema.features.push_back(
        {fmt::format("user_list_{}", i), kIdList, kUser, fmt::format("list_{}", i)});
  }
  schema.features.push_back({"country", kId, kUser, ""});
  schema.features.push_back({"activity", kDense, kUser, ""});
  schema.features.push_back({"item_topic", kId, kItem, ""});
  for (int64_t i = 0; i < options.item_features; ++i) {
    schema.features.push_back({fmt::format("item_tag_{}", i), kId, kItem, ""});
  }
  schema.features.push_back({"item_age", kDense, kItem, ""});
  schema.labels = {{"click", "click", false}};
  return schema;
}

Result<SynthCounts> synthesize(const std::string& logs, const SynthOptions& options,
                               const LogOptions& log_options) {
  ONEFOLD_RETURN_IF_ERROR(check_options(options));
  ONEFOLD_ASSIGN_OR_RETURN(auto staging,
                           LogStaging::create(logs, synth_schema(options), log_options));
  SynthLog log(options);
  ONEFOLD_ASSIGN_OR_RETURN(const SynthCounts counts, log.write_to(staging.writer()));
  ONEFOLD_RETURN_IF_ERROR(staging.commit());
  return counts;
}

}  // namespace onefold
