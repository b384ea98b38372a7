// SPDX-License-Identifier: Apache-2.0
#include "onefold/jagged/row_windows.h"

#include <algorithm>

#include <fmt/format.h>

namespace onefold {
namespace {

std::span<const int32_t> offsets_of(const JaggedColumn& column) {
  return std::visit([](const auto& rows) { return std::span<const int32_t>(rows.offsets()); },
                    column);
}

template <typename T>
JaggedTensor<T> cut(const JaggedTensor<T>& payload, const RowWindows& windows) {
  int64_t num_values = 0;
  for (int64_t u = 0; u < windows.size(); ++u) {
    num_values += window_values(windows, u, payload.offsets()).size();
  }
  JaggedTensor<T> rows;
  rows.reserve(windows.size(), num_values);
  const std::span<const T> values(payload.values());
  for (int64_t u = 0; u < windows.size(); ++u) {
    const ValueRange range = window_values(windows, u, payload.offsets());
    rows.push_row(values.subspan(range.begin, range.size()));
  }
  return rows;
}

}  // namespace

ValueRange window_values(const RowWindows& windows, int64_t u, std::span<const int32_t> offsets) {
  const int32_t row = windows.row[u];
  const int32_t size = offsets[row + 1] - offsets[row];
  const int32_t first = std::min(windows.start[u], size);
  return {offsets[row] + first, offsets[row] + first + std::min(windows.length[u], size - first)};
}

ValueRange window_values(const RowWindows& windows, int64_t u, const JaggedColumn& column) {
  return window_values(windows, u, offsets_of(column));
}

KeyedJaggedTensor cut_windows(const KeyedJaggedTensor& payload, const RowWindows& windows) {
  KeyedJaggedTensor rows(windows.size());
  for (int64_t k = 0; k < payload.num_keys(); ++k) {
    std::visit([&](const auto& column) { rows.add(payload.keys()[k], cut(column, windows)); },
               payload.column(k));
  }
  return rows;
}

int64_t longest_list(const KeyedJaggedTensor& payload, int64_t row) {
  int64_t longest = 0;
  for (int64_t k = 0; k < payload.num_keys(); ++k) {
    longest = std::max<int64_t>(longest, length(payload.column(k), row));
  }
  return longest;
}

bool is_parallel(const KeyedJaggedTensor& payload) {
  for (int64_t k = 1; k < payload.num_keys(); ++k) {
    if (!std::ranges::equal(offsets_of(payload.column(k)), offsets_of(payload.column(0)))) {
      return false;
    }
  }
  return true;
}

Status check_windows(const KeyedJaggedTensor& payload, const RowWindows& windows) {
  const auto num_windows = windows.row.size();
  ONEFOLD_CHECK(windows.start.size() == num_windows && windows.length.size() == num_windows,
                "rows, starts and lengths of windows differ in number");
  std::vector<int64_t> size_of(payload.num_rows(), -1);  // -1: no window yet
  for (size_t u = 0; u < num_windows; ++u) {
    const int32_t row = windows.row[u];
    if (row < 0 || row >= payload.num_rows()) {
      return data_loss(
          fmt::format("window {} is of payload row {} of {}", u, row, payload.num_rows()));
    }
    if (size_of[row] < 0) size_of[row] = longest_list(payload, row);
    const int64_t start = windows.start[u], length = windows.length[u];
    if (start < 0 || length < 0 || start + length > size_of[row]) {
      return data_loss(fmt::format("window {} is values {} to {} of payload row {}, which has {}",
                                   u, start, start + length, row, size_of[row]));
    }
  }
  const auto unused = std::find(size_of.begin(), size_of.end(), -1);
  if (unused == size_of.end()) return {};
  return data_loss(fmt::format("payload row {} has no window", unused - size_of.begin()));
}

}  // namespace onefold
