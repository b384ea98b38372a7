// SPDX-License-Identifier: Apache-2.0
// The two files of KuaiRand-Pure (kuairand.com) that the importer reads, as rows.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/jagged/jagged_tensor.h"

namespace onefold {

inline constexpr int64_t kNoAuthor = -1;

struct KuaiRandImpression {
  int64_t row = 0;  // of the file, counting rows put aside too
  int64_t user_id = 0, video_id = 0, time_us = 0;
  int64_t author_id = kNoAuthor;
  int64_t tags = 0;         // row of KuaiRandImpressions::tags
  float duration = 0;       // seconds, or NaN
  float watch_seconds = 0;  // how long the video was played, or NaN
  bool click = false, long_view = false, like = false;
};

using PutAside = std::map<std::string, int64_t>;  // reason -> rows

struct KuaiRandImpressions {
  std::vector<KuaiRandImpression> rows;  // file order
  JaggedTensor<int64_t> tags;
};

struct KuaiRandHistory {
  std::unordered_map<int64_t, int64_t> row_of_user;
  JaggedTensor<int64_t> videos;       // watch_seq, oldest first
  std::vector<int64_t> last_time_us;  // of its newest video; the others have no time
};

// Rows that cannot be read are left out and counted by reason. Errors as
// read_csv_rows(), naming the file.
Result<KuaiRandImpressions> read_kuairand_impressions(const std::string& path, PutAside* skipped);
Result<KuaiRandHistory> read_kuairand_history(const std::string& path, PutAside* skipped);

}  // namespace onefold
