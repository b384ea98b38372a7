// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/synth_schedule.h"

#include <algorithm>
#include <tuple>

#include "onefold/base/hash.h"
#include "onefold/log/synth_random.h"

namespace onefold {
namespace {

constexpr int64_t kStartUs = 1'704'067'200'000'000;  // 2024-01-01 00:00 UTC
constexpr int64_t kSecondUs = 1'000'000;
constexpr double kDayUs = 86'400e6;
constexpr uint64_t kStream = 1;  // apart from the random numbers that fill the requests

// Seconds to the next request of a session; below the 30 minutes that commonly end one.
int64_t draw_gap_us(SynthRandom& random) {
  return kSecondUs * (10 + std::min<int64_t>(1'190, static_cast<int64_t>(random.exponential(60))));
}

}  // namespace

std::vector<ScheduledRequest> schedule_requests(const SynthOptions& options) {
  const double requests_per_session =
      options.samples_per_session / static_cast<double>(options.candidates);
  std::vector<ScheduledRequest> requests;
  int64_t next_session = 1;
  for (int64_t user = 0; user < options.users; ++user) {
    SynthRandom random(hash64(user, hash64(static_cast<int64_t>(options.seed), kStream)));
    const int64_t num_sessions = random.geometric(options.sessions_per_user);
    const double slot_us = options.days * kDayUs / static_cast<double>(num_sessions);
    int64_t time_us = 0;
    for (int64_t session = 0; session < num_sessions; ++session, ++next_session) {
      const double start_us = slot_us * (static_cast<double>(session) + 0.8 * random.uniform());
      // A long session pushes the next one back rather than run into it.
      time_us = std::max(time_us, kStartUs + static_cast<int64_t>(start_us));
      const int64_t num_requests = random.geometric(requests_per_session);
      for (int64_t i = 0; i < num_requests; ++i) {
        requests.push_back({time_us, next_session, user, i == 0, i == 0 && session == 0});
        time_us += draw_gap_us(random);
      }
    }
  }
  std::sort(requests.begin(), requests.end(), [](const auto& a, const auto& b) {
    return std::tie(a.time_us, a.user) < std::tie(b.time_us, b.user);
  });
  return requests;
}

}  // namespace onefold
