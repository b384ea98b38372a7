// SPDX-License-Identifier: Apache-2.0
// Timelines of a batch -> tensors: the events of its users, each once, and one set of windows for
// every cut-off that its samples have.
//
//   samples            user 7 at t1, user 7 at t2, user 9 at t3, user 7 at t1
//   unique rows        (7, t1 - gap), (7, t2 - gap), (9, t3 - gap)      inverse 0 1 2 0
//   events             those of user 7, then those of user 9
//   windows            per unique row and window of the slices: a range of the events
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/TensorBody.h>

#include "onefold/base/status.h"
#include "onefold/ops/window_plan.h"
#include "onefold/timeline/event.h"
#include "onefold/timeline/slice_layout.h"
#include "onefold/timeline/sliced_timeline.h"
#include "onefold/timeline/timeline_reader.h"

namespace onefold {

// E events of one timeline; C columns as TimelineLayout::spaces.
struct EventTensors {
  at::Tensor ids;                     // int64 [C, E]: rows of the tables, or places in table_ids
  at::Tensor masks;                   // int64 [E, words]
  std::optional<at::Tensor> weights;  // float32 [E]
  WindowPlan windows;                 // of U * num_windows windows, window of a row by window
};

struct TimelineTensors {
  int64_t num_rows = 0;                               // U: distinct (user, cut-off)
  at::Tensor inverse_indices;                         // int32 [B]
  bool is_identity = false;                           // as GroupTensors
  std::array<EventTensors, kNumTimelines> timelines;  // undefined tensors where it has no slices
  // Per id space, int64: the distinct table rows that `ids` number; empty when they are rows.
  std::vector<at::Tensor> space_ids;
};

struct TimelineTensorOptions {
  std::array<int64_t, kNumTimelines> max_events = {35'000, 35'000};  // newest before the cut-off
  IdTableRows table_rows;
  // Number the distinct rows of the batch, as training wants it; else `ids` are table rows.
  bool number_ids = true;
  // off: every sample carries its own copy of its events (`--dedup off`).
  bool share = true;
  // Of sliced timelines kept between batches. When all users fit, they are read in one stream at
  // the first call: reading one user decodes the row groups of its neighbours with it.
  int64_t cache_bytes = int64_t{1} << 30;
};

// Reads the timelines of users. Not thread safe.
class TimelineTensorizer {
 public:
  // kNotFound and so on as TimelineReader::open. `layout` must outlive it.
  static Result<std::unique_ptr<TimelineTensorizer>> open(const std::string& timelines,
                                                          const SliceLayout& layout,
                                                          const TimelineTensorOptions& options);
  virtual ~TimelineTensorizer() = default;

  // Sample i sees user_id[i]'s events before cutoff_us[i]; users without a timeline have none.
  virtual Result<TimelineTensors> operator()(std::span<const int64_t> user_id,
                                             std::span<const int64_t> cutoff_us) = 0;
  // The same for the users of a stream, already read: row i is user i.
  virtual Result<TimelineTensors> from_batch(const TimelineBatch& batch, int64_t cutoff_us) = 0;

  // Names in slices that the timelines' vocabularies lack.
  virtual std::vector<std::string> unknown_names() const = 0;
};

}  // namespace onefold
