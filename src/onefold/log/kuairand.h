// SPDX-License-Identifier: Apache-2.0
// Imports KuaiRand-Pure (kuairand.com): DIR/impressions.csv.zst and DIR/user_history.csv.zst.
//
// One request per (user, time), its candidates the videos shown then. Requests are appended in the
// order of their time.
//
//   request_id = row of impressions.csv.zst, of the request's first candidate
//   session_id = request_id of the session's first request; 30 minutes without a request end one
//   event time = time + play time, when the video was left
//   events     = "click", "long_view", "like"; "watch", its value the seconds played, if any
//
// The history of a request is the newest 50 of the user's watch_seq and, after it, the videos shown
// to the user strictly before the request, oldest first. Requests not later than last_time_ms go
// without watch_seq: nothing tells which part of it was seen by then. Authors of videos do not
// change, so those of the history come from any row of the file; kNoAuthor where none names the
// video.
#pragma once

#include <cstdint>
#include <string>

#include "onefold/base/status.h"
#include "onefold/jagged/schema.h"
#include "onefold/log/import_progress.h"
#include "onefold/log/kuairand_files.h"
#include "onefold/log/log_writer.h"

namespace onefold {

struct KuaiRandCounts {
  int64_t requests = 0;
  int64_t candidates = 0;
  int64_t clicks = 0;
  int64_t events = 0;
  int64_t users = 0;
  int64_t users_without_history = 0;
  int64_t duplicates = 0;  // rows of a user, video and time that were there before; left out
  PutAside skipped;        // reason -> rows left out
};

// Group "history" (history_video_id, history_author); per candidate id author, id list tag, dense
// duration in seconds; labels click, long_view, like and the value watch_time in seconds.
Schema kuairand_schema();

// Writes a log at `logs`, replacing an older log there in one step; on any error `logs` stays as
// it was. kInvalidArgument when `logs` exists and is not a log; kNotFound, kSchema,
// kDataLoss or kIoError, naming the file, for the inputs. Memory: both files as columns and 256
// expanded requests.
Result<KuaiRandCounts> import_kuairand(const std::string& directory, const std::string& logs,
                                       const LogOptions& options = {},
                                       const ImportProgress& progress = {});

}  // namespace onefold
