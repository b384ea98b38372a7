// SPDX-License-Identifier: Apache-2.0
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>
#include <nlohmann/json.hpp>

#include "onefold/log/arrow_columns.h"
#include "onefold/log/block_checksum.h"
#include "onefold/log/block_codec.h"

namespace onefold {

EventCodec::EventCodec(const Schema& schema) {
  arrow::FieldVector fields;
  for (const char* name : {"session_id", "user_id", "request_id", "item_id"}) {
    fields.push_back(arrow::field(name, arrow::int64(), false));
  }
  fields.push_back(arrow::field("time", time_type(), false));
  fields.push_back(arrow::field("action", arrow::utf8(), false));
  fields.push_back(arrow::field("value", arrow::float32(), false));
  arrow_schema_ = arrow::schema(std::move(fields),
                                arrow::key_value_metadata({"onefold.stream", "onefold.schema"},
                                                          {kStream, to_json(schema).dump()}));
}

Block EventCodec::encode(const EventRecords& records) const {
  return {arrow::RecordBatch::Make(arrow_schema_, records.num_events(),
                                   {int64_array(records.session_id), int64_array(records.user_id),
                                    int64_array(records.request_id), int64_array(records.item_id),
                                    time_array(records.time_us), string_array(records.action),
                                    float_array(records.value)}),
          block_checksum(records)};
}

Result<EventRecords> EventCodec::decode(const Block& block) const {
  const auto& columns = block.batch->columns();
  EventRecords records;
  ONEFOLD_RETURN_IF_ERROR(decode_int64(*columns[0], &records.session_id));
  ONEFOLD_RETURN_IF_ERROR(decode_int64(*columns[1], &records.user_id));
  ONEFOLD_RETURN_IF_ERROR(decode_int64(*columns[2], &records.request_id));
  ONEFOLD_RETURN_IF_ERROR(decode_int64(*columns[3], &records.item_id));
  ONEFOLD_RETURN_IF_ERROR(decode_time(*columns[4], &records.time_us));
  ONEFOLD_RETURN_IF_ERROR(decode_string(*columns[5], &records.action));
  ONEFOLD_RETURN_IF_ERROR(decode_float(*columns[6], &records.value));
  if (!block.checksum.empty() && block.checksum != block_checksum(records)) {
    return data_loss("the checksum of a block does not match its records");
  }
  return records;
}

}  // namespace onefold
