// SPDX-License-Identifier: Apache-2.0
#include "onefold/kernels/jagged_index_select/jagged_index_select.h"

#include "onefold/base/check.h"
#include "onefold/kernels/balance.h"

namespace onefold {
namespace {

constexpr int64_t kGrainBytes = 1 << 17;  // moved per task: about 10 us

void check_selection(const JaggedSelection& selection) {
  ONEFOLD_CHECK(selection.num_out_values >= 0 && selection.num_out_values <= INT32_MAX,
                "a batch holds fewer than 2^31 values per call");
}

}  // namespace

size_t jagged_select_offsets_workspace_bytes(const JaggedSelection& selection,
                                             const Device& device) {
  return device.type == DeviceType::kCuda ? jagged_select_offsets_cuda_workspace_bytes(selection)
                                          : 0;
}

void jagged_select_offsets(const JaggedSelection& selection, int32_t* out_offsets, void* workspace,
                           size_t workspace_bytes, const Device& device) {
  if (device.type == DeviceType::kCuda) {
    jagged_select_offsets_cuda(selection, out_offsets, workspace, workspace_bytes, device.stream);
  } else {
    jagged_select_offsets_scalar(selection, out_offsets);
  }
}

void jagged_index_select(const JaggedIndexSelectParams& params, const Device& device) {
  const JaggedSelection& s = params.selection;
  check_selection(s);
  if (s.num_out_values == 0 || params.value_bytes == 0) return;
  if (device.type == DeviceType::kCuda) return jagged_index_select_cuda(params, device.stream);
  const int64_t num_out_rows = s.num_keys * s.num_out_rows;
  ONEFOLD_CHECK(s.out_offsets[num_out_rows] == s.num_out_values,
                "num_out_values is not what the selected rows hold");
  parallel_for(device, num_out_rows + s.num_out_values, kGrainBytes / params.value_bytes + 1,
               [&](int64_t begin, int64_t end) {
                 jagged_index_select_scalar(params,
                                            first_row_at(begin, s.out_offsets, num_out_rows),
                                            first_row_at(end, s.out_offsets, num_out_rows));
               });
}

void jagged_index_select_backward(const JaggedIndexSelectBackwardParams& params,
                                  const Device& device) {
  const JaggedSelection& s = params.selection;
  check_selection(s);
  if (params.num_values == 0 || params.width == 0) return;
  if (device.type == DeviceType::kCuda) {
    return jagged_index_select_backward_cuda(params, device.stream);
  }
  const int64_t num_rows = s.num_keys * s.num_rows;
  parallel_for(
      device, num_rows + params.num_values, kGrainBytes / (params.width * size_of(params.type)) + 1,
      [&](int64_t begin, int64_t end) {
        jagged_index_select_backward_scalar(params, first_row_at(begin, s.offsets, num_rows),
                                            first_row_at(end, s.offsets, num_rows));
      });
}

}  // namespace onefold
