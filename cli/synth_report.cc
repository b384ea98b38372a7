// SPDX-License-Identifier: Apache-2.0
#include "cli/synth_report.h"

#include <fmt/format.h>

namespace onefold::cli {

nlohmann::ordered_json to_json(const SynthCounts& counts, const SynthPlace& place) {
  return {{"logs", place.logs},          {"users", place.users},      {"sessions", counts.sessions},
          {"requests", counts.requests}, {"samples", counts.samples}, {"clicks", counts.clicks},
          {"bayes_ne", counts.bayes_ne}, {"seed", place.seed},        {"seconds", place.seconds}};
}

nlohmann::ordered_json to_json(const LongTermCounts& counts, const SynthPlace& place) {
  return {{"logs", place.logs},
          {"events", place.events},
          {"users", place.users},
          {"events_written", counts.events},
          {"explicit_events", counts.explicit_events},
          {"least_events", counts.least_events},
          {"most_events", counts.most_events},
          {"sessions", counts.sessions},
          {"requests", counts.requests},
          {"samples", counts.samples},
          {"clicks", counts.clicks},
          {"likes", counts.likes},
          {"bayes_ne", counts.bayes_ne},
          {"seed", place.seed},
          {"seconds", place.seconds}};
}

nlohmann::ordered_json to_json(const TrafficCounts& counts, const SynthPlace& place) {
  return {{"logs", place.logs},
          {"users", place.users},
          {"sessions", counts.sessions},
          {"requests", counts.requests},
          {"samples", counts.samples},
          {"clicks", counts.clicks},
          {"longest_session", counts.longest_session},
          {"longest_list", counts.longest_list},
          {"user_values", counts.user_values},
          {"seed", place.seed},
          {"seconds", place.seconds}};
}

std::string summary(const SynthCounts& counts, const SynthPlace& place) {
  return fmt::format(
      "{} samples in {} requests of {} sessions, {} clicks, best possible NE {:.3f} -> {} in "
      "{:.1f} s",
      counts.samples, counts.requests, counts.sessions, counts.clicks, counts.bayes_ne, place.logs,
      place.seconds);
}

std::string summary(const LongTermCounts& counts, const SynthPlace& place) {
  return fmt::format(
      "{} events ({} explicit) of {} users with {} to {} each -> {}\n"
      "{} samples in {} requests of {} sessions, {} clicks, {} likes, best possible NE {:.3f} -> "
      "{} in {:.1f} s",
      counts.events, counts.explicit_events, place.users, counts.least_events, counts.most_events,
      place.events, counts.samples, counts.requests, counts.sessions, counts.clicks, counts.likes,
      counts.bayes_ne, place.logs, place.seconds);
}

std::string summary(const TrafficCounts& counts, const SynthPlace& place) {
  return fmt::format(
      "{} samples in {} requests of {} sessions ({:.1f} a session, {} in the longest), {} clicks\n"
      "{} values in the features of users, {} in the longest list -> {} in {:.1f} s",
      counts.samples, counts.requests, counts.sessions,
      static_cast<double>(counts.samples) / static_cast<double>(counts.sessions),
      counts.longest_session, counts.clicks, counts.user_values, counts.longest_list, place.logs,
      place.seconds);
}

}  // namespace onefold::cli
