// SPDX-License-Identifier: Apache-2.0
// The two Parquet files of one EB-NeRD split (Ekstra Bladet News Recommendation Dataset, RecSys
// Challenge 2024), as columns.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/jagged/jagged_tensor.h"

namespace onefold {

// behaviors.parquet: one row per impression, file order. Id columns have rows of length 0 or 1.
struct EbnerdBehaviors {
  JaggedTensor<int64_t> session_id, user_id, time_us;
  JaggedTensor<int64_t> device_type, gender, age, postcode;
  JaggedTensor<int64_t> page_article_id;          // the article being read; none: a front page
  std::vector<float> is_sso_user, is_subscriber;  // 0, 1 or NaN
  JaggedTensor<int64_t> inview, clicked;          // article ids
  std::vector<float> read_time, next_read_time;   // seconds, or NaN

  int64_t num_rows() const { return session_id.num_rows(); }
};

// history.parquet: one row per user, four parallel lists, oldest first.
struct EbnerdHistory {
  std::unordered_map<int64_t, int64_t> row_of_user;
  JaggedTensor<int64_t> article_id, time_seconds;
  JaggedTensor<float> read_time, scroll;
};

// kNotFound, kDataLoss or kSchema, naming file and column.
Result<EbnerdBehaviors> read_ebnerd_behaviors(const std::string& path);
// Also kDataLoss when a user is there twice or the lists of one differ in length.
Result<EbnerdHistory> read_ebnerd_history(const std::string& path);

}  // namespace onefold
