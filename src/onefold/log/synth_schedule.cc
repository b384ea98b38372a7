// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/synth_schedule.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "onefold/base/hash.h"

namespace onefold {
namespace {

constexpr int64_t kStartUs = 1'704'067'200'000'000;  // 2024-01-01 00:00 UTC
constexpr int64_t kSecondUs = 1'000'000, kMinuteUs = 60 * kSecondUs, kDayUs = 1440 * kMinuteUs;
constexpr uint64_t kStream = 1;  // apart from the random numbers that fill the requests

// Sessions that a sessionizer with the usual idle gap of 30 minutes finds again: requests are
// closer than that, sessions of a user are not.
constexpr int64_t kMaxGapSeconds = 1'190;
constexpr int64_t kBetweenSessionsUs = 30 * kMinuteUs;

int64_t draw_gap_us(const ScheduleOptions& options, SynthRandom& random) {
  const auto seconds = static_cast<int64_t>(random.exponential(options.mean_gap_seconds));
  return kSecondUs * (10 + std::min(kMaxGapSeconds, seconds));
}

// Most people come in the evening, so that sessions overlap: 8 in the evening, give or take an
// hour.
int64_t draw_start_us(const ScheduleOptions& options, SynthRandom& random) {
  const double hour = std::clamp(20 + random.normal(), 16.0, 23.0);
  return kStartUs + random.below(options.days) * kDayUs + static_cast<int64_t>(hour * 3.6e9);
}

// Latest first.
std::vector<int64_t> draw_session_starts(const ScheduleOptions& options, SynthRandom& random) {
  std::vector<int64_t> starts(random.geometric(options.sessions_per_user));
  for (int64_t& start : starts) start = draw_start_us(options, random);
  std::sort(starts.begin(), starts.end(), std::greater());
  return starts;
}

}  // namespace

bool SynthSchedule::Later::operator()(int64_t a, int64_t b) const {
  const auto place = [this](int64_t user) {
    return std::pair((*visitors)[user].request.time_us, user);
  };
  return place(a) > place(b);
}

SynthSchedule::SynthSchedule(ScheduleOptions options)
    : options_(std::move(options)), visitors_(options_.users), queue_(Later{&visitors_}) {
  for (int64_t user = 0; user < options_.users; ++user) {
    Visitor& visitor = visitors_[user];
    visitor.random =
        SynthRandom(hash64(user, hash64(static_cast<int64_t>(options_.seed), kStream)));
    visitor.starts_us = draw_session_starts(options_, visitor.random);
    visitor.request.user = user;
    visitor.request.first_of_user = true;
    visitor.request.session_id = num_sessions_;
    num_sessions_ += static_cast<int64_t>(visitor.starts_us.size());
    begin_session(visitor, 0);
    queue_.push(user);
  }
}

void SynthSchedule::begin_session(Visitor& visitor, int64_t earliest_us) {
  // A long session pushes the next one back rather than run into it.
  visitor.request.time_us = std::max(earliest_us, visitor.starts_us.back());
  visitor.starts_us.pop_back();
  visitor.requests_left = options_.draw_requests(visitor.random);
  visitor.request.first_of_session = true;
  ++visitor.request.session_id;
}

std::optional<ScheduledRequest> SynthSchedule::next() {
  if (queue_.empty()) return std::nullopt;
  const int64_t user = queue_.top();
  queue_.pop();
  Visitor& visitor = visitors_[user];
  ScheduledRequest request = visitor.request;
  visitor.request.first_of_user = visitor.request.first_of_session = false;
  visitor.request.time_us += draw_gap_us(options_, visitor.random);
  if (--visitor.requests_left == 0) {
    request.last_of_user = visitor.starts_us.empty();
    if (request.last_of_user) return request;
    begin_session(visitor, request.time_us + kBetweenSessionsUs);
  }
  queue_.push(user);
  return request;
}

}  // namespace onefold
