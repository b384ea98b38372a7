// SPDX-License-Identifier: Apache-2.0
// LongTermUser: what one user does, day by day.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "onefold/log/long_term.h"
#include "onefold/log/long_term_catalog.h"
#include "onefold/log/synth_random.h"

namespace onefold {

inline constexpr int64_t kLongTermStartUs = 1'704'067'200'000'000;  // 2024-01-01 00:00 UTC
inline constexpr int64_t kLongTermDayUs = 86'400'000'000;

enum class LongTermAction : uint8_t {
  kImpression,
  kLike,
  kComment,
  kShare,
  kSave,
  kFollow,
  kProfileVisit,
  kNotInterested,
};
inline constexpr std::array kLongTermActions = {
    "impression", "like", "comment", "share", "save", "follow", "profile_visit", "not_interested"};
inline constexpr std::array kLongTermSurfaces = {"feed", "explore", "search", "ranked"};
inline constexpr uint8_t kRankedSurface = 3;  // what a logged request showed

struct LongTermEvent {
  int64_t time_us = 0;
  int32_t user = 0;
  int32_t item = 0;
  float watch_seconds = 0;  // NaN for explicit actions
  LongTermAction action = LongTermAction::kImpression;
  uint8_t surface = 0;
};

struct LongTermCandidate {
  int32_t item = 0;
  bool click = false, like = false;
  float watch_seconds = 0;
  double click_probability = 0;
  int64_t seen_us = 0;
};

struct LongTermRequest {
  int64_t time_us = 0;
  int64_t session_id = 0;
  int32_t user = 0;
  std::vector<LongTermCandidate> candidates;
};

struct LongTermDay {
  std::vector<LongTermEvent> events;      // by time once all users are in
  std::vector<LongTermRequest> requests;  // likewise
};

class LongTermUser {
 public:
  // `num_events` in all days, `sessions_per_day` in ranking days. All random numbers of a user come
  // from one sequence of their own.
  LongTermUser(int64_t user, int64_t num_events, double sessions_per_day,
               const LongTermOptions& options, const LongTermCatalog& catalog);

  // Appends what happens on `day`. REQUIRES: days in order, each once.
  void live(int64_t day, LongTermDay& out);

  // So far; more than asked for if the requests alone show more than a light user's events.
  int64_t num_events() const { return emitted_; }

 private:
  struct Interest {
    std::array<int64_t, 2> topics = {};
    int64_t until_us = 0;
    bool has(int64_t topic) const { return topics[0] == topic || topics[1] == topic; }
  };
  struct Moment {
    int64_t time_us = 0;
    int64_t session_id = 0;  // 0: not a request
  };

  void add_impressions(int64_t day, std::vector<Moment>& moments);
  void add_requests(int64_t day, std::vector<Moment>& moments);
  void move_to(int64_t time_us);
  int64_t draw_item(double from_interest, double from_taste);
  LongTermCandidate react(int64_t item);
  void show(int64_t time_us, LongTermDay& out);
  void ask(const Moment& moment, LongTermDay& out);
  void emit(const LongTermCandidate& seen, int64_t time_us, uint8_t surface, LongTermDay& out);
  void emit_explicit(LongTermEvent event, LongTermAction action, LongTermDay& out);

  const LongTermOptions* options_;
  const LongTermCatalog* catalog_;
  int64_t user_;
  int64_t num_events_;
  double sessions_per_day_;
  SynthRandom random_;
  LongTermTaste taste_;
  Interest interest_;
  std::vector<float> share_until_;  // [days] share of the events that come by the end of each day
  int64_t emitted_ = 0;
  int64_t next_session_ = 1;
  int64_t session_after_us_ = 0;  // no session begins before
};

}  // namespace onefold
