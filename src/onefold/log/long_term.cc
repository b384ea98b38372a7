// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/long_term.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include "onefold/base/hash.h"
#include "onefold/log/bounded_pareto.h"
#include "onefold/log/log_staging.h"
#include "onefold/log/long_term_events.h"
#include "onefold/log/long_term_requests.h"
#include "onefold/log/long_term_user.h"

namespace onefold {
namespace {

constexpr uint64_t kStream = 10;

double entropy(double p) {
  if (p <= 0 || p >= 1) return 0;
  return -p * std::log(p) - (1 - p) * std::log1p(-p);
}

Status check_options(const LongTermOptions& o) {
  const auto require = [](bool holds, const char* what) {
    return holds ? Status() : invalid_argument(what);
  };
  ONEFOLD_RETURN_IF_ERROR(require(o.users >= 1, "users must be at least 1"));
  ONEFOLD_RETURN_IF_ERROR(require(o.topics >= 2 && o.authors >= o.topics && o.items >= o.authors,
                                  "there must be 2 topics, as many authors as topics, and as many "
                                  "items as authors, or more"));
  ONEFOLD_RETURN_IF_ERROR(require(o.items <= 1'000'000'000, "items must be at most 10^9"));
  ONEFOLD_RETURN_IF_ERROR(require(o.candidates >= 1 && o.candidates <= o.items / 2,
                                  "candidates must be between 1 and half the items"));
  ONEFOLD_RETURN_IF_ERROR(
      require(o.samples_per_session >= static_cast<double>(o.candidates),
              "samples per session must be at least the candidates per request"));
  ONEFOLD_RETURN_IF_ERROR(require(o.sessions_per_user >= 0 && o.history_length >= 0,
                                  "sessions per user and history length must not be negative"));
  ONEFOLD_RETURN_IF_ERROR(require(o.days >= 1 && o.ranking_days >= 1 && o.ranking_days <= o.days,
                                  "ranking days must be between 1 and the days"));
  return require(o.min_events >= 1 && static_cast<double>(o.min_events) < o.mean_events &&
                     o.mean_events < static_cast<double>(o.max_events),
                 "mean events must lie between min events (at least 1) and max events");
}

// Events of each user: evenly spread quantiles in random order, so that the mean hardly depends on
// the seed though the tail is heavy.
std::vector<int64_t> draw_num_events(const LongTermOptions& options) {
  const BoundedPareto pareto(static_cast<double>(options.min_events),
                             static_cast<double>(options.max_events), options.mean_events);
  std::vector<int64_t> events(options.users);
  for (int64_t user = 0; user < options.users; ++user) {
    const double u = (static_cast<double>(user) + 0.5) / static_cast<double>(options.users);
    events[user] = std::clamp<int64_t>(std::llround(pareto.quantile(u)), options.min_events,
                                       options.max_events);
  }
  SynthRandom random(hash64(options.users, hash64(static_cast<int64_t>(options.seed), kStream)));
  for (int64_t i = options.users - 1; i > 0; --i) std::swap(events[i], events[random.below(i + 1)]);
  return events;
}

class LongTermLog {
 public:
  explicit LongTermLog(const LongTermOptions& options)
      : options_(options), catalog_(options), requests_(options_, catalog_) {
    const std::vector<int64_t> num_events = draw_num_events(options);
    double sum_root = 0;
    for (int64_t events : num_events) sum_root += std::sqrt(static_cast<double>(events));
    for (int64_t user = 0; user < options.users; ++user) {
      // Who does more also comes more often, but not in proportion.
      const double share = std::sqrt(static_cast<double>(num_events[user])) / sum_root;
      const double sessions = options.sessions_per_user * static_cast<double>(options.users) *
                              share / static_cast<double>(options.ranking_days);
      users_.push_back(
          std::make_unique<LongTermUser>(user, num_events[user], sessions, options_, catalog_));
    }
  }

  Result<LongTermCounts> write_to(LogWriter& writer, LongTermEvents& events) {
    LongTermDay day;
    for (int64_t d = 0; d < options_.days; ++d) {
      day.events.clear();
      day.requests.clear();
      for (auto& user : users_) user->live(d, day);
      // Stable: events of equal time stay by user.
      const auto by_time = [](const auto& a, const auto& b) { return a.time_us < b.time_us; };
      std::stable_sort(day.events.begin(), day.events.end(), by_time);
      std::stable_sort(day.requests.begin(), day.requests.end(), by_time);
      count(day);
      ONEFOLD_RETURN_IF_ERROR(events.write_day(d, day.events, catalog_));
      ONEFOLD_RETURN_IF_ERROR(requests_.write_day(day, writer));
      if (options_.progress) options_.progress(d + 1, options_.days);
    }
    return finish();
  }

 private:
  void count(const LongTermDay& day) {
    counts_.events += static_cast<int64_t>(day.events.size());
    for (const LongTermEvent& event : day.events) {
      counts_.explicit_events += event.action != LongTermAction::kImpression;
    }
    for (const LongTermRequest& request : day.requests) {
      sessions_.push_back(request.session_id);
      for (const LongTermCandidate& candidate : request.candidates) {
        ++counts_.samples;
        counts_.clicks += candidate.click;
        counts_.likes += candidate.like;
        sum_probability_ += candidate.click_probability;
        sum_entropy_ += entropy(candidate.click_probability);
      }
    }
  }

  LongTermCounts finish() {
    counts_.requests = requests_.num_requests();
    std::sort(sessions_.begin(), sessions_.end());
    counts_.sessions = std::unique(sessions_.begin(), sessions_.end()) - sessions_.begin();
    const auto by_events = [](const auto& a, const auto& b) {
      return a->num_events() < b->num_events();
    };
    const auto [least, most] = std::minmax_element(users_.begin(), users_.end(), by_events);
    counts_.least_events = (*least)->num_events();
    counts_.most_events = (*most)->num_events();
    if (counts_.samples > 0) {
      const auto samples = static_cast<double>(counts_.samples);
      counts_.bayes_ne = sum_entropy_ / samples / entropy(sum_probability_ / samples);
    }
    return counts_;
  }

  const LongTermOptions options_;
  const LongTermCatalog catalog_;
  LongTermRequests requests_;
  std::vector<std::unique_ptr<LongTermUser>> users_;
  std::vector<int64_t> sessions_;  // of each request
  LongTermCounts counts_;
  double sum_probability_ = 0, sum_entropy_ = 0;
};

}  // namespace

Schema long_term_schema() {
  using enum FeatureKind;
  constexpr FeatureScope kUser = FeatureScope::kUser, kItem = FeatureScope::kItem;
  return {{{"history_item_id", kIdList, kUser, "history"},
           {"history_author", kIdList, kUser, "history"},
           {"history_topic", kIdList, kUser, "history"},
           {"history_action", kIdList, kUser, "history"},
           {"history_watch_time", kFloatList, kUser, "history"},
           {"country", kId, kUser, ""},
           {"item_author", kId, kItem, ""},
           {"item_topic", kId, kItem, ""},
           {"item_duration", kDense, kItem, ""}},
          {{"click", "click", false}, {"like", "like", false}, {"watch_time", "click", true}}};
}

Result<LongTermCounts> synthesize_long_term(const std::string& logs, const std::string& events,
                                            const LongTermOptions& options,
                                            const LogOptions& log_options) {
  ONEFOLD_RETURN_IF_ERROR(check_options(options));
  ONEFOLD_ASSIGN_OR_RETURN(auto staging, LogStaging::create(logs, long_term_schema(), log_options));
  ONEFOLD_ASSIGN_OR_RETURN(auto files, LongTermEvents::create(events));
  LongTermLog log(options);
  ONEFOLD_ASSIGN_OR_RETURN(const LongTermCounts counts, log.write_to(staging.writer(), files));
  ONEFOLD_RETURN_IF_ERROR(files.commit());
  ONEFOLD_RETURN_IF_ERROR(staging.commit());
  return counts;
}

}  // namespace onefold
