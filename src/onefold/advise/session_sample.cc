// SPDX-License-Identifier: Apache-2.0
#include "onefold/advise/session_sample.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "onefold/base/hash.h"

namespace onefold {
namespace {

constexpr int64_t kMaxValues = int64_t{1} << 30;  // of one feature

using Picked = std::vector<int64_t>;  // samples of a chunk

// Folds one feature while its samples go by.
class FeatureFolder {
 public:
  explicit FeatureFolder(std::string name) { folded_.name = std::move(name); }

  Status add(const JaggedTensor<int64_t>& rows, const std::vector<int32_t>& row_of_sample,
             const Picked& picked) {
    std::unordered_map<int64_t, int32_t> known;  // rows of the chunk
    for (int64_t sample : picked) {
      const int64_t row = row_of_sample.empty() ? sample : row_of_sample[sample];
      const auto [at, is_new] = known.try_emplace(row, 0);
      if (is_new) at->second = row_number(rows.row(row));
      folded_.row_of_sample.push_back(at->second);
    }
    if (folded_.rows.num_values() <= kMaxValues) return {};
    return unsupported("feature '" + folded_.name +
                       "': the sampled sessions have more than 2^30 distinct values; sample fewer");
  }

  SampledFeature finish() && { return std::move(folded_); }

 private:
  int32_t row_number(std::span<const int64_t> row) {
    const uint64_t hash = hash64(row.data(), row.size_bytes());
    const auto [begin, end] = rows_by_hash_.equal_range(hash);
    for (auto at = begin; at != end; ++at) {
      if (std::ranges::equal(folded_.rows.row(at->second), row)) return at->second;
    }
    const auto number = static_cast<int32_t>(folded_.rows.num_rows());
    folded_.rows.push_row(row);
    rows_by_hash_.emplace(hash, number);
    return number;
  }

  SampledFeature folded_;
  std::unordered_multimap<uint64_t, int32_t> rows_by_hash_;
};

// Picks runs of sessions, counted by first appearance, by a hash of the run's number.
class SessionPicker {
 public:
  SessionPicker(int64_t num_sessions, int64_t take)
      : share_(static_cast<double>(take) / static_cast<double>(std::max<int64_t>(1, num_sessions))),
        run_(std::clamp<int64_t>(take / 8, 1, kMaxRun)) {}

  Picked pick(const std::vector<uint64_t>& sessions) {
    Picked picked;
    for (size_t i = 0; i < sessions.size(); ++i) {
      const auto next = static_cast<int64_t>(numbers_.size());
      const int64_t number = numbers_.try_emplace(sessions[i], next).first->second;
      if (share_ >= 1 || 0x1p-64 * static_cast<double>(hash64(number / run_)) < share_) {
        picked.push_back(static_cast<int64_t>(i));
      }
    }
    return picked;
  }

 private:
  static constexpr int64_t kMaxRun = 128;

  const double share_;
  const int64_t run_;  // sessions
  std::unordered_map<uint64_t, int64_t> numbers_;
};

template <typename T>
void append(const std::vector<T>& from, const Picked& picked, std::vector<T>& to) {
  if (from.empty()) return;
  for (int64_t i : picked) to.push_back(from[i]);
}

template <typename T>
void permute(const std::vector<int32_t>& order, std::vector<T>& values) {
  if (values.empty()) return;
  std::vector<T> ordered;
  ordered.reserve(values.size());
  for (int32_t i : order) ordered.push_back(values[i]);
  values = std::move(ordered);
}

void order_by_session(SessionSample& sample, std::vector<int64_t>& time) {
  std::unordered_map<uint64_t, int32_t> numbers;
  std::vector<int32_t> number;  // of each sample's session, by first appearance
  for (uint64_t session : sample.session) {
    number.push_back(
        numbers.try_emplace(session, static_cast<int32_t>(numbers.size())).first->second);
  }
  std::vector<int32_t> order(number.size());
  std::iota(order.begin(), order.end(), 0);
  const auto key = [&](int32_t i) {
    const bool timed = !time.empty();
    return std::tuple(number[i], timed ? time[i] : 0,
                      timed && !sample.request.empty() ? sample.request[i] : 0);
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](int32_t a, int32_t b) { return key(a) < key(b); });
  permute(order, sample.session);
  permute(order, sample.user);
  permute(order, sample.request);
  permute(order, time);
  for (SampledFeature& feature : sample.features) permute(order, feature.row_of_sample);
}

}  // namespace

int64_t SessionSample::num_sessions() const {
  int64_t sessions = 0;
  for (size_t i = 0; i < session.size(); ++i) sessions += i == 0 || session[i] != session[i - 1];
  return sessions;
}

Result<SessionSample> take_sessions(SampleSource& source, int64_t num_sessions, int64_t take) {
  SessionPicker picker(num_sessions, take);
  SessionSample sample;
  std::vector<int64_t> time;
  std::vector<FeatureFolder> folders;
  for (const SourceGroup& group : source.groups()) {
    for (const SourceFeature& feature : group.features) folders.emplace_back(feature.name);
  }
  for (;;) {
    ONEFOLD_ASSIGN_OR_RETURN(const std::optional<SampleChunk> chunk, source.next());
    if (!chunk) break;
    const Picked picked = picker.pick(chunk->session);
    append(chunk->session, picked, sample.session);
    append(chunk->user.empty() ? chunk->session : chunk->user, picked, sample.user);
    append(chunk->request, picked, sample.request);
    append(chunk->time, picked, time);
    size_t folder = 0;
    for (const SampleChunk::Rows& rows : chunk->groups) {
      for (const auto& feature : rows.features) {
        ONEFOLD_RETURN_IF_ERROR(folders[folder++].add(feature, rows.row_of_sample, picked));
      }
    }
  }
  for (FeatureFolder& folder : folders) sample.features.push_back(std::move(folder).finish());
  order_by_session(sample, time);
  if (sample.request.empty()) sample.request.assign(time.begin(), time.end());
  return sample;
}

std::vector<int32_t> join_rows(const std::vector<int32_t>& a, const std::vector<int32_t>& b) {
  std::vector<int32_t> joint(a.size());
  std::unordered_map<int64_t, int32_t> pairs;
  for (size_t i = 0; i < a.size(); ++i) {
    if (i > 0 && a[i] == a[i - 1] && b[i] == b[i - 1]) {
      joint[i] = joint[i - 1];
      continue;
    }
    const int64_t pair = (int64_t{a[i]} << 32) | b[i];
    joint[i] = pairs.try_emplace(pair, static_cast<int32_t>(pairs.size())).first->second;
  }
  return joint;
}

std::vector<int32_t> joint_rows(const SessionSample& sample, std::span<const int> features) {
  std::vector<int32_t> joint(sample.num_samples(), 0);
  for (int f : features) joint = join_rows(joint, sample.features[f].row_of_sample);
  return joint;
}

}  // namespace onefold
