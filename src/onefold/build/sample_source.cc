// SPDX-License-Identifier: Apache-2.0
#include "onefold/build/sample_source.h"

#include <numeric>
#include <span>

namespace onefold {

Result<std::optional<SampleRows>> SampleSource::next() {
  while (requests_.has_value()) {
    const SortedRequest request = requests_.value();
    ONEFOLD_RETURN_IF_ERROR(requests_.advance());
    ONEFOLD_ASSIGN_OR_RETURN(const bool dropped, is_dropped(request.key));
    if (dropped) continue;
    ONEFOLD_ASSIGN_OR_RETURN(LabelledRequest labelled, label(request));
    const FeatureRecords& records = *request.records;
    ONEFOLD_RETURN_IF_ERROR(sessions_.add(records.session_id[request.row], request.key.period));
    ONEFOLD_RETURN_IF_ERROR(users_.add(records.user_id[request.row], 0));
    ++num_requests_;
    if (auto rows = cutter_.add(std::move(labelled))) return rows;
  }
  return cutter_.finish();
}

// Both are sorted as the requests are, and have no key that these lack.
Result<bool> SampleSource::is_dropped(const RequestKey& key) {
  if (!routed_.dropped.has_value() || routed_.dropped.value() != key) return false;
  ONEFOLD_RETURN_IF_ERROR(routed_.dropped.advance());
  return true;
}

Status SampleSource::take_events(const RequestKey& key) {
  events_.clear();
  while (routed_.events.has_value() && routed_.events.value().request == key) {
    events_.push_back(routed_.events.value().event);
    ONEFOLD_RETURN_IF_ERROR(routed_.events.advance());
  }
  return {};
}

Result<LabelledRequest> SampleSource::label(const SortedRequest& request) {
  ONEFOLD_RETURN_IF_ERROR(take_events(request.key));
  const FeatureRecords& records = *request.records;
  const int32_t begin = records.candidate_offsets[request.row];
  const int32_t end = records.candidate_offsets[request.row + 1];
  LabelledRequest labelled{.request = request};
  labelled.candidates.resize(end - begin);
  std::iota(labelled.candidates.begin(), labelled.candidates.end(), begin);
  labelled.labels.resize((end - begin) * num_labels_);
  join_.join(request.key.time_us, std::span(records.item_id).subspan(begin, end - begin), events_,
             labelled.labels);
  return labelled;
}

Result<SampleCounts> SampleSource::counts() {
  SampleCounts counts{.requests = num_requests_};
  ONEFOLD_ASSIGN_OR_RETURN(counts.sessions, sessions_.count());
  ONEFOLD_ASSIGN_OR_RETURN(const DistinctCounts users, users_.count());
  counts.users = users.distinct;
  return counts;
}

}  // namespace onefold
