// SPDX-License-Identifier: Apache-2.0
// LongTermEvents: the events of long-term users as files for `onefold timeline build`.
//
//   EVENTS/2024-01-01.parquet   user_id, item_id, author_id, topic_id, time, action, surface,
//                               media_type, duration (s), watch_time (s; NULL for explicit actions)
//   EVENTS/mapping.toml         which column is what
#pragma once

#include <string>
#include <vector>

#include "onefold/base/files.h"
#include "onefold/base/status.h"
#include "onefold/log/long_term_catalog.h"
#include "onefold/log/long_term_user.h"

namespace onefold {

class LongTermEvents {
 public:
  // kInvalidArgument when `directory` is there, not empty, and not written by this class.
  static Result<LongTermEvents> create(const std::string& directory);

  Status write_day(int64_t day, const std::vector<LongTermEvent>& events,
                   const LongTermCatalog& catalog);
  Status commit();

 private:
  explicit LongTermEvents(StagingDirectory staging) : staging_(std::move(staging)) {}

  StagingDirectory staging_;
};

}  // namespace onefold
