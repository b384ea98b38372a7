// SPDX-License-Identifier: Apache-2.0
// RecordBuffer: collects single records into columns. LogWriter keeps two per shard; what take()
// returns becomes one block.
#pragma once

#include <cstdint>
#include <vector>

#include "onefold/jagged/schema.h"
#include "onefold/log/record.h"

namespace onefold {

class FeatureBuffer {
 public:
  explicit FeatureBuffer(const Schema& schema);

  // Copies request `row` of `from` with its candidates.
  // REQUIRES: `from` follows the schema; 0 <= row < from.num_requests().
  void append(const FeatureRecords& from, int64_t row);

  int64_t num_records() const { return records_.num_requests(); }
  int64_t bytes() const { return bytes_; }  // of the values held, uncompressed

  // Everything appended since the last take(); the buffer is empty afterwards.
  FeatureRecords take();

 private:
  void reset();

  std::vector<FeatureSpec> user_specs_, item_specs_;  // jagged features
  FeatureRecords empty_;                              // the columns without rows
  FeatureRecords records_;                            // keys, dense columns and candidates
  std::vector<JaggedColumn> user_columns_, item_columns_;
  int64_t bytes_ = 0;
};

class EventBuffer {
 public:
  void append(const EventRecords& from, int64_t row);

  int64_t num_records() const { return records_.num_events(); }
  int64_t bytes() const { return bytes_; }
  EventRecords take();

 private:
  EventRecords records_;
  int64_t bytes_ = 0;
};

}  // namespace onefold
