// SPDX-License-Identifier: Apache-2.0
#include "onefold/kernels/id_sort/id_sort.h"

#include "onefold/base/check.h"
#include "onefold/base/cpu.h"

namespace onefold {

size_t id_sort_workspace_bytes(int64_t num_ids, int64_t total_rows, const Device& device) {
  if (device.type == DeviceType::kCuda) return id_sort_cuda_workspace_bytes(num_ids, total_rows);
  return total_rows <= kCountingRows ? id_sort_counting_workspace_bytes(total_rows)
                                     : id_sort_radix_workspace_bytes(num_ids);
}

void id_sort(const IdSortParams& params, const Device& device) {
  ONEFOLD_CHECK(params.num_ids >= 0 && params.num_ids < INT32_MAX, "fewer than 2^31 ids per sort");
  ONEFOLD_CHECK(params.total_rows >= 0 && params.total_rows < INT32_MAX,
                "a stack of tables has fewer than 2^31 - 1 rows; use several");
  if (device.type == DeviceType::kCuda) {
    id_sort_cuda(params, device.stream);
  } else if (cpu_level() == CpuLevel::kScalar) {
    id_sort_scalar(params);
  } else if (params.total_rows <= kCountingRows) {
    id_sort_counting(params, device);
  } else {
    id_sort_radix(params, device);
  }
}

void id_rows(const IdSortParams& params, const Device& device) {
  ONEFOLD_CHECK(params.num_ids >= 0 && params.num_ids < INT32_MAX, "fewer than 2^31 ids per call");
  if (device.type == DeviceType::kCuda) return id_rows_cuda(params, device.stream);
  id_rows_cpu(params, device);
}

}  // namespace onefold
