// SPDX-License-Identifier: Apache-2.0
#include "onefold/kernels/embedding/embedding.h"

#include "onefold/base/check.h"
#include "onefold/base/cpu.h"
#include "onefold/kernels/balance.h"
#include "onefold/kernels/embedding/row_optimizer.h"

namespace onefold {
namespace {

constexpr int64_t kGrainBytes = 1 << 17;  // of rows read per task: about 10 us

auto forward_body(const EmbeddingForwardParams& params) {
  const bool plain = params.out_type == ScalarType::kFloat32;
  if (plain && cpu_level() == CpuLevel::kAvx512) return embedding_forward_avx512;
  if (plain && cpu_level() == CpuLevel::kAvx2) return embedding_forward_avx2;
  return embedding_forward_scalar;
}

void forward_cpu(const EmbeddingForwardParams& params, const Device& device) {
  const auto body = forward_body(params);
  const int64_t grain = kGrainBytes / (params.width * size_of(params.weight_type)) + 1;
  int64_t first_id = 0;
  for (int64_t f = 0; f < params.num_features; ++f) {
    const LookupFeature& feature = params.features[f];
    const int64_t work = feature.offsets ? feature.num_bags + feature.num_ids : feature.num_bags;
    parallel_for(device, work, grain, [&](int64_t begin, int64_t end) {
      if (feature.offsets != nullptr) {
        begin = first_row_at(begin, feature.offsets, feature.num_bags);
        end = first_row_at(end, feature.offsets, feature.num_bags);
      }
      body(params, {f, first_id, begin, end});
    });
    first_id += feature.num_ids;
  }
}

}  // namespace

void embedding_forward(const EmbeddingForwardParams& params, const Device& device) {
  ONEFOLD_CHECK(params.out_type == ScalarType::kFloat32 || params.out_type == params.weight_type,
                "lookups give float32 or the weights' type");
  ONEFOLD_CHECK(params.id_weights == nullptr || params.pooling == Pooling::kSum,
                "weighted lookups are summed, not averaged");
  if (params.width == 0) return;
  if (device.type == DeviceType::kCuda) return embedding_forward_cuda(params, device.stream);
  forward_cpu(params, device);
}

size_t embedding_update_workspace_bytes(int64_t num_ids, int64_t width, ScalarType grad_type,
                                        const Device& device) {
  return device.type == DeviceType::kCuda
             ? embedding_update_cuda_workspace_bytes(num_ids, width, grad_type)
             : sizeof(OptimizerStep);
}

int64_t max_cuda_embedding_width(int64_t width) { return width % 4 == 0 ? 1024 : 256; }

void embedding_update(const EmbeddingUpdateParams& params, const Device& device) {
  const bool dense = params.optimizer == OptimizerKind::kDenseGradient;
  ONEFOLD_CHECK(dense || params.weight_type != ScalarType::kFloat64,
                "the fused optimizers take float32, bfloat16 and float16 weights");
  if (params.width == 0) return;
  if (device.type == DeviceType::kCuda) {
    ONEFOLD_CHECK(params.width <= max_cuda_embedding_width(params.width),
                  "embedding rows are too wide for CUDA; see max_cuda_embedding_width()");
    return embedding_update_cuda(params, device.stream);
  }
  if (!dense) {
    *static_cast<OptimizerStep*>(params.workspace) = make_optimizer_step(
        *params.learning_rate, params.eps, params.beta1, params.beta2, ++*params.step);
  }
  // A run is worth one unit and one for each of its ids.
  const int64_t num_runs = params.counts[0];
  const int64_t work = num_runs + params.run_offsets[num_runs];
  const int64_t grain = kGrainBytes / (params.width * size_of(params.grad_type)) + 1;
  parallel_for(device, work, grain, [&](int64_t begin, int64_t end) {
    embedding_update_scalar(params, first_row_at(begin, params.run_offsets, num_runs),
                            first_row_at(end, params.run_offsets, num_runs));
  });
}

void id_weight_gradient(const IdWeightGradientParams& params, const Device& device) {
  if (device.type == DeviceType::kCuda) return id_weight_gradient_cuda(params, device.stream);
  parallel_for(device, params.num_ids, kGrainBytes / (params.width * 4 + 1) + 1,
               [&](int64_t begin, int64_t end) { id_weight_gradient_scalar(params, begin, end); });
}

}  // namespace onefold
