// SPDX-License-Identifier: Apache-2.0
// Single columns of a block: our flat vectors as Arrow arrays and back.
//
// Encoding borrows: an array points at the vectors it was made from and is valid while they live
// (what is passed as an rvalue, ids and strings are moved or copied in). Decoding copies.
// Decoders REQUIRE an array that passed ValidateFull() and has the type of the matching *_type();
// they return kDataLoss for nulls where the format has none.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "onefold/base/status.h"
#include "onefold/jagged/keyed_jagged_tensor.h"
#include "onefold/jagged/schema.h"

namespace onefold {

using ArrayPtr = std::shared_ptr<arrow::Array>;
using TypePtr = std::shared_ptr<arrow::DataType>;

TypePtr time_type();                     // timestamp[us, UTC]
TypePtr feature_type(FeatureKind kind);  // float, int64, list<int64> or list<float>
bool is_nullable(FeatureKind kind);      // ids only: null is "no id"
TypePtr list_of(TypePtr type, bool nullable);

ArrayPtr int64_array(const std::vector<int64_t>& values);
ArrayPtr time_array(const std::vector<int64_t>& time_us);
ArrayPtr float_array(const std::vector<float>& values);
ArrayPtr float_array(std::vector<float>&& values);
ArrayPtr string_array(const std::vector<std::string>& values);
// A jagged column as one array over its rows; kId becomes a nullable int64 array.
ArrayPtr jagged_array(const JaggedColumn& column, FeatureKind kind);
// `values` cut into rows; offsets as JaggedView.
ArrayPtr list_array(std::span<const int32_t> offsets, const ArrayPtr& values, bool nullable);

Status decode_int64(const arrow::Array& array, std::vector<int64_t>* values);
Status decode_time(const arrow::Array& array, std::vector<int64_t>* time_us);
Status decode_float(const arrow::Array& array, std::vector<float>* values);
Status decode_string(const arrow::Array& array, std::vector<std::string>* values);
Result<JaggedColumn> decode_jagged(const arrow::Array& array, FeatureKind kind);
// Offsets of a list array, starting at 0, and the values they cut.
Status decode_list(const arrow::Array& array, std::vector<int32_t>* offsets, ArrayPtr* values);

}  // namespace onefold
