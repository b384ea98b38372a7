// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/long_term_requests.h"

#include "onefold/base/hash.h"

namespace onefold {
namespace {

constexpr int64_t kChunkRequests = 256;
constexpr int64_t kCountries = 30;

void push_one(JaggedTensor<int64_t>& column, int64_t value) { column.push_row({&value, 1}); }

}  // namespace

LongTermRequests::LongTermRequests(const LongTermOptions& options, const LongTermCatalog& catalog)
    : options_(&options),
      catalog_(&catalog),
      schema_(long_term_schema()),
      histories_(options.users) {
  reset();
}

Status LongTermRequests::write_day(const LongTermDay& day, LogWriter& writer) {
  auto event = day.events.begin();
  for (const LongTermRequest& request : day.requests) {
    for (; event != day.events.end() && event->time_us < request.time_us; ++event) {
      remember(*event);
    }
    add(request);
    if (records_.num_requests() == kChunkRequests) ONEFOLD_RETURN_IF_ERROR(flush(writer));
  }
  for (; event != day.events.end(); ++event) remember(*event);
  return flush(writer);
}

void LongTermRequests::remember(const LongTermEvent& event) {
  if (options_->history_length == 0) return;
  History& history = histories_[event.user];
  if (static_cast<int64_t>(history.events.size()) < options_->history_length) {
    history.events.push_back(event);
    return;
  }
  history.events[history.next] = event;
  history.next = (history.next + 1) % history.events.size();
}

void LongTermRequests::add(const LongTermRequest& request) {
  records_.session_id.push_back(request.session_id);
  records_.user_id.push_back(request.user);
  records_.request_id.push_back(++num_requests_);
  records_.time_us.push_back(request.time_us);
  add_history(histories_[request.user]);
  push_one(countries_, static_cast<int64_t>(hash64(request.user, 1) % kCountries));
  for (const LongTermCandidate& candidate : request.candidates) add_candidate(request, candidate);
  records_.candidate_offsets.push_back(static_cast<int32_t>(records_.item_id.size()));
}

void LongTermRequests::add_history(const History& history) {
  std::vector<int64_t> items, authors, topics, actions;
  std::vector<float> watch_seconds;
  const size_t size = history.events.size();
  for (size_t i = 0; i < size; ++i) {
    const LongTermEvent& event = history.events[(history.next + i) % size];
    items.push_back(event.item);
    authors.push_back(catalog_->author(event.item));
    topics.push_back(catalog_->topic(event.item));
    actions.push_back(static_cast<int64_t>(event.action));
    watch_seconds.push_back(event.watch_seconds);
  }
  items_.push_row(items);
  authors_.push_row(authors);
  topics_.push_row(topics);
  actions_.push_row(actions);
  watch_seconds_.push_row(watch_seconds);
}

void LongTermRequests::add_candidate(const LongTermRequest& request,
                                     const LongTermCandidate& candidate) {
  records_.item_id.push_back(candidate.item);
  records_.item_dense.values.push_back(catalog_->duration_seconds(candidate.item));
  push_one(item_authors_, catalog_->author(candidate.item));
  push_one(item_topics_, catalog_->topic(candidate.item));
  const auto act = [&](const char* action, float value) {
    events_.session_id.push_back(request.session_id);
    events_.user_id.push_back(request.user);
    events_.request_id.push_back(num_requests_);
    events_.item_id.push_back(candidate.item);
    events_.time_us.push_back(candidate.seen_us);
    events_.action.push_back(action);
    events_.value.push_back(value);
  };
  if (candidate.click) act("click", candidate.watch_seconds);
  if (candidate.like) act("like", std::numeric_limits<float>::quiet_NaN());
}

Status LongTermRequests::flush(LogWriter& writer) {
  if (records_.num_requests() == 0) return {};
  // The order of long_term_schema().
  records_.user_features =
      keyed(jagged_features(schema_, FeatureScope::kUser), records_.num_requests(),
            {std::move(items_), std::move(authors_), std::move(topics_), std::move(actions_),
             std::move(watch_seconds_), std::move(countries_)});
  records_.item_features =
      keyed(jagged_features(schema_, FeatureScope::kItem), records_.num_candidates(),
            {std::move(item_authors_), std::move(item_topics_)});
  ONEFOLD_RETURN_IF_ERROR(writer.append(records_));
  ONEFOLD_RETURN_IF_ERROR(writer.append(events_));
  reset();
  return {};
}

void LongTermRequests::reset() {
  records_ = empty_feature_records(schema_);
  events_ = {};
  items_ = authors_ = topics_ = actions_ = countries_ = item_authors_ = item_topics_ = {};
  watch_seconds_ = {};
}

}  // namespace onefold
