// SPDX-License-Identifier: Apache-2.0
#include "onefold/dataset/merge_lists.h"

#include <cstring>
#include <limits>
#include <string>

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/buffer_builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <fmt/format.h>

#include "onefold/dataset/fold_rows.h"
#include "onefold/jagged/merge_rows.h"
#include "onefold/log/arrow_status.h"
#include "onefold/table/arrow_lists.h"

namespace onefold {
namespace {

constexpr const char* kContext = "merging windows";

// Whether an element's bits are a number of at most 64 bits.
bool is_number(const arrow::Array& values) {
  if (values.null_count() > 0 || !arrow::is_fixed_width(*values.type())) return false;
  if (values.type_id() == arrow::Type::DICTIONARY) return false;
  const int bits = values.type()->bit_width();
  return bits == 8 || bits == 16 || bits == 32 || bits == 64;
}

// A number per element, equal for elements that are equal bit for bit and only for them.
std::vector<int64_t> element_numbers(const std::shared_ptr<arrow::Array>& values) {
  std::vector<int64_t> numbers(static_cast<size_t>(values->length()));
  if (is_number(*values)) {
    const auto width = static_cast<size_t>(values->type()->byte_width());
    const uint8_t* bytes =
        values->data()->buffers[1] ? values->data()->buffers[1]->data() : nullptr;
    for (size_t i = 0; i < numbers.size(); ++i) {
      const size_t at = (static_cast<size_t>(values->offset()) + i) * width;
      std::memcpy(&numbers[i], bytes + at, width);
    }
    return numbers;
  }
  // Anything else is numbered as it comes, as rows are.
  const FoldedRows folded =
      fold_rows({std::make_shared<arrow::ChunkedArray>(values)}, values->length());
  std::copy(folded.refs.begin(), folded.refs.end(), numbers.begin());
  return numbers;
}

Result<JaggedTensor<int64_t>> numbered_lists(const ArrowLists& lists) {
  int64_t num_values = 0;
  for (int64_t row = 0; row < lists.num_rows(); ++row) num_values += lists.size(row);
  if (std::max(num_values, lists.values()->length()) > std::numeric_limits<int32_t>::max()) {
    return unsupported(fmt::format(
        "{} values in the distinct lists of a row group, and windows need fewer than 2^31; write "
        "the files with smaller row groups",
        num_values));
  }
  const std::vector<int64_t> numbers = element_numbers(lists.values());
  JaggedTensor<int64_t> rows;
  rows.reserve(lists.num_rows(), num_values);
  for (int64_t row = 0; row < lists.num_rows(); ++row) {
    rows.push_row(std::span(numbers).subspan(static_cast<size_t>(lists.begin(row)),
                                             static_cast<size_t>(lists.size(row))));
  }
  return rows;
}

// For each value of the payload rows, which have these offsets, where one of its windows has it.
std::vector<int64_t> values_of_payload(const ArrowLists& lists, const RowWindows& windows,
                                       std::span<const int32_t> offsets) {
  std::vector<int64_t> indices(static_cast<size_t>(offsets.back()));
  for (int64_t u = 0; u < windows.size(); ++u) {
    const ValueRange range = window_values(windows, u, offsets);
    ONEFOLD_CHECK(range.size() == lists.size(u), "a window is not as long as its list");
    for (int32_t i = 0; i < range.size(); ++i) {
      indices[static_cast<size_t>(range.begin + i)] = lists.begin(u) + i;
    }
  }
  return indices;
}

// Which payload rows are null lists: a null row has one of its own. nullptr: none.
std::shared_ptr<arrow::Buffer> payload_validity(const ArrowLists& lists, const RowWindows& windows,
                                                int64_t num_rows) {
  std::vector<uint8_t> valid(static_cast<size_t>(num_rows), 1);
  bool all = true;
  for (int64_t u = 0; u < windows.size(); ++u) {
    if (!lists.is_null(u)) continue;
    valid[static_cast<size_t>(windows.row[static_cast<size_t>(u)])] = 0;
    all = false;
  }
  if (all) return nullptr;
  arrow::TypedBufferBuilder<bool> bits;
  const arrow::Status status = bits.Append(valid.data(), num_rows);
  ONEFOLD_CHECK(status.ok(), status.ToString());
  return bits.Finish().ValueOrDie();
}

Result<std::shared_ptr<arrow::Array>> payload_column(const arrow::Array& column,
                                                     const RowWindows& windows,
                                                     const std::vector<int32_t>& offsets) {
  const ArrowLists lists(column);
  const auto num_rows = static_cast<int64_t>(offsets.size()) - 1;
  const std::vector<int64_t> indices = values_of_payload(lists, windows, offsets);
  const arrow::Int64Array at(static_cast<int64_t>(indices.size()),
                             arrow::Buffer::Wrap(indices.data(), indices.size()));
  std::shared_ptr<arrow::Array> values;
  ONEFOLD_ASSIGN_OR_RETURN_ARROW(values, arrow::compute::Take(*lists.values(), at), kContext);
  const auto type = window_payload_type(column.type());
  const auto validity = payload_validity(lists, windows, num_rows);
  std::shared_ptr<arrow::Array> payload;
  if (type->id() == arrow::Type::LARGE_LIST) {
    const std::vector<int64_t> large(offsets.begin(), offsets.end());
    payload = std::make_shared<arrow::LargeListArray>(
        type, num_rows, arrow::Buffer::FromVector(large), values, validity);
  } else {
    payload = std::make_shared<arrow::ListArray>(type, num_rows, arrow::Buffer::FromVector(offsets),
                                                 values, validity);
  }
  return payload;
}

}  // namespace

std::shared_ptr<arrow::DataType> window_payload_type(const std::shared_ptr<arrow::DataType>& type) {
  return type->id() == arrow::Type::FIXED_SIZE_LIST ? arrow::list(type->field(0)) : type;
}

Result<MergedLists> merge_lists(const std::vector<std::shared_ptr<arrow::Array>>& columns,
                                std::span<const int32_t> owners) {
  const auto num_rows = static_cast<int64_t>(owners.size());
  KeyedJaggedTensor rows(num_rows);
  std::vector<int64_t> owner_of(owners.begin(), owners.end());
  for (size_t c = 0; c < columns.size(); ++c) {
    const ArrowLists lists(*columns[c]);
    ONEFOLD_ASSIGN_OR_RETURN(auto numbers, numbered_lists(lists));
    rows.add(std::to_string(c), std::move(numbers));
    for (int64_t u = 0; u < num_rows; ++u) {
      // An owner of its own, above all others: nothing merges with a null.
      if (lists.is_null(u)) owner_of[static_cast<size_t>(u)] = (int64_t{1} << 31) + u;
    }
  }
  MergedRows merged = merge_rows(rows, owner_of);
  MergedLists result;
  for (size_t c = 0; c < columns.size(); ++c) {
    const auto& stored =
        std::get<JaggedTensor<int64_t>>(merged.payload.column(static_cast<int64_t>(c)));
    ONEFOLD_ASSIGN_OR_RETURN(auto column,
                             payload_column(*columns[c], merged.windows, stored.offsets()));
    result.payload.push_back(std::move(column));
  }
  result.windows = std::move(merged.windows);
  return result;
}

}  // namespace onefold
