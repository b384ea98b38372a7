// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/arrow_columns.h"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>

namespace onefold {
namespace {

template <typename T>
std::shared_ptr<arrow::Buffer> borrow(std::span<const T> values) {
  // Arrow wants a non-null pointer even for no bytes.
  static const int64_t kNothing = 0;
  const void* data = values.empty() ? static_cast<const void*>(&kNothing) : values.data();
  return std::make_shared<arrow::Buffer>(static_cast<const uint8_t*>(data),
                                         static_cast<int64_t>(values.size_bytes()));
}

template <typename T>
ArrayPtr flat_array(TypePtr type, std::span<const T> values) {
  return arrow::MakeArray(arrow::ArrayData::Make(
      std::move(type), static_cast<int64_t>(values.size()), {nullptr, borrow(values)}, 0));
}

// Row i becomes its one id, or null.
ArrayPtr id_array(const JaggedTensor<int64_t>& column) {
  const int64_t num_rows = column.num_rows();
  std::vector<int64_t> values(num_rows, 0);
  std::vector<uint8_t> validity(arrow::bit_util::BytesForBits(num_rows), 0);
  for (int64_t row = 0; row < num_rows; ++row) {
    if (column.length(row) == 0) continue;
    values[row] = column.row(row).front();
    arrow::bit_util::SetBit(validity.data(), row);
  }
  return arrow::MakeArray(arrow::ArrayData::Make(arrow::int64(), num_rows,
                                                 {arrow::Buffer::FromVector(std::move(validity)),
                                                  arrow::Buffer::FromVector(std::move(values))},
                                                 num_rows - column.num_values()));
}

JaggedTensor<int64_t> decode_ids(const arrow::Int64Array& array) {
  JaggedTensor<int64_t> column;
  column.reserve(array.length(), array.length() - array.null_count());
  for (int64_t row = 0; row < array.length(); ++row) {
    const int64_t* value = array.raw_values() + row;
    column.push_row({value, static_cast<size_t>(array.IsValid(row))});
  }
  return column;
}

Status no_nulls(const arrow::Array& array) {
  if (array.null_count() == 0) return {};
  return data_loss(std::to_string(array.null_count()) + " nulls in a column that has none");
}

template <typename Array, typename T>
Status decode_flat(const arrow::Array& array, std::vector<T>* values) {
  ONEFOLD_RETURN_IF_ERROR(no_nulls(array));
  const T* begin = static_cast<const Array&>(array).raw_values();
  // An array of no values may have no buffer at all.
  if (array.length() > 0) values->assign(begin, begin + array.length());
  return {};
}

template <typename Array, typename T>
Result<JaggedColumn> decode_rows(const arrow::Array& array) {
  std::vector<int32_t> offsets;
  ArrayPtr child;
  std::vector<T> values;
  ONEFOLD_RETURN_IF_ERROR(decode_list(array, &offsets, &child));
  ONEFOLD_RETURN_IF_ERROR((decode_flat<Array, T>(*child, &values)));
  ONEFOLD_ASSIGN_OR_RETURN(auto column,
                           JaggedTensor<T>::make(std::move(values), std::move(offsets)));
  return JaggedColumn(std::move(column));
}

}  // namespace

TypePtr time_type() { return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"); }

TypePtr list_of(TypePtr type, bool nullable) {
  return arrow::list(arrow::field("item", std::move(type), nullable));
}

TypePtr feature_type(FeatureKind kind) {
  switch (kind) {
    case FeatureKind::kDense:
      return arrow::float32();
    case FeatureKind::kId:
      return arrow::int64();
    case FeatureKind::kIdList:
      return list_of(arrow::int64(), false);
    case FeatureKind::kFloatList:
      return list_of(arrow::float32(), false);
  }
  ONEFOLD_CHECK(false, "unknown feature kind");
}

bool is_nullable(FeatureKind kind) { return kind == FeatureKind::kId; }

ArrayPtr int64_array(const std::vector<int64_t>& values) {
  return flat_array(arrow::int64(), std::span(values));
}

ArrayPtr time_array(const std::vector<int64_t>& time_us) {
  return flat_array(time_type(), std::span(time_us));
}

ArrayPtr float_array(const std::vector<float>& values) {
  return flat_array(arrow::float32(), std::span(values));
}

ArrayPtr float_array(std::vector<float>&& values) {
  const int64_t num_values = static_cast<int64_t>(values.size());
  return arrow::MakeArray(arrow::ArrayData::Make(
      arrow::float32(), num_values, {nullptr, arrow::Buffer::FromVector(std::move(values))}, 0));
}

ArrayPtr string_array(const std::vector<std::string>& values) {
  std::vector<int32_t> offsets = {0};
  std::string bytes;
  for (const std::string& value : values) {
    bytes += value;
    offsets.push_back(static_cast<int32_t>(bytes.size()));
  }
  return arrow::MakeArray(
      arrow::ArrayData::Make(arrow::utf8(), static_cast<int64_t>(values.size()),
                             {nullptr, arrow::Buffer::FromVector(std::move(offsets)),
                              arrow::Buffer::FromString(std::move(bytes))},
                             0));
}

ArrayPtr list_array(std::span<const int32_t> offsets, const ArrayPtr& values, bool nullable) {
  return std::make_shared<arrow::ListArray>(list_of(values->type(), nullable),
                                            static_cast<int64_t>(offsets.size()) - 1,
                                            borrow(offsets), values);
}

ArrayPtr jagged_array(const JaggedColumn& column, FeatureKind kind) {
  if (const auto* floats = std::get_if<JaggedTensor<float>>(&column)) {
    return list_array(floats->offsets(), float_array(floats->values()), false);
  }
  const auto& ids = std::get<JaggedTensor<int64_t>>(column);
  if (kind == FeatureKind::kId) return id_array(ids);
  return list_array(ids.offsets(), int64_array(ids.values()), false);
}

Status decode_int64(const arrow::Array& array, std::vector<int64_t>* values) {
  return decode_flat<arrow::Int64Array>(array, values);
}

Status decode_time(const arrow::Array& array, std::vector<int64_t>* time_us) {
  return decode_flat<arrow::TimestampArray>(array, time_us);
}

Status decode_float(const arrow::Array& array, std::vector<float>* values) {
  return decode_flat<arrow::FloatArray>(array, values);
}

Status decode_string(const arrow::Array& array, std::vector<std::string>* values) {
  ONEFOLD_RETURN_IF_ERROR(no_nulls(array));
  const auto& strings = static_cast<const arrow::StringArray&>(array);
  values->clear();
  values->reserve(strings.length());
  for (int64_t row = 0; row < strings.length(); ++row) values->push_back(strings.GetString(row));
  return {};
}

Status decode_list(const arrow::Array& array, std::vector<int32_t>* offsets, ArrayPtr* values) {
  ONEFOLD_RETURN_IF_ERROR(no_nulls(array));
  const auto& lists = static_cast<const arrow::ListArray&>(array);
  offsets->assign(1, 0);
  if (lists.length() == 0) {
    *values = lists.values()->Slice(0, 0);
    return {};
  }
  const int32_t* raw = lists.raw_value_offsets();
  offsets->resize(lists.length() + 1);
  for (int64_t row = 1; row <= lists.length(); ++row) (*offsets)[row] = raw[row] - raw[0];
  *values = lists.values()->Slice(raw[0], offsets->back());
  return {};
}

Result<JaggedColumn> decode_jagged(const arrow::Array& array, FeatureKind kind) {
  ONEFOLD_CHECK(kind != FeatureKind::kDense, "a dense feature is not jagged");
  if (kind == FeatureKind::kIdList) return decode_rows<arrow::Int64Array, int64_t>(array);
  if (kind == FeatureKind::kFloatList) return decode_rows<arrow::FloatArray, float>(array);
  return JaggedColumn(decode_ids(static_cast<const arrow::Int64Array&>(array)));
}

}  // namespace onefold
