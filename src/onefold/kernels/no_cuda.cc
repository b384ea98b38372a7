// SPDX-License-Identifier: Apache-2.0
// The symbols of the .cu files for a build without CUDA: every launcher throws. Callers never need
// an #ifdef; the CLI refuses `--device cuda` earlier, with a Status.
#include "onefold/base/check.h"
#include "onefold/kernels/device.h"
#include "onefold/kernels/embedding/embedding.h"
#include "onefold/kernels/expand/expand.h"
#include "onefold/kernels/folded_attention/folded_attention.h"
#include "onefold/kernels/id_sort/id_sort.h"
#include "onefold/kernels/index_csr/index_csr.h"
#include "onefold/kernels/jagged_index_select/jagged_index_select.h"
#include "onefold/kernels/multi_slice_pool/multi_slice_pool.h"
#include "onefold/kernels/window_pool/window_pool.h"

namespace onefold {
namespace {

[[noreturn]] void no_cuda(const char* what) {
  check_failed(__FILE__, __LINE__, what,
               "this build has no CUDA kernels; configure with -DONEFOLD_CUDA=ON where nvcc is");
}

}  // namespace

int num_cuda_devices() { return 0; }
void* cuda_allocate(size_t) { no_cuda("cuda_allocate"); }
void cuda_free(void*) { no_cuda("cuda_free"); }
void cuda_copy(void*, const void*, size_t) { no_cuda("cuda_copy"); }
void cuda_synchronize() { no_cuda("cuda_synchronize"); }

void embedding_forward_cuda(const EmbeddingForwardParams&, Stream) { no_cuda("embedding"); }
size_t embedding_update_cuda_workspace_bytes(int64_t, int64_t, ScalarType) {
  no_cuda("embedding_update");
}
void embedding_update_cuda(const EmbeddingUpdateParams&, Stream) { no_cuda("embedding_update"); }
void id_weight_gradient_cuda(const IdWeightGradientParams&, Stream) {
  no_cuda("id_weight_gradient");
}

size_t id_sort_cuda_workspace_bytes(int64_t, int64_t) { no_cuda("id_sort"); }
void id_sort_cuda(const IdSortParams&, Stream) { no_cuda("id_sort"); }
void id_rows_cuda(const IdSortParams&, Stream) { no_cuda("id_rows"); }

void expand_cuda(const ExpandParams&, Stream) { no_cuda("expand"); }
size_t expand_backward_cuda_workspace_bytes(int64_t, int64_t, ScalarType) {
  no_cuda("expand_backward");
}
void expand_backward_cuda(const ExpandBackwardParams&, Stream) { no_cuda("expand_backward"); }

size_t index_csr_cuda_workspace_bytes(int64_t, int64_t) { no_cuda("index_csr"); }
void index_csr_cuda(const IndexCsrParams&, Stream) { no_cuda("index_csr"); }

size_t jagged_select_offsets_cuda_workspace_bytes(const JaggedSelection&) {
  no_cuda("jagged_select_offsets");
}
void jagged_select_offsets_cuda(const JaggedSelection&, int32_t*, void*, size_t, Stream) {
  no_cuda("jagged_select_offsets");
}
void jagged_index_select_cuda(const JaggedIndexSelectParams&, Stream) {
  no_cuda("jagged_index_select");
}
void jagged_index_select_backward_cuda(const JaggedIndexSelectBackwardParams&, Stream) {
  no_cuda("jagged_index_select_backward");
}

void folded_attention_cuda(const FoldedAttention&, const void*, const void*, const void*, void*,
                           void*, Stream) {
  no_cuda("folded_attention");
}
size_t folded_attention_backward_cuda_workspace_bytes(const FoldedAttention&) {
  no_cuda("folded_attention_backward");
}
void folded_attention_backward_cuda(const FoldedAttention&, const FoldedAttentionGradient&,
                                    Stream) {
  no_cuda("folded_attention_backward");
}

void multi_slice_cells_cuda(const SliceEvents&, const SliceCells&, void*, float*, Stream) {
  no_cuda("multi_slice_cells");
}
void multi_slice_means_cuda(const SliceEvents&, const SliceCells&, const SliceWindows&, const void*,
                            const float*, void*, float*, Stream) {
  no_cuda("multi_slice_means");
}
void multi_slice_cell_gradients_cuda(const SliceEvents&, const SliceCells&, const SliceWindows&,
                                     const void*, const float*, void*, Stream) {
  no_cuda("multi_slice_cell_gradients");
}
void multi_slice_table_gradients_cuda(const SliceEvents&, const SliceRowEvents&, const void*,
                                      void* const*, Stream) {
  no_cuda("multi_slice_table_gradients");
}

void window_pool_cuda(const WindowPool&, const void*, double*, void*, Stream) {
  no_cuda("window_pool");
}
void window_pool_backward_cuda(const WindowPool&, const void*, void*, Stream) {
  no_cuda("window_pool_backward");
}

}  // namespace onefold
