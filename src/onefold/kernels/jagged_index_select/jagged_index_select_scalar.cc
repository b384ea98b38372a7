// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "onefold/base/check.h"
#include "onefold/kernels/element.h"
#include "onefold/kernels/jagged_index_select/jagged_index_select.h"

namespace onefold {

void jagged_select_offsets_scalar(const JaggedSelection& s, int32_t* out_offsets) {
  int64_t total = 0;
  *out_offsets++ = 0;
  for (int64_t key = 0; key < s.num_keys; ++key) {
    const int32_t* offsets = s.offsets + key * s.num_rows;
    for (int64_t i = 0; i < s.num_out_rows; ++i) {
      total += offsets[s.index[i] + 1] - offsets[s.index[i]];
      ONEFOLD_CHECK(total <= INT32_MAX, "the selected rows hold 2^31 values or more");
      *out_offsets++ = static_cast<int32_t>(total);
    }
  }
}

void jagged_index_select_scalar(const JaggedIndexSelectParams& params, int64_t begin, int64_t end) {
  const JaggedSelection& s = params.selection;
  const char* values = static_cast<const char*>(params.values);
  char* out = static_cast<char*>(params.out);
  for (int64_t row = begin; row < end; ++row) {
    const int64_t key = row / s.num_out_rows;
    const int64_t source = key * s.num_rows + s.index[row - key * s.num_out_rows];
    const int64_t length = s.offsets[source + 1] - s.offsets[source];
    std::memcpy(out + s.out_offsets[row] * params.value_bytes,
                values + s.offsets[source] * params.value_bytes, length * params.value_bytes);
  }
}

namespace {

// Numbers summed at a time: the sums stay in the first-level cache.
constexpr int64_t kBlockNumbers = 1024;

template <typename E>
void sum_row(const JaggedIndexSelectBackwardParams& params, int64_t key, int64_t row) {
  using Storage = typename E::Storage;
  const JaggedSelection& s = params.selection;
  const int32_t* offsets = s.offsets + key * s.num_rows + row;
  const int32_t* out_offsets = s.out_offsets + key * s.num_out_rows;
  const Storage* grad_out = static_cast<const Storage*>(params.grad_out);
  Storage* to = static_cast<Storage*>(params.grad_values) + offsets[0] * params.width;
  const int64_t numbers = (offsets[1] - offsets[0]) * params.width;
  typename E::Sum sums[kBlockNumbers];
  for (int64_t block = 0; block < numbers; block += kBlockNumbers) {
    const int64_t size = std::min(kBlockNumbers, numbers - block);
    std::fill(sums, sums + size, typename E::Sum(0));
    for (int32_t m = s.row_members[row]; m < s.row_members[row + 1]; ++m) {
      const Storage* from = grad_out + out_offsets[s.members[m]] * params.width + block;
      for (int64_t i = 0; i < size; ++i) sums[i] += E::load(from[i]);
    }
    for (int64_t i = 0; i < size; ++i) to[block + i] = E::store(sums[i]);
  }
}

}  // namespace

void jagged_index_select_backward_scalar(const JaggedIndexSelectBackwardParams& params,
                                         int64_t begin, int64_t end) {
  with_element(params.type, [&]<typename E>(E) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t key = row / params.selection.num_rows;
      sum_row<E>(params, key, row - key * params.selection.num_rows);
    }
  });
}

}  // namespace onefold
