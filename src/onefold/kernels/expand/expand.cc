// SPDX-License-Identifier: Apache-2.0
#include "onefold/kernels/expand/expand.h"

#include <algorithm>

#include "onefold/base/check.h"
#include "onefold/base/cpu.h"
#include "onefold/kernels/balance.h"

namespace onefold {
namespace {

constexpr int64_t kGrainBytes = 1 << 17;  // moved per task: about 10 us
constexpr int64_t kPartColumns = 4096;    // wide rows are also cut by columns

auto backward_body(ScalarType type) {
  const bool vectors = type != ScalarType::kFloat64;
  if (vectors && cpu_level() == CpuLevel::kAvx512) return expand_backward_avx512;
  if (vectors && cpu_level() == CpuLevel::kAvx2) return expand_backward_avx2;
  return expand_backward_scalar;
}

void expand_backward_cpu(const ExpandBackwardParams& params, const Device& device) {
  const int64_t work_per_part = params.num_unique + params.num_samples;
  const int64_t num_parts = (params.width + kPartColumns - 1) / kPartColumns;
  const int64_t part_bytes = std::min(params.width, kPartColumns) * size_of(params.type);
  const int64_t grain = kGrainBytes / std::max<int64_t>(part_bytes, 1) + 1;
  const auto row_at = [&](int64_t work) {
    return first_row_at(work, params.offsets, params.num_unique);
  };
  const auto body = backward_body(params.type);
  parallel_for(device, work_per_part * num_parts, grain, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin / work_per_part; part * work_per_part < end; ++part) {
      const int64_t base = part * work_per_part;
      const int64_t column = part * kPartColumns;
      body(params,
           {row_at(std::max<int64_t>(begin - base, 0)), row_at(std::min(end - base, work_per_part)),
            column, std::min(column + kPartColumns, params.width)});
    }
  });
}

}  // namespace

void expand(const ExpandParams& params, const Device& device) {
  if (params.num_samples == 0 || params.row_bytes == 0) return;
  if (device.type == DeviceType::kCuda) return expand_cuda(params, device.stream);
  // Stores that pass by the caches lose here: 420 MB of output took 167 ms with them and take 136
  // ms. So large a tensor lies in fresh pages, whose zeros the caches hold already.
  parallel_for(device, params.num_samples, kGrainBytes / params.row_bytes + 1,
               [&](int64_t begin, int64_t end) { expand_scalar(params, begin, end); });
}

size_t expand_backward_workspace_bytes(int64_t num_samples, int64_t width, ScalarType type,
                                       const Device& device) {
  return device.type == DeviceType::kCuda
             ? expand_backward_cuda_workspace_bytes(num_samples, width, type)
             : 0;
}

void expand_backward(const ExpandBackwardParams& params, const Device& device) {
  if (params.num_unique == 0 || params.width == 0) return;
  if (device.type == DeviceType::kCuda) return expand_backward_cuda(params, device.stream);
  expand_backward_cpu(params, device);
}

}  // namespace onefold
