// SPDX-License-Identifier: Apache-2.0
#include "onefold/build/sample_source.h"

#include <algorithm>
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
    sample_negatives(labelled);
    if (labelled.candidates.empty()) continue;
    const FeatureRecords& records = *request.records;
    ONEFOLD_RETURN_IF_ERROR(sessions_.add(records.session_id[request.row], request.key.period));
    ONEFOLD_RETURN_IF_ERROR(users_.add(records.user_id[request.row], 0));
    ++counts_.requests;
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

// Keeps positives and the negatives that are drawn.
void SampleSource::sample_negatives(LabelledRequest& labelled) {
  const int32_t begin = labelled.candidates.front();
  size_t kept = 0;
  for (size_t i = 0; i < labelled.candidates.size(); ++i) {
    const auto labels = labelled.labels.begin() + static_cast<int64_t>(i * num_labels_);
    const bool negative = std::all_of(labels, labels + static_cast<int64_t>(num_labels_),
                                      [](float label) { return label == 0; });
    counts_.negatives += negative;
    if (negative && !keeps_negative(sampling_, labelled.request.key.request_id,
                                    labelled.candidates[i] - begin)) {
      continue;
    }
    counts_.kept_negatives += negative;
    labelled.candidates[kept] = labelled.candidates[i];
    std::copy_n(labels, num_labels_,
                labelled.labels.begin() + static_cast<int64_t>(kept * num_labels_));
    ++kept;
  }
  labelled.candidates.resize(kept);
  labelled.labels.resize(kept * num_labels_);
}

Result<SampleCounts> SampleSource::counts() {
  ONEFOLD_ASSIGN_OR_RETURN(counts_.sessions, sessions_.count());
  ONEFOLD_ASSIGN_OR_RETURN(const DistinctCounts users, users_.count());
  counts_.users = users.distinct;
  return counts_;
}

}  // namespace onefold
