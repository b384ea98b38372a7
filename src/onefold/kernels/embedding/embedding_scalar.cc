// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "onefold/kernels/element.h"
#include "onefold/kernels/embedding/embedding.h"

namespace onefold {
namespace {

struct Bag {
  int64_t begin, end;  // of its ids, in rows[]
  int64_t out_row;
};

Bag bag_at(const LookupFeature& feature, int64_t first_id, int64_t i) {
  const int64_t begin = feature.offsets ? feature.offsets[i] : i;
  const int64_t end = feature.offsets ? feature.offsets[i + 1] : i + 1;
  return {first_id + begin, first_id + end, feature.out_first + i * feature.out_stride};
}

template <typename W, typename O>
void sum_bag(const EmbeddingForwardParams& p, const Bag& bag, std::vector<typename W::Sum>& sums) {
  std::fill(sums.begin(), sums.end(), typename W::Sum(0));
  const bool mean = p.pooling == Pooling::kMean && bag.end > bag.begin;
  const float mean_scale = mean ? 1.0f / static_cast<float>(bag.end - bag.begin) : 1.0f;
  for (int64_t i = bag.begin; i < bag.end; ++i) {
    if (p.id_out != nullptr) p.id_out[i] = static_cast<int32_t>(bag.out_row);
    if (p.id_scale != nullptr) p.id_scale[i] = p.id_weights ? p.id_weights[i] : mean_scale;
    if (p.rows[i] < 0) continue;
    const float scale = p.id_weights ? p.id_weights[i] : 1.0f;
    const auto* row = static_cast<const typename W::Storage*>(p.weights) + p.rows[i] * p.width;
    for (int64_t d = 0; d < p.width; ++d) sums[d] += scale * W::load(row[d]);
  }
  auto* out = static_cast<typename O::Storage*>(p.out) + bag.out_row * p.width;
  for (int64_t d = 0; d < p.width; ++d) out[d] = O::store(sums[d] * mean_scale);
}

template <typename W, typename O>
void sum_bags(const EmbeddingForwardParams& p, const BagRange& bags) {
  std::vector<typename W::Sum> sums(p.width);
  for (int64_t i = bags.begin; i < bags.end; ++i) {
    sum_bag<W, O>(p, bag_at(p.features[bags.feature], bags.first_id, i), sums);
  }
}

}  // namespace

void embedding_forward_scalar(const EmbeddingForwardParams& params, const BagRange& bags) {
  with_element(params.weight_type, [&]<typename W>(W) {
    if (params.out_type == params.weight_type) {
      sum_bags<W, W>(params, bags);
    } else {
      sum_bags<W, Element<ScalarType::kFloat32>>(params, bags);
    }
  });
}

void id_weight_gradient_scalar(const IdWeightGradientParams& p, int64_t begin, int64_t end) {
  with_element(p.weight_type, [&]<typename W>(W) {
    with_element(p.grad_type, [&]<typename G>(G) {
      for (int64_t i = begin; i < end; ++i) {
        double sum = 0;
        if (p.rows[i] >= 0) {
          const auto* row =
              static_cast<const typename W::Storage*>(p.weights) + p.rows[i] * p.width;
          const auto* grad =
              static_cast<const typename G::Storage*>(p.grad_out) + p.id_out[i] * p.width;
          for (int64_t d = 0; d < p.width; ++d) sum += W::load(row[d]) * G::load(grad[d]);
        }
        p.gradient[i] = static_cast<float>(sum);
      }
    });
  });
}

}  // namespace onefold
