// SPDX-License-Identifier: Apache-2.0
// RequestWriter: rows in the order of the input -> requests and events in a log.
//
//   u1, t1, item a    one request, two candidates
//   u1, t1, item b
//   u1, t2, item a    closes it and opens the next
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/log/log_writer.h"
#include "onefold/log/record.h"
#include "onefold/row_import/import_rows.h"
#include "onefold/row_import/row_mapping.h"
#include "onefold/row_import/row_reader.h"

namespace onefold {

class RequestWriter {
 public:
  // Borrows all but the schema.
  RequestWriter(Schema schema, const RowMapping& mapping, LogWriter& writer, RowCounts* counts);

  // Why the row is left out, if it is: it comes back to a closed request, repeats an item of its
  // request or has another user than it.
  Result<LeftOut> add(Row&& row);
  Status finish();

 private:
  // Rows of one request so far; `first` is what its user features come from.
  struct Open {
    Row first;
    int64_t key = 0, request_id = 0, session_id = 0;
    std::unordered_set<int64_t> items = {};
  };

  int64_t key_of(const Row& row) const;
  int64_t session_of(const Row& row);
  bool differs(const Row& row) const;
  Status open_request(Row&& row, int64_t key);
  void add_candidate(const Row& row);
  Status flush();

  Schema schema_;
  const RowMapping& mapping_;
  LogWriter& writer_;
  RowCounts* counts_;

  std::vector<size_t> user_dense_, user_jagged_, item_dense_, item_jagged_;  // into the features
  std::optional<Open> open_;
  std::unordered_set<int64_t> seen_;  // keys of all requests
  struct Session {
    int64_t id = 0, last_us = 0;
  };
  std::unordered_map<int64_t, Session> sessions_;  // by user
  int64_t num_sessions_ = 0;

  FeatureRecords records_;
  std::vector<JaggedColumn> user_columns_, item_columns_;
  EventRecords events_;
};

}  // namespace onefold
