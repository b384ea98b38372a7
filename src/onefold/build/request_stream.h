// SPDX-License-Identifier: Apache-2.0
// RequestStream: the requests of all runs, merged in the order of their keys.
#pragma once

#include <memory>
#include <vector>

#include "onefold/build/sorted_runs.h"

namespace onefold {

// A request, and the block of records that it is a row of.
struct SortedRequest {
  RequestKey key;
  RecordsPtr records;
  int32_t row = 0;
};

class RequestStream {
 public:
  // Reads the first requests. Each run's next block is read ahead by `pool` if `read_ahead`.
  // Borrows all.
  static Result<std::unique_ptr<RequestStream>> open(const SortedRuns& runs, WorkerPool& pool,
                                                     bool read_ahead);
  ~RequestStream();

  bool has_value() const { return !heap_.empty(); }
  const SortedRequest& value() const;
  Status advance();

 private:
  class Cursor;
  RequestStream();
  static bool later(const Cursor* a, const Cursor* b);

  std::vector<std::unique_ptr<Cursor>> cursors_;
  std::vector<Cursor*> heap_;  // those with requests left; the smallest key in front
};

}  // namespace onefold
