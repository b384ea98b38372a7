// SPDX-License-Identifier: Apache-2.0
#include "onefold/inspect/observations.h"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "onefold/base/hash.h"
#include "onefold/inspect/session_repeats.h"

namespace onefold {
namespace {

uint64_t hash_row(const JaggedTensor<int64_t>& rows, int64_t row) {
  const auto words = rows.row(row);
  return hash64(words.data(), words.size_bytes());
}

// One group while its samples go by.
class GroupObserver {
 public:
  GroupObserver(const SourceGroup& group, int64_t max_bytes_per_feature)
      : repeats_(group.features.size(), SessionRepeats(max_bytes_per_feature)) {
    observed_.name = group.name;
    for (const SourceFeature& feature : group.features) {
      observed_.features.push_back({.feature = feature});
    }
  }

  void add(const std::vector<uint64_t>& sessions, const SampleChunk::Rows& rows) {
    const auto first_row = static_cast<uint32_t>(observed_.num_rows);
    const int64_t num_rows = rows.features.front().num_rows();
    for (size_t f = 0; f < rows.features.size(); ++f) {
      FeatureObservations& feature = observed_.features[f];
      for (int64_t row = 0; row < num_rows; ++row) {
        feature.row_hash.push_back(hash_row(rows.features[f], row));
      }
      feature.row_values += rows.features[f].num_values();
    }
    for (size_t i = 0; i < sessions.size(); ++i) {
      const auto row = rows.row_of_sample.empty() ? static_cast<int32_t>(i) : rows.row_of_sample[i];
      if (!observed_.name.empty()) observed_.row_of_sample.push_back(first_row + row);
      const bool same_row = i > 0 && !rows.row_of_sample.empty() &&
                            sessions[i] == sessions[i - 1] && row == rows.row_of_sample[i - 1];
      add_sample(sessions[i], rows.features, row, first_row + row, same_row);
    }
    observed_.num_rows += num_rows;
  }

  GroupObservations finish() && {
    for (size_t f = 0; f < repeats_.size(); ++f) {
      observed_.features[f].exact_duplicates = repeats_[f].exact();
      observed_.features[f].covered_values = repeats_[f].covered_values();
      observed_.features[f].forgot_sessions = repeats_[f].forgot_sessions();
    }
    return std::move(observed_);
  }

 private:
  // `row` of the chunk is row `global_row` of the group; `same_row`: as the session's sample
  // before.
  void add_sample(uint64_t session, const std::vector<JaggedTensor<int64_t>>& features, int32_t row,
                  uint32_t global_row, bool same_row) {
    for (size_t f = 0; f < features.size(); ++f) {
      const auto list = features[f].row(row);
      observed_.features[f].sample_values += static_cast<int64_t>(list.size());
      if (same_row) {
        repeats_[f].repeat();
      } else {
        repeats_[f].add(session, observed_.features[f].row_hash[global_row], list);
      }
    }
  }

  GroupObservations observed_;
  std::vector<SessionRepeats> repeats_;  // [features]
};

// Numbers sessions, and counts samples that are stored after a later one of their session.
class SessionObserver {
 public:
  void add(const SampleChunk& chunk, Observations& observed) {
    for (size_t i = 0; i < chunk.session.size(); ++i) {
      const auto next = static_cast<uint32_t>(numbers_.size());
      const uint32_t number = numbers_.try_emplace(chunk.session[i], next).first->second;
      observed.session.push_back(number);
      if (chunk.time.empty()) continue;
      if (number == latest_.size()) latest_.push_back(std::numeric_limits<int64_t>::min());
      observed.num_out_of_order += chunk.time[i] < latest_[number];
      latest_[number] = std::max(latest_[number], chunk.time[i]);
    }
    observed.time.insert(observed.time.end(), chunk.time.begin(), chunk.time.end());
    observed.num_sessions = static_cast<int64_t>(numbers_.size());
  }

 private:
  std::unordered_map<uint64_t, uint32_t> numbers_;
  std::vector<int64_t> latest_;  // [sessions]
};

}  // namespace

Result<Observations> observe(SampleSource& source, int64_t max_session_bytes) {
  Observations observed;
  observed.positives.assign(source.labels().size(), 0);
  int64_t num_features = 0;
  for (const SourceGroup& group : source.groups()) num_features += group.features.size();
  std::vector<GroupObserver> groups;
  for (const SourceGroup& group : source.groups()) {
    groups.emplace_back(group, max_session_bytes / std::max<int64_t>(num_features, 1));
  }
  SessionObserver sessions;
  std::unordered_set<uint64_t> users;
  for (;;) {
    ONEFOLD_ASSIGN_OR_RETURN(const std::optional<SampleChunk> chunk, source.next());
    if (!chunk) break;
    if (observed.num_samples() + chunk->num_samples() > std::numeric_limits<uint32_t>::max()) {
      return unsupported("more than 2^32 samples cannot be inspected at once; take a partition");
    }
    sessions.add(*chunk, observed);
    users.insert(chunk->user.begin(), chunk->user.end());
    if (!chunk->user.empty()) {
      observed.num_users = static_cast<int64_t>(users.size() - users.count(kNullWord));
    }
    for (size_t l = 0; l < observed.positives.size(); ++l) {
      observed.positives[l] += chunk->positives[l];
    }
    for (size_t g = 0; g < groups.size(); ++g) groups[g].add(chunk->session, chunk->groups[g]);
  }
  for (GroupObserver& group : groups) observed.groups.push_back(std::move(group).finish());
  return observed;
}

}  // namespace onefold
