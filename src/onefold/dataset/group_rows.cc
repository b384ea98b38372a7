// SPDX-License-Identifier: Apache-2.0
#include "onefold/dataset/group_rows.h"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/compute/api_vector.h>
#include <arrow/datum.h>
#include <arrow/table.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "onefold/dataset/fold_rows.h"
#include "onefold/dataset/merge_lists.h"
#include "onefold/log/arrow_status.h"
#include "onefold/table/arrow_lists.h"

namespace onefold {
namespace {

Result<ArrowColumns> take_rows(const ArrowColumns& columns, const std::vector<int64_t>& rows,
                               const std::string& where) {
  const auto indices = std::make_shared<arrow::Int64Array>(
      static_cast<int64_t>(rows.size()), arrow::Buffer::Wrap(rows.data(), rows.size()));
  ArrowColumns taken;
  for (const auto& column : columns) {
    arrow::Datum datum;
    ONEFOLD_ASSIGN_OR_RETURN_ARROW(datum, arrow::compute::Take(column, arrow::Datum(indices)),
                                   where);
    taken.push_back(datum.chunked_array());
  }
  return taken;
}

// Replaces the distinct rows of `stored` by merged ones.
Status merge_windows(const FoldedRows& distinct, std::span<const int32_t> owners,
                     const std::string& where, GroupRows& stored) {
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (const auto& column : stored.payload) {
    ONEFOLD_ASSIGN_OR_RETURN(auto whole, one_array(*column, where));
    columns.push_back(std::move(whole));
  }
  std::vector<int32_t> owner_of;  // of the first sample of each distinct row
  for (const int64_t row : distinct.rows) owner_of.push_back(owners[static_cast<size_t>(row)]);
  auto merged = merge_lists(columns, owner_of);
  if (!merged.ok()) return merged.status().with_context(where);
  for (size_t c = 0; c < columns.size(); ++c) {
    stored.num_payload = merged->payload[c]->length();
    stored.payload[c] = std::make_shared<arrow::ChunkedArray>(merged->payload[c]);
  }
  for (int64_t& row : stored.rows) {
    const auto u = static_cast<size_t>(row);
    row = merged->windows.row[u];
    stored.starts.push_back(merged->windows.start[u]);
    stored.lengths.push_back(merged->windows.length[u]);
  }
  return {};
}

}  // namespace

std::shared_ptr<arrow::Field> payload_field(const ColumnGroup& group,
                                            const std::shared_ptr<arrow::Field>& source) {
  return group.windowed ? source->WithType(window_payload_type(source->type())) : source;
}

Result<GroupRows> fold_group(const arrow::Table& rows, std::span<const int32_t> owners,
                             FoldedGroup& folded, GroupStats& stats) {
  const ColumnGroup& group = folded.group;
  const std::string where = fmt::format("column {}", fmt::join(group.columns, ", "));
  ArrowColumns columns;
  for (const std::string& name : group.columns) columns.push_back(rows.GetColumnByName(name));
  const FoldedRows distinct = fold_rows(columns, rows.num_rows());
  GroupRows stored;
  ONEFOLD_ASSIGN_OR_RETURN(stored.payload, take_rows(columns, distinct.rows, where));
  stored.num_payload = static_cast<int64_t>(distinct.rows.size());
  stored.rows.assign(distinct.refs.begin(), distinct.refs.end());
  int64_t payload_bytes = distinct.unique_bytes;
  if (group.windowed) {
    ONEFOLD_RETURN_IF_ERROR(merge_windows(distinct, owners, where, stored));
    payload_bytes = value_bytes(stored.payload, stored.num_payload);
    folded.windows += static_cast<int64_t>(distinct.rows.size());
    stats.windows += static_cast<int64_t>(distinct.rows.size());
  }
  for (const auto& column : columns) stats.sample_values += num_list_values(*column);
  for (const auto& column : stored.payload) stats.unique_values += num_list_values(*column);
  stats.samples += rows.num_rows();
  stats.unique += stored.num_payload;
  folded.samples += rows.num_rows();
  folded.unique += stored.num_payload;
  folded.bytes += distinct.bytes;
  folded.distinct_bytes += distinct.unique_bytes;
  folded.unique_bytes += payload_bytes;
  return stored;
}

}  // namespace onefold
