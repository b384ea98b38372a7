// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "onefold/kernels/element.h"
#include "onefold/kernels/expand/expand.h"

namespace onefold {

void expand_scalar(const ExpandParams& params, int64_t begin, int64_t end) {
  const char* unique = static_cast<const char*>(params.unique);
  char* out = static_cast<char*>(params.out);
  for (int64_t i = begin; i < end; ++i) {
    std::memcpy(out + i * params.row_bytes, unique + params.inverse_indices[i] * params.row_bytes,
                params.row_bytes);
  }
}

namespace {

// Columns summed at a time: the sums stay in the first-level cache.
constexpr int64_t kBlockColumns = 1024;

template <typename E>
void sum_block(const ExpandBackwardParams& params, int64_t row, int64_t column, int64_t columns) {
  using Storage = typename E::Storage;
  typename E::Sum sums[kBlockColumns];
  std::fill(sums, sums + columns, typename E::Sum(0));
  const Storage* grad = static_cast<const Storage*>(params.grad_out) + column;
  for (int32_t m = params.offsets[row]; m < params.offsets[row + 1]; ++m) {
    const Storage* from = grad + params.members[m] * params.width;
    for (int64_t c = 0; c < columns; ++c) sums[c] += E::load(from[c]);
  }
  Storage* to = static_cast<Storage*>(params.grad_unique) + row * params.width + column;
  for (int64_t c = 0; c < columns; ++c) to[c] = E::store(sums[c]);
}

}  // namespace

void expand_backward_scalar(const ExpandBackwardParams& params, const ExpandBackwardRange& range) {
  with_element(params.type, [&]<typename E>(E) {
    for (int64_t row = range.row_begin; row < range.row_end; ++row) {
      for (int64_t c = range.column_begin; c < range.column_end; c += kBlockColumns) {
        sum_block<E>(params, row, c, std::min(kBlockColumns, range.column_end - c));
      }
    }
  });
}

}  // namespace onefold
