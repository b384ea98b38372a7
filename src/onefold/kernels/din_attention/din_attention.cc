// SPDX-License-Identifier: Apache-2.0
#include "onefold/kernels/din_attention/din_attention.h"

#include <algorithm>

#include "onefold/base/check.h"
#include "onefold/base/cpu.h"
#include "onefold/kernels/balance.h"
#include "onefold/kernels/element.h"

namespace onefold {
namespace {

// Forward items: few enough samples that rows of uneven length balance.
constexpr int64_t kItemSamples = 16;

void check_shape(const Device& device, const DinShape& shape) {
  ONEFOLD_CHECK(device.type == DeviceType::kCpu, "din_attention has no CUDA body");
  ONEFOLD_CHECK(shape.type == ScalarType::kFloat32 || shape.type == ScalarType::kFloat64,
                "din_attention takes float32 and float64");
  ONEFOLD_CHECK(shape.width > 0 && shape.hidden > 0, "din_attention: no columns");
}

CpuLevel level_for(const DinShape& shape) {
  return shape.type == ScalarType::kFloat32 ? cpu_level() : CpuLevel::kScalar;
}

int64_t num_sums(const DinShape& shape) { return shape.hidden * shape.width + shape.hidden + 1; }

size_t scratch_bytes(const DinShape& shape, int64_t num_workers) {
  if (level_for(shape) == CpuLevel::kScalar) return 0;
  return num_workers * din_scratch_floats(shape) * sizeof(float);
}

int64_t num_items(const DinShape& shape) {
  return (shape.num_samples + kItemSamples - 1) / kItemSamples;
}

// A row costs its values times its samples, and its values once.
int64_t cost_of(const DinShape& shape, int64_t row) {
  const int64_t keys = shape.key_offsets[row + 1] - shape.key_offsets[row];
  return 1 + keys * (1 + shape.sample_offsets[row + 1] - shape.sample_offsets[row]);
}

// Rows [begin, end) of part `part`: every row is in one part.
DinRange rows_of_part(const DinShape& shape, int64_t part) {
  double total = 0, before = 0;
  for (int64_t row = 0; row < shape.num_rows; ++row) total += cost_of(shape, row);
  DinRange rows{shape.num_rows, shape.num_rows};
  for (int64_t row = 0; row < shape.num_rows; ++row) {
    if (rows.begin > row && before >= total * part / kDinParts) rows.begin = row;
    if (rows.end > row && before >= total * (part + 1) / kDinParts) rows.end = row;
    before += cost_of(shape, row);
  }
  return rows;
}

// gradients = the sums of the parts, in order.
template <typename T>
void add_parts(const DinShape& shape, const DinGradients& gradients, const T* sums) {
  const int64_t products = shape.hidden * shape.width, size = num_sums(shape);
  const auto add = [&](int64_t first, int64_t count, void* out) {
    T* to = static_cast<T*>(out);
    std::fill(to, to + count, T(0));
    for (int64_t part = 0; part < kDinParts; ++part) {
      for (int64_t i = 0; i < count; ++i) to[i] += sums[part * size + first + i];
    }
  };
  add(0, products, gradients.product);
  add(products, shape.hidden, gradients.score);
  add(products + shape.hidden, 1, gradients.bias);
}

}  // namespace

int64_t din_scratch_floats(const DinShape& shape) {
  const auto round_up = [](int64_t n) { return (n + kDinPad - 1) / kDinPad * kDinPad; };
  const int64_t width = round_up(shape.width), hidden = round_up(shape.hidden);
  const int64_t weights = 6 * hidden * width;  // product, scaled and gradients, by rows or columns
  const int64_t tile = kDinKeys * (3 * width + 3 * hidden + kDinPad);  // values, hidden, gradients
  return weights + tile + (kDinSamples + 4) * (width + hidden + kDinKeys);
}

size_t din_attention_workspace_bytes(const DinShape& shape) {
  return scratch_bytes(shape, num_items(shape));
}

void din_attention(const Device& device, const DinShape& shape, const DinInputs& inputs, void* out,
                   void* workspace) {
  check_shape(device, shape);
  const CpuLevel level = level_for(shape);
  parallel_items(device, num_items(shape), [&](int64_t worker, int64_t item) {
    const DinRange places{item * kItemSamples,
                          std::min(shape.num_samples, (item + 1) * kItemSamples)};
    float* scratch = static_cast<float*>(workspace) + worker * din_scratch_floats(shape);
    if (level == CpuLevel::kAvx512) {
      din_attention_avx512(shape, inputs, static_cast<float*>(out), places, scratch);
    } else if (level == CpuLevel::kAvx2) {
      din_attention_avx2(shape, inputs, static_cast<float*>(out), places, scratch);
    } else {
      din_attention_scalar(shape, inputs, out, places);
    }
  });
}

size_t din_attention_backward_workspace_bytes(const DinShape& shape) {
  return kDinParts * num_sums(shape) * size_of(shape.type) + scratch_bytes(shape, kDinParts);
}

void din_attention_backward(const Device& device, const DinShape& shape, const DinInputs& inputs,
                            const DinGradients& gradients, void* workspace) {
  check_shape(device, shape);
  const CpuLevel level = level_for(shape);
  const int64_t part_bytes = num_sums(shape) * size_of(shape.type);
  char* const all_sums = static_cast<char*>(workspace);
  float* const all_scratch = reinterpret_cast<float*>(all_sums + kDinParts * part_bytes);
  parallel_items(device, kDinParts, [&](int64_t worker, int64_t part) {
    const DinRange rows = rows_of_part(shape, part);
    void* sums = all_sums + part * part_bytes;
    std::fill_n(static_cast<char*>(sums), part_bytes, 0);
    float* scratch = all_scratch + worker * din_scratch_floats(shape);
    if (level == CpuLevel::kAvx512) {
      din_attention_backward_avx512(shape, inputs, gradients, static_cast<float*>(sums), rows,
                                    scratch);
    } else if (level == CpuLevel::kAvx2) {
      din_attention_backward_avx2(shape, inputs, gradients, static_cast<float*>(sums), rows,
                                  scratch);
    } else {
      din_attention_backward_scalar(shape, inputs, gradients, sums, rows);
    }
  });
  with_element(shape.type, [&]<typename E>(E) {
    using T = typename E::Sum;
    add_parts<T>(shape, gradients, static_cast<const T*>(workspace));
  });
}

}  // namespace onefold
