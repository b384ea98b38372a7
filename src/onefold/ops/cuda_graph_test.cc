// SPDX-License-Identifier: Apache-2.0
// The ops under CUDA graph capture: a replay does what a call does, also to the weights and the
// optimizer's step.
#include "onefold/ops/embedding.h"
#include "onefold/ops/expand.h"
#include "onefold/ops/jagged_index_select.h"
#include "onefold/ops/test_gradients.h"

#ifdef ONEFOLD_TORCH_HAS_CUDA

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

namespace onefold {
namespace {

// A folded lookup with Adam and what a model does around it.
struct Model {
  at::Tensor weights;
  FusedOptimizer adam;
  at::Tensor ids, bag_offsets, inverse;
  at::Tensor out;

  void step() {
    const FoldIndex fold = make_fold_index(inverse, 3);
    const SortedIds sorted = id_sort({ids}, {0}, {20}, 20);
    Lookups lookups;
    lookups.offsets = {bag_offsets};
    lookups.num_ids = {ids.numel()};
    lookups.out_first = {0};
    lookups.out_stride = {1};
    lookups.out_rows = 3;
    const at::Tensor samples = expand(embedding_bag(weights, adam, sorted, lookups), fold);
    (samples * samples).sum().backward();
    out.copy_(samples.detach());
  }
};

Model make_model() {
  at::manual_seed(3);
  const auto floats = at::TensorOptions(at::kCUDA).dtype(at::kFloat);
  Model m;
  m.weights = at::randn({20, 8}, floats).requires_grad_(true);
  m.adam.kind = OptimizerKind::kAdam;
  m.adam.state = make_optimizer_state(OptimizerKind::kAdam, m.weights);
  m.adam.learning_rate = at::full({1}, 0.1, floats);
  m.adam.step = at::zeros({1}, at::TensorOptions(at::kCUDA).dtype(at::kLong));
  m.ids = at::tensor(std::vector<int64_t>{3, 7, 7, 19, 0, 3}).cuda();
  m.bag_offsets = at::tensor(std::vector<int32_t>{0, 2, 2, 6}).cuda();
  m.inverse = at::tensor(std::vector<int32_t>{0, 0, 1, 2, 2}).cuda();
  m.out = at::empty({5, 8}, floats);
  return m;
}

TEST(CudaGraph, cuda_ReplayEqualsCalls) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(at::kCUDA);
  Model called = make_model(), captured = make_model();
  const auto stream = c10::cuda::getStreamFromPool();
  const c10::cuda::CUDAStreamGuard guard(stream);
  for (int i = 0; i < 5; ++i) called.step();

  for (int i = 0; i < 2; ++i) captured.step();  // what a capture may not do comes first
  stream.synchronize();
  at::cuda::CUDAGraph graph;
  graph.capture_begin();
  captured.step();
  graph.capture_end();
  for (int i = 0; i < 3; ++i) graph.replay();
  stream.synchronize();
  EXPECT_EQ(captured.adam.step.item<int64_t>(), 5);
  EXPECT_TRUE(at::equal(captured.weights, called.weights));
  EXPECT_TRUE(at::equal(captured.out, called.out));
}

}  // namespace
}  // namespace onefold

#else

TEST(CudaGraph, cuda_ReplayEqualsCalls) { GTEST_SKIP() << "this Torch has no CUDA"; }

#endif
