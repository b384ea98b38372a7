// SPDX-License-Identifier: Apache-2.0
// Sessions made up for tests: a SampleSource out of lists.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "onefold/advise/session_sample.h"

namespace onefold {

using List = std::vector<int64_t>;
using ListOf = std::function<List(int64_t session, int64_t sample)>;  // sample of the session

class TestSessions : public SampleSource {
 public:
  // Requests of `request_samples` samples; a chunk holds one session.
  TestSessions(int64_t num_sessions, int64_t session_samples, int64_t request_samples)
      : num_sessions_(num_sessions),
        session_samples_(session_samples),
        request_samples_(request_samples) {}

  TestSessions& add(const std::string& name, ListOf list) {
    groups_.push_back({"", {{name, "id_list"}}});
    lists_.push_back(std::move(list));
    return *this;
  }

  const std::vector<SourceGroup>& groups() const override { return groups_; }
  const std::vector<std::string>& labels() const override { return labels_; }

  Result<std::optional<SampleChunk>> next() override {
    if (session_ == num_sessions_) return std::optional<SampleChunk>();
    SampleChunk chunk;
    chunk.groups.resize(lists_.size());
    for (auto& rows : chunk.groups) rows.features.emplace_back();
    for (int64_t i = 0; i < session_samples_; ++i) {
      chunk.session.push_back(session_);
      chunk.request.push_back(i / request_samples_);
      chunk.time.push_back(i / request_samples_);
      for (size_t f = 0; f < lists_.size(); ++f) {
        chunk.groups[f].features[0].push_row(lists_[f](session_, i));
      }
    }
    ++session_;
    return std::optional<SampleChunk>(std::move(chunk));
  }

 private:
  const int64_t num_sessions_, session_samples_, request_samples_;
  int64_t session_ = 0;
  std::vector<SourceGroup> groups_;
  std::vector<std::string> labels_;
  std::vector<ListOf> lists_;
};

// [first, first + 1, ...]
inline List counting(int64_t first, int64_t length) {
  List list;
  for (int64_t i = 0; i < length; ++i) list.push_back(first + i);
  return list;
}

}  // namespace onefold
