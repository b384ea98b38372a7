// SPDX-License-Identifier: Apache-2.0
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>
#include <nlohmann/json.hpp>

#include "onefold/log/arrow_columns.h"
#include "onefold/log/block_checksum.h"
#include "onefold/log/block_codec.h"

namespace onefold {
namespace {

// Column f of [num_rows, F] row major.
std::vector<float> column_of(const DenseColumns& dense, size_t f) {
  const size_t width = dense.names.size();
  std::vector<float> column(dense.values.size() / width);
  for (size_t row = 0; row < column.size(); ++row) column[row] = dense.values[row * width + f];
  return column;
}

void set_column(DenseColumns& dense, size_t f, const std::vector<float>& column) {
  const size_t width = dense.names.size();
  dense.values.resize(column.size() * width);
  for (size_t row = 0; row < column.size(); ++row) dense.values[row * width + f] = column[row];
}

// Arrays of one scope's features in schema order, each over that scope's rows.
std::vector<ArrayPtr> feature_arrays(const Schema& schema, FeatureScope scope,
                                     const DenseColumns& dense, const KeyedJaggedTensor& jagged) {
  std::vector<ArrayPtr> arrays;
  size_t next_dense = 0, next_jagged = 0;
  for (const FeatureSpec& feature : schema.features) {
    if (feature.scope != scope) continue;
    if (feature.kind == FeatureKind::kDense) {
      arrays.push_back(float_array(column_of(dense, next_dense++)));
    } else {
      arrays.push_back(jagged_array(jagged.column(next_jagged++), feature.kind));
    }
  }
  return arrays;
}

// The reverse: `arrays` in schema order, each with `num_rows` values.
Status decode_features(const Schema& schema, FeatureScope scope, int64_t num_rows,
                       const std::vector<ArrayPtr>& arrays, DenseColumns* dense,
                       KeyedJaggedTensor* jagged) {
  size_t next = 0, next_dense = 0;
  *jagged = KeyedJaggedTensor(num_rows);
  for (const FeatureSpec& feature : schema.features) {
    if (feature.scope != scope) continue;
    const arrow::Array& array = *arrays[next++];
    if (feature.kind == FeatureKind::kDense) {
      std::vector<float> values;
      ONEFOLD_RETURN_IF_ERROR(decode_float(array, &values).with_context(feature.name));
      set_column(*dense, next_dense++, values);
      continue;
    }
    auto column = decode_jagged(array, feature.kind);
    if (!column.ok()) return column.status().with_context(feature.name);
    jagged->add(feature.name, *std::move(column));
  }
  return {};
}

std::shared_ptr<arrow::Schema> feature_schema(const Schema& schema) {
  arrow::FieldVector fields;
  for (const char* name : {"session_id", "user_id", "request_id"}) {
    fields.push_back(arrow::field(name, arrow::int64(), false));
  }
  fields.push_back(arrow::field("time", time_type(), false));
  for (const FeatureSpec& f : schema.features) {
    if (f.scope != FeatureScope::kUser) continue;
    fields.push_back(arrow::field(f.name, feature_type(f.kind), is_nullable(f.kind)));
  }
  fields.push_back(arrow::field("item_id", list_of(arrow::int64(), false), false));
  for (const FeatureSpec& f : schema.features) {
    if (f.scope != FeatureScope::kItem) continue;
    fields.push_back(
        arrow::field(f.name, list_of(feature_type(f.kind), is_nullable(f.kind)), false));
  }
  return arrow::schema(std::move(fields),
                       arrow::key_value_metadata({"onefold.stream", "onefold.schema"},
                                                 {FeatureCodec::kStream, to_json(schema).dump()}));
}

}  // namespace

FeatureCodec::FeatureCodec(const Schema& schema)
    : schema_(schema), arrow_schema_(feature_schema(schema)) {}

Block FeatureCodec::encode(const FeatureRecords& records) const {
  std::vector<ArrayPtr> columns = {int64_array(records.session_id), int64_array(records.user_id),
                                   int64_array(records.request_id), time_array(records.time_us)};
  for (ArrayPtr& array :
       feature_arrays(schema_, FeatureScope::kUser, records.user_dense, records.user_features)) {
    columns.push_back(std::move(array));
  }
  columns.push_back(list_array(records.candidate_offsets, int64_array(records.item_id), false));
  const std::vector<ArrayPtr> item_arrays =
      feature_arrays(schema_, FeatureScope::kItem, records.item_dense, records.item_features);
  size_t next = 0;
  for (const FeatureSpec& feature : schema_.features) {
    if (feature.scope != FeatureScope::kItem) continue;
    columns.push_back(
        list_array(records.candidate_offsets, item_arrays[next++], is_nullable(feature.kind)));
  }
  return {arrow::RecordBatch::Make(arrow_schema_, records.num_requests(), std::move(columns)),
          block_checksum(records)};
}

Result<FeatureRecords> FeatureCodec::decode(const Block& block) const {
  const auto& columns = block.batch->columns();
  FeatureRecords records = empty_feature_records(schema_);
  ONEFOLD_RETURN_IF_ERROR(decode_int64(*columns[0], &records.session_id));
  ONEFOLD_RETURN_IF_ERROR(decode_int64(*columns[1], &records.user_id));
  ONEFOLD_RETURN_IF_ERROR(decode_int64(*columns[2], &records.request_id));
  ONEFOLD_RETURN_IF_ERROR(decode_time(*columns[3], &records.time_us));
  const int item_column = arrow_schema_->GetFieldIndex("item_id");
  ONEFOLD_RETURN_IF_ERROR(decode_features(schema_, FeatureScope::kUser, records.num_requests(),
                                          {columns.begin() + 4, columns.begin() + item_column},
                                          &records.user_dense, &records.user_features));

  ArrayPtr item_ids;
  ONEFOLD_RETURN_IF_ERROR(
      decode_list(*columns[item_column], &records.candidate_offsets, &item_ids));
  ONEFOLD_RETURN_IF_ERROR(decode_int64(*item_ids, &records.item_id));
  std::vector<ArrayPtr> item_arrays;
  for (size_t c = item_column + 1; c < columns.size(); ++c) {
    std::vector<int32_t> offsets;
    ArrayPtr values;
    ONEFOLD_RETURN_IF_ERROR(decode_list(*columns[c], &offsets, &values));
    if (offsets != records.candidate_offsets) {
      return data_loss(arrow_schema_->field(c)->name() +
                       ": its lists are not as long as item_id's");
    }
    item_arrays.push_back(std::move(values));
  }
  ONEFOLD_RETURN_IF_ERROR(decode_features(schema_, FeatureScope::kItem, records.num_candidates(),
                                          item_arrays, &records.item_dense,
                                          &records.item_features));
  if (!block.checksum.empty() && block.checksum != block_checksum(records)) {
    return data_loss("the checksum of a block does not match its records");
  }
  return records;
}

}  // namespace onefold
