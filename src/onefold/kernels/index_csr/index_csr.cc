// SPDX-License-Identifier: Apache-2.0
#include "onefold/kernels/index_csr/index_csr.h"

#include "onefold/base/check.h"

namespace onefold {

size_t index_csr_workspace_bytes(int64_t num_entries, int64_t num_rows, const Device& device) {
  return device.type == DeviceType::kCuda ? index_csr_cuda_workspace_bytes(num_entries, num_rows)
                                          : 0;
}

void index_csr(const IndexCsrParams& params, const Device& device) {
  ONEFOLD_CHECK(params.num_entries >= 0 && params.num_entries <= INT32_MAX,
                "an index has fewer than 2^31 entries");
  ONEFOLD_CHECK(params.num_rows >= 0 && params.num_rows < INT32_MAX, "fewer than 2^31 rows");
  if (device.type == DeviceType::kCuda) {
    index_csr_cuda(params, device.stream);
  } else {
    index_csr_scalar(params);
  }
}

}  // namespace onefold
