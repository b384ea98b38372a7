// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/synth_schedule.h"

#include <algorithm>
#include <tuple>

#include "onefold/base/hash.h"
#include "onefold/log/synth_random.h"

namespace onefold {
namespace {

constexpr int64_t kStartUs = 1'704'067'200'000'000;  // 2024-01-01 00:00 UTC
constexpr int64_t kSecondUs = 1'000'000, kMinuteUs = 60 * kSecondUs, kDayUs = 1440 * kMinuteUs;
constexpr uint64_t kStream = 1;  // apart from the random numbers that fill the requests

// Sessions that a sessionizer with the usual idle gap of 30 minutes finds again: requests are
// closer than that, sessions of a user are not.
constexpr int64_t kMaxGapSeconds = 1'190;
constexpr double kMeanGapSeconds = 240;
constexpr int64_t kBetweenSessionsUs = 30 * kMinuteUs;

int64_t draw_gap_us(SynthRandom& random) {
  const auto seconds = static_cast<int64_t>(random.exponential(kMeanGapSeconds));
  return kSecondUs * (10 + std::min(kMaxGapSeconds, seconds));
}

// Most people come in the evening, so that sessions overlap: 8 in the evening, give or take an
// hour.
int64_t draw_start_us(const SynthOptions& options, SynthRandom& random) {
  const double hour = std::clamp(20 + random.normal(), 16.0, 23.0);
  return kStartUs + random.below(options.days) * kDayUs + static_cast<int64_t>(hour * 3.6e9);
}

std::vector<int64_t> draw_session_starts(const SynthOptions& options, SynthRandom& random) {
  std::vector<int64_t> starts(random.geometric(options.sessions_per_user));
  for (int64_t& start : starts) start = draw_start_us(options, random);
  std::sort(starts.begin(), starts.end());
  return starts;
}

}  // namespace

std::vector<ScheduledRequest> schedule_requests(const SynthOptions& options) {
  const double requests_per_session =
      options.samples_per_session / static_cast<double>(options.candidates);
  std::vector<ScheduledRequest> requests;
  int64_t next_session = 1;
  for (int64_t user = 0; user < options.users; ++user) {
    SynthRandom random(hash64(user, hash64(static_cast<int64_t>(options.seed), kStream)));
    int64_t earliest_us = 0;
    for (int64_t start_us : draw_session_starts(options, random)) {
      // A long session pushes the next one back rather than run into it.
      int64_t time_us = std::max(earliest_us, start_us);
      const int64_t num_requests = random.geometric(requests_per_session);
      for (int64_t i = 0; i < num_requests; ++i) {
        requests.push_back({time_us, next_session, user, i == 0, i == 0 && earliest_us == 0});
        earliest_us = time_us + kBetweenSessionsUs;
        time_us += draw_gap_us(random);
      }
      ++next_session;
    }
  }
  std::sort(requests.begin(), requests.end(), [](const auto& a, const auto& b) {
    return std::tie(a.time_us, a.user) < std::tie(b.time_us, b.user);
  });
  return requests;
}

}  // namespace onefold
