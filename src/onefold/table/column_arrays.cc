// SPDX-License-Identifier: Apache-2.0
#include "onefold/table/column_arrays.h"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/buffer_builder.h>
#include <arrow/type.h>

namespace onefold {
namespace {

std::shared_ptr<arrow::DataType> list_of(std::shared_ptr<arrow::DataType> type) {
  return arrow::list(arrow::field("element", std::move(type), /*nullable=*/false));
}

std::shared_ptr<arrow::DataType> to_arrow_type(ColumnType type) {
  switch (type) {
    case ColumnType::kInt64:
    case ColumnType::kId:
      return arrow::int64();
    case ColumnType::kTime:
      return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
    case ColumnType::kFloat:
      return arrow::float32();
    case ColumnType::kIdList:
      return list_of(arrow::int64());
    case ColumnType::kFloatList:
      return list_of(arrow::float32());
  }
  ONEFOLD_CHECK(false, "unknown column type");
}

template <typename T>
std::shared_ptr<arrow::Buffer> borrow(std::span<const T> values) {
  return std::make_shared<arrow::Buffer>(reinterpret_cast<const uint8_t*>(values.data()),
                                         static_cast<int64_t>(values.size_bytes()));
}

template <typename ArrowType, typename T>
std::shared_ptr<arrow::Array> flat_array(std::shared_ptr<arrow::DataType> type,
                                         std::span<const T> values) {
  return std::make_shared<arrow::NumericArray<ArrowType>>(
      std::move(type), static_cast<int64_t>(values.size()), borrow(values));
}

template <typename T>
std::shared_ptr<arrow::Array> list_array(const JaggedTensor<T>& rows) {
  using ArrowType =
      std::conditional_t<std::is_same_v<T, float>, arrow::FloatType, arrow::Int64Type>;
  auto type = arrow::TypeTraits<ArrowType>::type_singleton();
  auto values = flat_array<ArrowType>(type, std::span<const T>(rows.values()));
  return std::make_shared<arrow::ListArray>(
      list_of(type), rows.num_rows(), borrow(std::span<const int32_t>(rows.offsets())), values);
}

std::shared_ptr<arrow::Array> id_array(const JaggedTensor<int64_t>& rows) {
  arrow::TypedBufferBuilder<int64_t> values;
  arrow::TypedBufferBuilder<bool> valid;
  // Only running out of memory can fail here.
  ONEFOLD_CHECK(values.Reserve(rows.num_rows()).ok(), "out of memory");
  ONEFOLD_CHECK(valid.Reserve(rows.num_rows()).ok(), "out of memory");
  for (int64_t row = 0; row < rows.num_rows(); ++row) {
    ONEFOLD_CHECK(rows.length(row) <= 1, "a feature of kind id has a row with several values");
    values.UnsafeAppend(rows.length(row) == 1 ? rows.row(row)[0] : 0);
    valid.UnsafeAppend(rows.length(row) == 1);
  }
  const int64_t null_count = valid.false_count();
  return std::make_shared<arrow::Int64Array>(rows.num_rows(), values.Finish().ValueOrDie(),
                                             valid.Finish().ValueOrDie(), null_count);
}

}  // namespace

std::shared_ptr<arrow::Field> to_arrow_field(const TableColumn& column) {
  return arrow::field(column.name, to_arrow_type(column.type), column.type == ColumnType::kId);
}

std::shared_ptr<arrow::Array> to_arrow(std::span<const int64_t> values) {
  return flat_array<arrow::Int64Type>(arrow::int64(), values);
}

std::shared_ptr<arrow::Array> to_arrow_time(std::span<const int64_t> time_us) {
  return flat_array<arrow::TimestampType>(to_arrow_type(ColumnType::kTime), time_us);
}

std::shared_ptr<arrow::Array> to_arrow(const DenseColumns& columns, int64_t index) {
  arrow::TypedBufferBuilder<float> values;
  const size_t width = columns.names.size();
  ONEFOLD_CHECK(values.Reserve(columns.values.size() / width).ok(), "out of memory");
  for (size_t i = index; i < columns.values.size(); i += width)
    values.UnsafeAppend(columns.values[i]);
  const int64_t num_rows = values.length();
  return std::make_shared<arrow::FloatArray>(num_rows, values.Finish().ValueOrDie());
}

std::shared_ptr<arrow::Array> to_arrow(const JaggedColumn& column, FeatureKind kind) {
  if (kind == FeatureKind::kId) return id_array(std::get<JaggedTensor<int64_t>>(column));
  return std::visit([](const auto& rows) { return list_array(rows); }, column);
}

void append_features(const KeyedJaggedTensor& features, const std::vector<FeatureSpec>& specs,
                     ArrowArrays& arrays) {
  for (const FeatureSpec& spec : specs) {
    arrays.push_back(to_arrow(features.column(spec.name), spec.kind));
  }
}

}  // namespace onefold
