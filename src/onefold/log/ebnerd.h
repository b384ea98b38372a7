// SPDX-License-Identifier: Apache-2.0
// Imports EB-NeRD (recsys.eb.dk) as published: DIR/{train,validation}/{behaviors,history}.parquet.
//
// One request per behaviors row, its candidates the in-view articles; one "click" event per
// clicked article. Requests are appended in the order of impression_time, as they were served
// (the files are ordered by impression_id, which keeps sessions together).
//
//   request_id = split * 10^10 + row of behaviors.parquet   (split: 1 train, 2 validation)
//   session_id = split * 10^10 + session_id of the file
//   event time = impression_time + read_time, when the reader left the page
//   event value = next_read_time, seconds on the clicked article; NaN if unknown
//
// Request ids come from row numbers because nothing promises that impression_id is unique; session
// ids get the split because 708 of the demo bundle's occur in both splits, 690 of them for another
// user.
// read_time, scroll_percentage and next_* are known only after the request, so they are never
// features.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/jagged/schema.h"
#include "onefold/log/import_progress.h"
#include "onefold/log/log_writer.h"

namespace onefold {

enum class EbnerdSplit { kTrain, kValidation, kAll };
Result<EbnerdSplit> parse_ebnerd_split(const std::string& name);  // "train" | "validation" | "all"

struct EbnerdCounts {
  int64_t requests = 0;
  int64_t candidates = 0;
  int64_t clicks = 0;  // of requests imported
  int64_t events = 0;  // written to the event log
  int64_t users_without_history = 0;
  std::map<std::string, int64_t> skipped;  // reason -> behaviors rows left out
};

// Group "history" (history_article_id, history_time in epoch seconds, history_read_time,
// history_scroll), ids device_type, gender, age, postcode, page_article_id, dense is_sso_user and
// is_subscriber; label "click".
Schema ebnerd_schema();

// Writes a log at `logs`, replacing an older log there in one step; on any error `logs` stays as
// it was. kAll takes the splits that exist, at least one. kInvalidArgument when `logs` exists and
// is not a log; kNotFound, kDataLoss or kSchema, naming file and column, for the inputs.
// Memory: one split's files as columns (its histories once per user, never expanded) and about
// 256 expanded requests. Progress is that of each split.
Result<EbnerdCounts> import_ebnerd(const std::string& directory, const std::string& logs,
                                   EbnerdSplit split, const LogOptions& options = {},
                                   const ImportProgress& progress = {});

}  // namespace onefold
