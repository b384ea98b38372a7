// SPDX-License-Identifier: Apache-2.0
#include "onefold/table/sample_refs.h"

#include <algorithm>

#include <arrow/array.h>
#include <arrow/table.h>
#include <fmt/format.h>

#include "onefold/table/arrow_lists.h"
#include "onefold/table/table_columns.h"

namespace onefold {
namespace {

// Of each payload row, the length of its longest list.
std::vector<int64_t> longest_lists(const arrow::Table& payload) {
  std::vector<int64_t> longest(static_cast<size_t>(payload.num_rows()));
  for (const auto& column : payload.columns()) {
    if (!ArrowLists::holds(*column->type())) continue;
    size_t row = 0;
    for (const auto& chunk : column->chunks()) {
      const ArrowLists lists(*chunk);
      for (int64_t i = 0; i < lists.num_rows(); ++i, ++row) {
        longest[row] = std::max(longest[row], lists.size(i));
      }
    }
  }
  return longest;
}

Status read_windows(const arrow::Table& samples, const std::string& group,
                    const arrow::Table& payload, SampleRefs& refs) {
  ONEFOLD_ASSIGN_OR_RETURN(refs.starts, int64_values(samples, start_column(group)));
  ONEFOLD_ASSIGN_OR_RETURN(refs.lengths, int64_values(samples, length_column(group)));
  const std::vector<int64_t> longest = longest_lists(payload);
  for (size_t i = 0; i < refs.rows.size(); ++i) {
    const int64_t start = refs.starts[i], length = refs.lengths[i];
    const int64_t size = longest[static_cast<size_t>(refs.rows[i])];
    // Without a sum, which damage could make overflow.
    if (start >= 0 && length >= 0 && start <= size && length <= size - start) continue;
    return data_loss(fmt::format(
        "columns '{}' and '{}', sample {}: a window of {} values from {} on leaves its payload "
        "row, which has {}",
        start_column(group), length_column(group), i, length, start, size));
  }
  return {};
}

}  // namespace

Result<std::vector<int64_t>> int64_values(const arrow::Table& table, const std::string& name) {
  const auto column = table.GetColumnByName(name);
  if (!column || column->type()->id() != arrow::Type::INT64) {
    return schema_error("no int64 column '" + name + "'");
  }
  if (column->null_count() > 0) return data_loss("nulls in column '" + name + "'");
  std::vector<int64_t> values;
  values.reserve(static_cast<size_t>(column->length()));
  for (const auto& chunk : column->chunks()) {
    const auto& array = static_cast<const arrow::Int64Array&>(*chunk);
    values.insert(values.end(), array.raw_values(), array.raw_values() + array.length());
  }
  return values;
}

Result<SampleRefs> sample_refs(const arrow::Table& samples, const std::string& group,
                               bool is_windowed, const arrow::Table& payload, int64_t first_ref) {
  SampleRefs refs;
  ONEFOLD_ASSIGN_OR_RETURN(refs.rows, int64_values(samples, ref_column(group)));
  const int64_t num_rows = payload.num_rows();
  for (size_t i = 0; i < refs.rows.size(); ++i) {
    // Unsigned, so that a ref below first_ref is out of range, too, and nothing overflows.
    const uint64_t row = static_cast<uint64_t>(refs.rows[i]) - static_cast<uint64_t>(first_ref);
    if (row >= static_cast<uint64_t>(num_rows)) {
      return data_loss(fmt::format(
          "column '{}', sample {}: ref {} leaves its payload row group, which has {} to {}",
          ref_column(group), i, refs.rows[i], first_ref, first_ref + num_rows - 1));
    }
    refs.rows[i] = static_cast<int64_t>(row);
  }
  if (is_windowed) ONEFOLD_RETURN_IF_ERROR(read_windows(samples, group, payload, refs));
  return refs;
}

}  // namespace onefold
