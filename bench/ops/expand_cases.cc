// SPDX-License-Identifier: Apache-2.0
// expand at the shape of FBGEMM's batch-reuse bench: 1,024 unique rows to 4,096 samples, 25,600
// numbers a row. At these sizes nothing stays in a second-level cache.
#include "ops/cases.h"
#include <ATen/ATen.h>

#include "onefold/ops/expand.h"

namespace onefold {
namespace {

constexpr int64_t kUnique = 1024, kSamples = 4096, kWidth = 25600;

struct Tensors {
  FoldIndex fold;
  at::Tensor index;   // int64, as at::index_select may want it
  at::Tensor unique;  // [U, width]
  at::Tensor rows;    // [B, width]
};

Tensors make(at::Device device, at::ScalarType dtype, bool sessions) {
  const at::Tensor inverse = make_inverse(device, kUnique, kSamples, sessions);
  const auto options = at::TensorOptions(device).dtype(dtype);
  return {make_fold_index(inverse, kUnique), inverse.to(at::kLong),
          at::randn({kUnique, kWidth}, options), at::randn({kSamples, kWidth}, options)};
}

std::string title(const char* what, at::ScalarType dtype, bool sessions) {
  return std::string(what) + ", " + c10::toString(dtype) + (sessions ? ", sessions" : ", uniform");
}

Case forward(at::Device device, at::ScalarType dtype, bool sessions) {
  const Tensors t = make(device, dtype, sessions);
  Case c;
  c.name = title("expand 1024 -> 4096 x 25600", dtype, sessions);
  c.bytes = double(t.unique.nbytes()) + double(t.rows.nbytes()) + kSamples * 4.0;
  c.floor_aim = 0.85;
  c.check = [t] { return at::equal(expand(t.unique, t.fold), t.unique.index_select(0, t.index)); };
  c.ours = [t] { expand(t.unique, t.fold); };
  c.other_name = "at::index_select";
  c.other = [t] { t.unique.index_select(0, t.index); };
  return c;
}

Case backward(at::Device device, at::ScalarType dtype, bool sessions) {
  const Tensors t = make(device, dtype, sessions);
  Case c;
  c.name = title("expand backward", dtype, sessions);
  c.bytes = double(t.unique.nbytes()) + double(t.rows.nbytes()) + kSamples * 4.0;
  c.floor_aim = 0.85;
  const auto index_add = [t] {
    return at::zeros_like(t.unique).index_add_(0, t.index, t.rows);  // what index_select's runs
  };
  c.check = [t, index_add, dtype] {
    const double tolerance = dtype == at::kFloat ? 1e-4 : 5e-2;
    return at::allclose(expand_backward(t.rows, t.fold), index_add(), tolerance, tolerance);
  };
  c.ours = [t] { expand_backward(t.rows, t.fold); };
  c.other_name = "at::index_add";
  c.other = index_add;
  return c;
}

}  // namespace

at::Tensor make_inverse(at::Device device, int64_t num_unique, int64_t num_samples, bool sessions) {
  if (num_samples < num_unique) return at::randint(num_unique, {num_samples}, at::kInt).to(device);
  const at::Tensor every = at::arange(num_unique, at::kInt);
  if (sessions) {
    const at::Tensor sizes = at::full({num_unique}, num_samples / num_unique, at::kLong);
    return every.repeat_interleave(sizes).to(device);
  }
  const at::Tensor drawn = at::randint(num_unique, {num_samples - num_unique}, at::kInt);
  const at::Tensor all = at::cat({every, drawn});
  return all.index_select(0, at::randperm(num_samples, at::kLong)).to(device);
}

std::vector<CaseMaker> expand_cases(at::Device device) {
  std::vector<CaseMaker> cases;
  for (at::ScalarType dtype : {at::kFloat, at::kHalf}) {
    for (bool sessions : {false, true}) {
      cases.push_back([=] { return forward(device, dtype, sessions); });
      cases.push_back([=] { return backward(device, dtype, sessions); });
    }
  }
  return cases;
}

}  // namespace onefold
