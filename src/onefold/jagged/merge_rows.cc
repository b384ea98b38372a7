// SPDX-License-Identifier: Apache-2.0
#include "onefold/jagged/merge_rows.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <unordered_map>

#include "onefold/base/hash.h"
#include "onefold/jagged/overlap.h"

namespace onefold {
namespace {

constexpr size_t kPayloadsTried = 4;
// A row joins when overlap * kWorthJoining >= the shorter of row and payload row.
constexpr int64_t kWorthJoining = 4;
// Of a long payload row, only so much of its end is searched for a short row.
constexpr int64_t kSearched = 16;
constexpr int64_t kSearchedAtLeast = 1024;

// Values [begin, end) of a row's lists.
struct Piece {
  int32_t row = 0;
  int32_t begin = 0, end = 0;
};

// A payload row that grows at both ends.
struct Payload {
  std::vector<uint64_t> elements;
  std::vector<Piece> left, right;  // left: the last one comes first
  int64_t prepended = 0;           // elements in `left`
};

uint64_t bits(int64_t value) { return static_cast<uint64_t>(value); }
uint64_t bits(float value) { return std::bit_cast<uint32_t>(value); }

class Merger {
 public:
  Merger(const KeyedJaggedTensor& rows, uint64_t hash_mask) : rows_(rows), hash_mask_(hash_mask) {}

  void add(int32_t row, int64_t owner) {
    std::vector<int32_t>& candidates = payloads_of_[owner];
    if (!is_parallel(row)) {
      begin_payload(row, {}, longest(row));  // and never a candidate
      return;
    }
    std::vector<uint64_t> elements = elements_of(row);
    const auto last = candidates.rbegin() + std::min(candidates.size(), kPayloadsTried);
    for (auto at = candidates.rbegin(); at != last; ++at) {
      if (join(row, elements, *at)) return;
    }
    const auto length = static_cast<int32_t>(elements.size());
    begin_payload(row, std::move(elements), length);
    candidates.push_back(static_cast<int32_t>(payloads_.size()) - 1);
  }

  MergedRows finish() && {
    MergedRows merged{KeyedJaggedTensor(), std::move(windows_)};
    for (int64_t u = 0; u < merged.windows.size(); ++u) {
      // Where a payload begins is known only now.
      merged.windows.start[u] += static_cast<int32_t>(payloads_[merged.windows.row[u]].prepended);
    }
    merged.payload = make_payload();
    if (put_aside_collisions(merged.payload, merged.windows)) merged.payload = make_payload();
    return merged;
  }

 private:
  bool is_parallel(int32_t row) const {
    for (int64_t k = 1; k < rows_.num_keys(); ++k) {
      if (length(rows_.column(k), row) != length(rows_.column(0), row)) return false;
    }
    return true;
  }

  int32_t longest(int32_t row) const {
    int32_t longest = 0;
    for (int64_t k = 0; k < rows_.num_keys(); ++k) {
      longest = std::max(longest, length(rows_.column(k), row));
    }
    return longest;
  }

  // One number for the values of all keys at each position: with one key its bits, else a hash.
  std::vector<uint64_t> elements_of(int32_t row) const {
    std::vector<uint64_t> elements(rows_.num_keys() == 0 ? 0 : length(rows_.column(0), row));
    for (int64_t k = 0; k < rows_.num_keys(); ++k) {
      std::visit(
          [&](const auto& column) {
            const auto values = column.row(row);
            for (size_t i = 0; i < values.size(); ++i) {
              elements[i] = k == 0 ? bits(values[i])
                                   : hash64(static_cast<int64_t>(bits(values[i])), elements[i]);
            }
          },
          rows_.column(k));
    }
    if (rows_.num_keys() > 1) {
      for (uint64_t& element : elements) element &= hash_mask_;
    }
    return elements;
  }

  // `length`: of the window. Rows that are not parallel have no elements, and are not searched.
  void begin_payload(int32_t row, std::vector<uint64_t> elements, int32_t length) {
    payloads_.push_back({std::move(elements), {}, {{row, 0, length}}, 0});
    windows_.push(static_cast<int32_t>(payloads_.size()) - 1, 0, length);
  }

  bool join(int32_t row, const std::vector<uint64_t>& elements, int32_t at) {
    Payload& payload = payloads_[at];
    const std::optional<int64_t> found = find_position(elements, payload.elements);
    if (!found) return false;
    const auto size = static_cast<int64_t>(elements.size());
    const int64_t before = std::max<int64_t>(0, -*found);
    const int64_t after =
        std::max<int64_t>(0, *found + size - static_cast<int64_t>(payload.elements.size()));
    windows_.push(at, static_cast<int32_t>(*found - payload.prepended), static_cast<int32_t>(size));
    if (after > 0) {
      payload.right.push_back(
          {row, static_cast<int32_t>(size - after), static_cast<int32_t>(size)});
      payload.elements.insert(payload.elements.end(), elements.end() - after, elements.end());
    }
    if (before > 0) {
      payload.left.push_back({row, 0, static_cast<int32_t>(before)});
      payload.elements.insert(payload.elements.begin(), elements.begin(),
                              elements.begin() + before);
      payload.prepended += before;
    }
    return true;
  }

  // Where in the payload the row's first element is, below 0 when the row begins before it.
  static std::optional<int64_t> find_position(Elements row, Elements payload) {
    const auto row_size = static_cast<int64_t>(row.size());
    const auto size = static_cast<int64_t>(payload.size());
    if (row_size == 0 || size == 0) return 0;
    const int64_t enough = std::min(row_size, size);
    const int64_t from = std::max<int64_t>(0, size - kSearched * row_size - kSearchedAtLeast);
    if (const auto p = find_overlap(payload, row, from)) {
      if (std::min(row_size, size - *p) * kWorthJoining >= enough) return *p;
    }
    if (const auto p = find_overlap(row, payload.first(enough), 0)) {
      // A payload longer than the row was cut to the row's length: it cannot end before the row.
      if (std::min(size, row_size - *p) * kWorthJoining >= enough) return -*p;
    }
    return std::nullopt;
  }

  KeyedJaggedTensor make_payload() const {
    KeyedJaggedTensor payload(static_cast<int64_t>(payloads_.size()));
    for (int64_t k = 0; k < rows_.num_keys(); ++k) {
      std::visit([&](const auto& column) { payload.add(rows_.keys()[k], concatenate(column)); },
                 rows_.column(k));
    }
    return payload;
  }

  template <typename T>
  JaggedTensor<T> concatenate(const JaggedTensor<T>& column) const {
    std::vector<T> values;
    std::vector<int32_t> offsets = {0};
    auto append = [&](const Piece& piece) {
      const auto row = column.row(piece.row);
      const auto size = static_cast<int32_t>(row.size());
      const int32_t begin = std::min(piece.begin, size), end = std::min(piece.end, size);
      values.insert(values.end(), row.begin() + begin, row.begin() + end);
    };
    for (const Payload& payload : payloads_) {
      std::for_each(payload.left.rbegin(), payload.left.rend(), append);
      std::for_each(payload.right.begin(), payload.right.end(), append);
      offsets.push_back(static_cast<int32_t>(values.size()));
    }
    return JaggedTensor<T>::make(std::move(values), std::move(offsets)).value();
  }

  // Elements of several keys were compared by hash: rows that are not what their windows cut get
  // payload rows of their own. Whether there are any.
  bool put_aside_collisions(const KeyedJaggedTensor& payload, RowWindows& windows) {
    if (rows_.num_keys() < 2) return false;
    std::vector<bool> equal(windows.size(), true);
    for (int64_t k = 0; k < rows_.num_keys(); ++k) {
      std::visit(
          [&](const auto& column) {
            using Column = std::decay_t<decltype(column)>;
            const auto& stored = std::get<Column>(payload.column(k));
            for (int64_t u = 0; u < windows.size(); ++u) {
              const ValueRange range = window_values(windows, u, stored.offsets());
              const std::span cut(stored.values().data() + range.begin, range.size());
              if (!Column::bytes_equal(cut, column.row(u))) equal[u] = false;
            }
          },
          rows_.column(k));
    }
    const bool any = std::find(equal.begin(), equal.end(), false) != equal.end();
    for (int32_t u = 0; u < windows.size(); ++u) {
      if (equal[u]) continue;
      windows.row[u] = static_cast<int32_t>(payloads_.size());
      windows.start[u] = 0;
      payloads_.push_back({{}, {}, {{u, 0, windows.length[u]}}, 0});
    }
    return any;
  }

  const KeyedJaggedTensor& rows_;
  const uint64_t hash_mask_;
  std::vector<Payload> payloads_;
  std::unordered_map<int64_t, std::vector<int32_t>> payloads_of_;  // of an owner, oldest first
  RowWindows windows_;  // starts count from where the payload began, before anything was prepended
};

}  // namespace

MergedRows merge_rows(const KeyedJaggedTensor& rows, std::span<const int64_t> owners) {
  return merge_rows_by_hash(rows, owners, ~uint64_t{0});
}

MergedRows merge_rows_by_hash(const KeyedJaggedTensor& rows, std::span<const int64_t> owners,
                              uint64_t hash_mask) {
  ONEFOLD_CHECK(static_cast<int64_t>(owners.size()) == rows.num_rows(), "one owner for each row");
  Merger merger(rows, hash_mask);
  for (int32_t row = 0; row < rows.num_rows(); ++row) merger.add(row, owners[row]);
  return std::move(merger).finish();
}

}  // namespace onefold
