// SPDX-License-Identifier: Apache-2.0
// Blocks of the two streams of a log: records <-> one Arrow record batch with a checksum.
// docs/log_format.md says the same in words.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <arrow/type_fwd.h>

#include "onefold/base/status.h"
#include "onefold/jagged/schema.h"
#include "onefold/log/record.h"

namespace onefold {

struct Block {
  std::shared_ptr<arrow::RecordBatch> batch;
  std::string checksum;  // 16 hex digits; empty in a block whose writer gave none
};

class FeatureCodec {
 public:
  using Records = FeatureRecords;
  static constexpr const char* kStream = "feature";

  explicit FeatureCodec(const Schema& schema);

  const std::shared_ptr<arrow::Schema>& arrow_schema() const { return arrow_schema_; }
  // The batch borrows from `records`. REQUIRES: `records` follow the schema.
  Block encode(const FeatureRecords& records) const;
  // kDataLoss when columns contradict each other or the checksum. REQUIRES: the batch has
  // arrow_schema().
  Result<FeatureRecords> decode(const Block& block) const;

 private:
  Schema schema_;
  std::shared_ptr<arrow::Schema> arrow_schema_;
};

class EventCodec {
 public:
  using Records = EventRecords;
  static constexpr const char* kStream = "event";

  explicit EventCodec(const Schema& schema);

  const std::shared_ptr<arrow::Schema>& arrow_schema() const { return arrow_schema_; }
  Block encode(const EventRecords& records) const;
  Result<EventRecords> decode(const Block& block) const;

 private:
  std::shared_ptr<arrow::Schema> arrow_schema_;
};

inline int64_t num_records(const FeatureRecords& records) { return records.num_requests(); }
inline int64_t num_records(const EventRecords& records) { return records.num_events(); }

}  // namespace onefold
