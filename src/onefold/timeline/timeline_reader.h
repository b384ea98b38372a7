// SPDX-License-Identifier: Apache-2.0
// TimelineReader: timelines as jagged tensors, streamed or by user.
//
//   user_id            7                    9
//   explicit  item     [101, 102]           []
//             time     [t1, t2]             []          oldest first
//   implicit  item     [101, 205, 206]      [300]
//
// The stream has users in ascending order.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/jagged/keyed_jagged_tensor.h"
#include "onefold/timeline/event.h"
#include "onefold/timeline/timeline_manifest.h"

namespace onefold {

struct TimelineReadOptions {
  // Columns of the tensors; empty: all. Fewer columns are fewer bytes read.
  std::vector<EventColumn> columns;
  // Newest events per user; 0 leaves a timeline out (its rows are empty, nothing of it is read).
  std::array<int64_t, kNumTimelines> max_events = {std::numeric_limits<int64_t>::max(),
                                                   std::numeric_limits<int64_t>::max()};
  // A batch ends after this many users, or with the user who passes this many events.
  int64_t max_batch_users = 1024;
  int64_t max_batch_events = 1 << 20;
  // Ranks stream disjoint ranges of users, of about as many events where there are more ranges than
  // ranks; a rank may get none.
  int rank = 0, world_size = 1;
  int64_t cache_bytes = 256 << 20;  // decoded row groups that read_users() keeps
};

// U users. The tensors have U rows and the keys of to_string(EventColumn): int64 columns with
// kMissing, float columns with NaN where an event lacks the value.
struct TimelineBatch {
  std::vector<int64_t> user_id;  // [U]
  std::array<KeyedJaggedTensor, kNumTimelines> timelines;

  int64_t num_users() const { return static_cast<int64_t>(user_id.size()); }
  const KeyedJaggedTensor& events(TimelineKind kind) const {
    return timelines[static_cast<int>(kind)];
  }
};

// Not thread safe: one reader per thread. Sees the timelines as they were when it was opened. A
// reader that stays open over two later commits may find its files gone (kNotFound): open again.
class TimelineReader {
 public:
  // kNotFound, kUnsupported, kSchema, kDataLoss as the manifest says.
  static Result<std::unique_ptr<TimelineReader>> open(const std::string& directory,
                                                      const TimelineReadOptions& options = {});
  virtual ~TimelineReader() = default;

  virtual const TimelineManifest& manifest() const = 0;

  // The next users of the stream; nullopt at the end. Every user has at least one event in some
  // timeline that is not left out. In memory: one row group per part of a range, and the batch.
  virtual Result<std::optional<TimelineBatch>> next() = 0;
  // The next batch begins with the first user above `user_id`: to resume after a batch, give its
  // last user. Works across readers and generations.
  virtual Status seek_after(int64_t user_id) = 0;

  // Rows for `users`, in their order, repeats allowed; a user without a timeline has empty rows.
  // Sorted internally; ask for many at a time. kInvalidArgument when they have 2^31 events or more.
  virtual Result<TimelineBatch> read_users(std::span<const int64_t> users) = 0;

  // The users touched after `version`, ascending. kNotFound when `version` is of
  // other timelines (a build replaced them): all users changed.
  virtual Result<std::vector<int64_t>> users_changed_since(const TimelineVersion& version) = 0;

  // Bytes of column chunks read so far, as stored.
  virtual int64_t bytes_read() const = 0;
};

}  // namespace onefold
