// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/long_term_user.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "onefold/base/hash.h"

namespace onefold {
namespace {

constexpr uint64_t kStream = 12;
constexpr int64_t kSecondUs = 1'000'000, kHourUs = 3'600 * kSecondUs;
constexpr int64_t kWakeUs = 7 * kHourUs, kAwakeUs = 16 * kHourUs;
constexpr int64_t kBetweenSessionsUs = kHourUs / 2;
constexpr int64_t kSessionsPerUser = 1'000'000;  // session id = user * this + number

// An interest lasts a day on average, and no more than a few hours are certain: what it predicts is
// gone after some days.
constexpr double kLeastInterestHours = 4, kMoreInterestHours = 20;
constexpr double kInterestFromTaste = 0.5;

// Where events come from; the rest is chance.
constexpr double kEventFromInterest = 0.65, kEventFromTaste = 0.12;
constexpr double kCandidateFromInterest = 0.2, kCandidateFromTaste = 0.35;

constexpr double kExplicitPerImpression = 0.2;  // about what the probabilities below come to
constexpr double kNotInterested = 0.02;

struct ExplicitChance {
  LongTermAction action;
  double probability;  // of what is clicked
};
constexpr ExplicitChance kExplicit[] = {{LongTermAction::kComment, 0.06},
                                        {LongTermAction::kShare, 0.06},
                                        {LongTermAction::kSave, 0.05},
                                        {LongTermAction::kFollow, 0.02},
                                        {LongTermAction::kProfileVisit, 0.06}};

}  // namespace

LongTermUser::LongTermUser(int64_t user, int64_t num_events, double sessions_per_day,
                           const LongTermOptions& options, const LongTermCatalog& catalog)
    : options_(&options),
      catalog_(&catalog),
      user_(user),
      num_events_(num_events),
      sessions_per_day_(sessions_per_day),
      random_(hash64(user, hash64(static_cast<int64_t>(options.seed), kStream))),
      taste_(catalog, random_),
      share_until_(options.days) {
  float sum = 0;
  for (float& share : share_until_)
    share = sum += std::exp(0.4f * static_cast<float>(random_.normal()));
  for (float& share : share_until_) share /= sum;
}

void LongTermUser::live(int64_t day, LongTermDay& out) {
  std::vector<Moment> moments;
  if (day >= options_->days - options_->ranking_days) add_requests(day, moments);
  add_impressions(day, moments);
  std::sort(moments.begin(), moments.end(),
            [](const Moment& a, const Moment& b) { return a.time_us < b.time_us; });
  for (const Moment& moment : moments) {
    move_to(moment.time_us);
    if (moment.session_id > 0) {
      ask(moment, out);
    } else if (emitted_ < num_events_) {
      show(moment.time_us, out);
    }
  }
  // Rounding has left a few: the number of events is exact.
  if (day + 1 < options_->days || moments.empty()) return;
  for (int64_t time = moments.back().time_us; emitted_ < num_events_;) {
    show(time += 10 * kSecondUs, out);
  }
}

void LongTermUser::add_impressions(int64_t day, std::vector<Moment>& moments) {
  const auto due = static_cast<int64_t>(share_until_[day] * static_cast<float>(num_events_));
  const double requested = static_cast<double>(moments.size() * options_->candidates);
  const auto count =
      std::llround(static_cast<double>(due - emitted_) / (1 + kExplicitPerImpression) - requested);
  for (int64_t i = 0; i < count; ++i) {
    moments.push_back(
        {kLongTermStartUs + day * kLongTermDayUs + kWakeUs + random_.below(kAwakeUs), 0});
  }
}

void LongTermUser::add_requests(int64_t day, std::vector<Moment>& moments) {
  const auto whole = static_cast<int64_t>(sessions_per_day_);
  const int64_t sessions = whole + random_.chance(sessions_per_day_ - static_cast<double>(whole));
  std::vector<int64_t> starts(sessions);
  for (int64_t& start : starts) {
    start = kLongTermStartUs + day * kLongTermDayUs + kWakeUs + random_.below(kAwakeUs - kHourUs);
  }
  std::sort(starts.begin(), starts.end());
  const int64_t asleep = kLongTermStartUs + (day + 1) * kLongTermDayUs - kBetweenSessionsUs;
  for (int64_t start : starts) {
    int64_t time = std::max(start, session_after_us_);
    const int64_t session = user_ * kSessionsPerUser + next_session_++;
    const int64_t requests = random_.geometric(options_->samples_per_session /
                                               static_cast<double>(options_->candidates));
    for (int64_t i = 0; i < requests && time < asleep; ++i) {
      moments.push_back({time, session});
      session_after_us_ = time + kBetweenSessionsUs;
      time += kSecondUs * (120 + random_.below(240));
    }
  }
}

// The present interest at `time_us`.
void LongTermUser::move_to(int64_t time_us) {
  while (interest_.until_us <= time_us) {
    for (int64_t& topic : interest_.topics) {
      topic = random_.chance(kInterestFromTaste) ? taste_.draw_topic(random_)
                                                 : random_.below(catalog_->num_topics());
    }
    const int64_t begin = std::max(interest_.until_us, kLongTermStartUs);
    const double hours = kLeastInterestHours + random_.exponential(kMoreInterestHours);
    interest_.until_us = begin + static_cast<int64_t>(hours * static_cast<double>(kHourUs));
  }
}

int64_t LongTermUser::draw_item(double from_interest, double from_taste) {
  const double u = random_.uniform();
  if (u < from_interest) {
    const int64_t topic = interest_.topics[random_.below(2)];
    return catalog_->draw_item(taste_.draw_author_of_topic(topic, random_), random_);
  }
  if (u < from_interest + from_taste) {
    const int64_t topic = taste_.draw_topic(random_);
    return catalog_->draw_item(taste_.draw_author_of_topic(topic, random_), random_);
  }
  return catalog_->draw_item(random_.below(catalog_->num_authors()), random_);
}

LongTermCandidate LongTermUser::react(int64_t item) {
  const float affinity = taste_.affinity(catalog_->author(item));
  const float duration = catalog_->duration_seconds(item);
  LongTermCandidate seen{.item = static_cast<int32_t>(item)};
  seen.click_probability =
      click_probability(affinity, interest_.has(catalog_->topic(item)), catalog_->popularity(item));
  seen.click = random_.chance(seen.click_probability);
  if (seen.click) {
    seen.like = random_.chance(like_probability(affinity));
    const double ratio = std::max(0.3, 0.55 + 0.2 * affinity + 0.3 * random_.uniform());
    seen.watch_seconds = static_cast<float>(ratio) * duration;
  } else {
    seen.watch_seconds = std::min(0.3f * duration, static_cast<float>(random_.exponential(2)));
  }
  return seen;
}

void LongTermUser::show(int64_t time_us, LongTermDay& out) {
  const LongTermCandidate seen = react(draw_item(kEventFromInterest, kEventFromTaste));
  emit(seen, time_us, static_cast<uint8_t>(random_.below(kRankedSurface)), out);
}

void LongTermUser::ask(const Moment& moment, LongTermDay& out) {
  LongTermRequest request{moment.time_us, moment.session_id, static_cast<int32_t>(user_), {}};
  int64_t time = moment.time_us;
  while (static_cast<int64_t>(request.candidates.size()) < options_->candidates) {
    int64_t item = draw_item(kCandidateFromInterest, kCandidateFromTaste);
    const auto shown = [&] {
      return std::any_of(request.candidates.begin(), request.candidates.end(),
                         [&](const LongTermCandidate& other) { return other.item == item; });
    };
    while (shown()) item = (item + 1) % options_->items;
    LongTermCandidate seen = react(item);
    seen.seen_us = time += kSecondUs + random_.below(8 * kSecondUs);
    emit(seen, seen.seen_us, kRankedSurface, out);
    request.candidates.push_back(seen);
  }
  out.requests.push_back(std::move(request));
}

void LongTermUser::emit(const LongTermCandidate& seen, int64_t time_us, uint8_t surface,
                        LongTermDay& out) {
  LongTermEvent event{.time_us = time_us,
                      .user = static_cast<int32_t>(user_),
                      .item = seen.item,
                      .watch_seconds = seen.watch_seconds,
                      .surface = surface};
  out.events.push_back(event);
  ++emitted_;
  if (seen.like) emit_explicit(event, LongTermAction::kLike, out);
  if (!seen.click) {
    if (random_.chance(kNotInterested)) emit_explicit(event, LongTermAction::kNotInterested, out);
    return;
  }
  for (const ExplicitChance& chance : kExplicit) {
    if (random_.chance(chance.probability)) emit_explicit(event, chance.action, out);
  }
}

void LongTermUser::emit_explicit(LongTermEvent event, LongTermAction action, LongTermDay& out) {
  if (emitted_ >= num_events_ && event.surface != kRankedSurface) return;
  event.time_us += kSecondUs / 2 + random_.below(5 * kSecondUs);
  event.watch_seconds = std::numeric_limits<float>::quiet_NaN();
  event.action = action;
  out.events.push_back(event);
  ++emitted_;
}

}  // namespace onefold
