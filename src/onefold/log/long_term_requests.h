// SPDX-License-Identifier: Apache-2.0
// LongTermRequests: the ranking log of long-term users: requests with the newest events before
// them.
#pragma once

#include <cstdint>
#include <vector>

#include "onefold/log/long_term_catalog.h"
#include "onefold/log/long_term_user.h"
#include "onefold/log/record.h"

namespace onefold {

class LongTermRequests {
 public:
  LongTermRequests(const LongTermOptions& options, const LongTermCatalog& catalog);

  // Remembers a day's events and appends its requests, each with what its user had done before it.
  // REQUIRES: days in order, each by time.
  Status write_day(const LongTermDay& day, LogWriter& writer);

  int64_t num_requests() const { return num_requests_; }

 private:
  // The newest events of one user, a ring.
  struct History {
    std::vector<LongTermEvent> events;
    size_t next = 0;
  };

  void remember(const LongTermEvent& event);
  void add(const LongTermRequest& request);
  void add_history(const History& history);
  void add_candidate(const LongTermRequest& request, const LongTermCandidate& candidate);
  Status flush(LogWriter& writer);
  void reset();

  const LongTermOptions* options_;
  const LongTermCatalog* catalog_;
  Schema schema_;
  std::vector<History> histories_;  // [users]
  int64_t num_requests_ = 0;
  FeatureRecords records_;
  EventRecords events_;
  JaggedTensor<int64_t> items_, authors_, topics_, actions_, countries_;
  JaggedTensor<float> watch_seconds_;
  JaggedTensor<int64_t> item_authors_, item_topics_;
};

}  // namespace onefold
