// SPDX-License-Identifier: Apache-2.0
// TimelinePartWriter: one Parquet file with a row per user: user_id and one list per column.
#pragma once

#include <memory>
#include <string>

#include "onefold/base/status.h"
#include "onefold/timeline/event.h"
#include "onefold/timeline/timeline_manifest.h"

namespace arrow {
class Schema;
}

namespace onefold {

struct TimelinePartOptions {
  int zstd_level = 3;
  // A row group ends when it has this many events: what reading one user costs.
  int64_t row_group_events = 1 << 16;
};

// user_id: int64; item, author, topic, event_id: list<int64>; time: list<timestamp[us, UTC]>;
// action, surface, media_type: list<int16>; duration, watch_time: list<float>.
std::shared_ptr<arrow::Schema> timeline_arrow_schema();

class TimelinePartWriter {
 public:
  // The file gets its name `path` in close(); until then it is "<path>.tmp".
  static Result<std::unique_ptr<TimelinePartWriter>> create(const std::string& path,
                                                            const TimelinePartOptions& options);
  virtual ~TimelinePartWriter() = default;

  // REQUIRES: users ascend; events are all columns of one user in (time, id) order, not none.
  virtual Status add(int64_t user_id, const EventColumns& events) = 0;
  virtual int64_t num_events() const = 0;  // added so far

  // Fills everything of the part but path, timeline and generation. REQUIRES: add() was
  // called.
  virtual Result<TimelinePart> close() = 0;
};

}  // namespace onefold
