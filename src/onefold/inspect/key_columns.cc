// SPDX-License-Identifier: Apache-2.0
#include "onefold/inspect/key_columns.h"

#include <bit>
#include <limits>
#include <string>

#include <arrow/array.h>
#include <arrow/type.h>

#include "onefold/inspect/value_words.h"

namespace onefold {
namespace {

// Maps doubles to integers in the same order: the bits of a positive double grow with it, those of
// a negative one shrink.
int64_t ordered(double value) {
  const auto bits = std::bit_cast<int64_t>(value);
  return bits >= 0 ? bits : std::numeric_limits<int64_t>::min() - bits;
}

// Calls visit(i, value) for every element that is not null; false for types other than numbers,
// booleans, dates and timestamps.
template <typename Visit>
bool visit_numbers(const arrow::Array& array, const Visit& visit) {
  auto visit_as = [&]<typename Array>(const Array* numbers) {
    for (int64_t i = 0; i < numbers->length(); ++i) {
      if (numbers->IsValid(i)) visit(i, numbers->Value(i));
    }
    return true;
  };
  switch (array.type_id()) {
#define ONEFOLD_VISIT_AS(id, Array) \
  case arrow::Type::id:             \
    return visit_as(static_cast<const arrow::Array*>(&array))
    ONEFOLD_VISIT_AS(BOOL, BooleanArray);
    ONEFOLD_VISIT_AS(INT8, Int8Array);
    ONEFOLD_VISIT_AS(INT16, Int16Array);
    ONEFOLD_VISIT_AS(INT32, Int32Array);
    ONEFOLD_VISIT_AS(INT64, Int64Array);
    ONEFOLD_VISIT_AS(UINT8, UInt8Array);
    ONEFOLD_VISIT_AS(UINT16, UInt16Array);
    ONEFOLD_VISIT_AS(UINT32, UInt32Array);
    ONEFOLD_VISIT_AS(UINT64, UInt64Array);
    ONEFOLD_VISIT_AS(FLOAT, FloatArray);
    ONEFOLD_VISIT_AS(DOUBLE, DoubleArray);
    ONEFOLD_VISIT_AS(DATE32, Date32Array);
    ONEFOLD_VISIT_AS(DATE64, Date64Array);
    ONEFOLD_VISIT_AS(TIMESTAMP, TimestampArray);
#undef ONEFOLD_VISIT_AS
    default:
      return false;
  }
}

Status unfit(const arrow::Array& array, const char* expected) {
  return schema_error("has type " + array.type()->ToString() + ", expected " + expected);
}

Status check_no_nulls(const arrow::Array& array) {
  if (array.null_count() == 0) return {};
  return schema_error("has nulls, expected a value in every row; filter them out first");
}

}  // namespace

Result<std::vector<uint64_t>> id_column(const arrow::Array& array, bool nulls_allowed) {
  if (arrow::is_nested(array.type_id())) return unfit(array, "one id per row");
  if (!nulls_allowed) ONEFOLD_RETURN_IF_ERROR(check_no_nulls(array));
  ONEFOLD_ASSIGN_OR_RETURN(const std::vector<int64_t> words, value_words(array));
  return std::vector<uint64_t>(words.begin(), words.end());
}

Result<std::vector<int64_t>> time_column(const arrow::Array& array) {
  ONEFOLD_RETURN_IF_ERROR(check_no_nulls(array));
  std::vector<int64_t> times(array.length());
  const bool is_time = visit_numbers(array, [&](int64_t i, auto value) {
    if constexpr (std::is_floating_point_v<decltype(value)>) {
      times[i] = ordered(value);
    } else {
      times[i] = static_cast<int64_t>(value);
    }
  });
  if (!is_time) return unfit(array, "a number, date or timestamp");
  return times;
}

Result<int64_t> count_positives(const arrow::Array& array) {
  int64_t positives = 0;
  if (!visit_numbers(array, [&](int64_t, auto value) { positives += value > 0; })) {
    return unfit(array, "a boolean or a number");
  }
  return positives;
}

}  // namespace onefold
