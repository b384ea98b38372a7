// SPDX-License-Identifier: Apache-2.0
#include "onefold/jagged/gather_windows.h"

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "onefold/jagged/fold.h"

namespace onefold {
namespace {

bool fits_int32(int64_t value) {
  return 0 <= value && value <= std::numeric_limits<int32_t>::max();
}

// Of a payload row, values [begin, end).
struct UsedRow {
  int32_t tensor = 0, row = 0;
  int32_t begin = 0, end = 0;
};

class WindowGatherer {
 public:
  explicit WindowGatherer(std::span<const InverseKeyedJaggedTensor* const> tensors)
      : tensors_(tensors), unique_of_window_(tensors.size()), used_of_row_(tensors.size()) {
    for (size_t t = 0; t < tensors.size(); ++t) {
      ONEFOLD_CHECK(tensors[t]->keys() == tensors[0]->keys(), "groups have different keys");
      unique_of_window_[t].assign(tensors[t]->num_unique(), -1);
      used_of_row_[t].assign(tensors[t]->payload().num_rows(), -1);
    }
  }

  void add(const SampleOfTensor& at) {
    const int32_t window = tensors_[at.tensor]->inverse_indices()[at.sample];
    int32_t& unique = unique_of_window_[at.tensor][window];
    if (unique < 0) unique = find_or_add(at.tensor, window);
    inverse_.push_back(unique);
  }

  InverseKeyedJaggedTensor finish() && {
    for (int64_t u = 0; u < windows_.size(); ++u) {
      windows_.start[u] -= used_[windows_.row[u]].begin;
    }
    KeyedJaggedTensor payload(static_cast<int64_t>(used_.size()));
    for (int64_t k = 0; k < tensors_.front()->payload().num_keys(); ++k) {
      std::visit(
          [&]<typename T>(const JaggedTensor<T>&) {
            payload.add(tensors_.front()->keys()[k], gather<T>(k));
          },
          tensors_.front()->payload().column(k));
    }
    return InverseKeyedJaggedTensor::make_windowed(std::move(payload), std::move(windows_),
                                                   std::move(inverse_))
        .value();
  }

 private:
  int32_t find_or_add(int32_t tensor, int32_t window) {
    const RowWindows& windows = tensors_[tensor]->windows();
    const int32_t row = windows.row[window];
    const int32_t start = windows.start[window], length = windows.length[window];
    const auto [at, is_new] =
        unique_of_.try_emplace({tensor, row, start, length}, static_cast<int32_t>(windows_.size()));
    if (!is_new) return at->second;
    int32_t& used = used_of_row_[tensor][row];
    if (used < 0) {
      used = static_cast<int32_t>(used_.size());
      used_.push_back({tensor, row, start, start + length});
    }
    used_[used].begin = std::min(used_[used].begin, start);
    used_[used].end = std::max(used_[used].end, start + length);
    windows_.push(used, start, length);
    return at->second;
  }

  template <typename T>
  JaggedTensor<T> gather(int64_t key) const {
    JaggedTensor<T> rows;
    for (const UsedRow& used : used_) {
      const auto row =
          std::get<JaggedTensor<T>>(tensors_[used.tensor]->payload().column(key)).row(used.row);
      const auto size = static_cast<int32_t>(row.size());
      const int32_t begin = std::min(used.begin, size);
      rows.push_row(row.subspan(begin, std::min(used.end, size) - begin));
    }
    return rows;
  }

  std::span<const InverseKeyedJaggedTensor* const> tensors_;
  std::vector<std::vector<int32_t>> unique_of_window_;  // [tensors][U of the tensor], -1: unused
  std::vector<std::vector<int32_t>> used_of_row_;       // [tensors][P of the tensor], -1: unused
  std::map<std::tuple<int32_t, int32_t, int32_t, int32_t>, int32_t> unique_of_;
  std::vector<UsedRow> used_;     // [P]
  RowWindows windows_;            // [U], starts in the tensors' rows until finish()
  std::vector<int32_t> inverse_;  // [B]
};

}  // namespace

InverseKeyedJaggedTensor gather_windows(std::span<const InverseKeyedJaggedTensor* const> tensors,
                                        std::span<const SampleOfTensor> samples) {
  ONEFOLD_CHECK(!tensors.empty(), "windows need a tensor to come from");
  WindowGatherer gatherer(tensors);
  for (const SampleOfTensor& sample : samples) gatherer.add(sample);
  return std::move(gatherer).finish();
}

Result<InverseKeyedJaggedTensor> from_windows(KeyedJaggedTensor payload,
                                              std::span<const int32_t> rows,
                                              std::span<const int64_t> starts,
                                              std::span<const int64_t> lengths) {
  std::map<std::tuple<int32_t, int64_t, int64_t>, int32_t> unique_of;
  std::vector<int32_t> payload_of_row(payload.num_rows(), -1);  // -1: unused
  std::vector<int32_t> used;
  RowWindows windows;
  std::vector<int32_t> inverse(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    // Neighbours usually share their window: the candidates of a request.
    if (i > 0 && rows[i] == rows[i - 1] && starts[i] == starts[i - 1] &&
        lengths[i] == lengths[i - 1]) {
      inverse[i] = inverse[i - 1];
      continue;
    }
    if (rows[i] < 0 || rows[i] >= payload.num_rows() || !fits_int32(starts[i]) ||
        !fits_int32(lengths[i])) {
      return data_loss(fmt::format("sample {} has start {} and length {} in payload row {} of {}",
                                   i, starts[i], lengths[i], rows[i], payload.num_rows()));
    }
    const auto [at, is_new] = unique_of.try_emplace({rows[i], starts[i], lengths[i]},
                                                    static_cast<int32_t>(windows.size()));
    inverse[i] = at->second;
    if (!is_new) continue;
    int32_t& row = payload_of_row[rows[i]];
    if (row < 0) {
      row = static_cast<int32_t>(used.size());
      used.push_back(rows[i]);
    }
    windows.push(row, static_cast<int32_t>(starts[i]), static_cast<int32_t>(lengths[i]));
  }
  // Rows that this program wrote are all used, in this order: nothing to copy.
  const bool as_stored = static_cast<int64_t>(used.size()) == payload.num_rows() &&
                         std::is_sorted(used.begin(), used.end());
  if (!as_stored) payload = select_rows(payload, used);
  return InverseKeyedJaggedTensor::make_windowed(std::move(payload), std::move(windows),
                                                 std::move(inverse));
}

}  // namespace onefold
