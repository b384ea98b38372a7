// SPDX-License-Identifier: Apache-2.0
// jagged_index_select over 40 keys, lists of 0 to 400 ids (the keyed shape of FBGEMM's bench, with
// indices over the whole range), against a padded dense [rows, keys, 400] tensor.
#include "ops/cases.h"
#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include "onefold/ops/jagged_index_select.h"

namespace onefold {
namespace {

constexpr int64_t kKeys = 40, kMaxLength = 400;

struct Tensors {
  FoldIndex fold;
  at::Tensor index;  // int64
  KeyedJagged rows;  // values [N] or [N, D]
  at::Tensor out_offsets;
  int64_t num_out_values;
  at::Tensor padded;  // [U, keys, 400]
};

Tensors make(at::Device device, at::ScalarType dtype, int64_t num_unique, int64_t num_samples,
             bool sessions) {
  const at::Tensor inverse = make_inverse(device, num_unique, num_samples, sessions);
  Tensors t;
  t.fold = make_fold_index(inverse, num_unique);
  t.index = inverse.to(at::kLong);
  const at::Tensor lengths = at::randint(kMaxLength + 1, {kKeys * num_unique}, at::kInt);
  t.rows.offsets = at::cat({at::zeros({1}, at::kInt), lengths.cumsum(0).to(at::kInt)}).to(device);
  t.rows.values =
      at::randint(1 << 30, {lengths.sum().item<int64_t>()}, at::kLong).to(dtype).to(device);
  t.out_offsets = jagged_select_offsets(t.rows.offsets, t.fold);
  t.num_out_values = t.out_offsets[-1].item<int>();
  t.padded = at::zeros({num_unique, kKeys, kMaxLength}, at::TensorOptions(device).dtype(dtype));
  return t;
}

std::string title(const char* what, int64_t num_unique, int64_t num_samples, bool sessions) {
  return std::string(what) + " 40 keys, " + std::to_string(num_unique) + " -> " +
         std::to_string(num_samples) + (sessions ? ", sessions" : ", uniform");
}

// The rows one by one, on the CPU.
bool answer_is_right(const Tensors& t) {
  const at::Tensor out =
      jagged_index_select(t.rows, t.fold, t.out_offsets, t.num_out_values).values.cpu();
  const at::Tensor values = t.rows.values.cpu(), offsets = t.rows.offsets.cpu(),
                   index = t.fold.inverse_indices.cpu(), out_offsets = t.out_offsets.cpu();
  const int32_t* source = offsets.const_data_ptr<int32_t>();
  const int32_t* target = out_offsets.const_data_ptr<int32_t>();
  const int64_t num_samples = index.numel(), num_unique = t.fold.num_unique();
  for (int64_t key = 0; key < kKeys; ++key) {
    for (int64_t i = 0; i < num_samples; i += 13) {
      const int64_t row = key * num_unique + index.const_data_ptr<int32_t>()[i];
      const int64_t length = source[row + 1] - source[row];
      if (!at::equal(out.narrow(0, target[key * num_samples + i], length),
                     values.narrow(0, source[row], length))) {
        return false;
      }
    }
  }
  return true;
}

Case forward(at::Device device, int64_t num_unique, int64_t num_samples, bool sessions) {
  const Tensors t = make(device, at::kLong, num_unique, num_samples, sessions);
  Case c;
  c.name = title("jagged_index_select", num_unique, num_samples, sessions);
  c.bytes = double(t.rows.values.nbytes()) + 8.0 * t.num_out_values + t.rows.offsets.nbytes() +
            t.out_offsets.nbytes();
  c.floor_aim = num_samples > num_unique ? 0.85 : 0;
  c.check = [t] { return answer_is_right(t); };
  c.ours = [t] { jagged_index_select(t.rows, t.fold, t.out_offsets, t.num_out_values); };
  c.other_name = "padded dense";
  c.other = [t] { t.padded.index_select(0, t.index); };
  return c;
}

Case backward(at::Device device, int64_t num_unique, int64_t num_samples, bool sessions) {
  Tensors t = make(device, at::kFloat, num_unique, num_samples, sessions);
  const at::Tensor grad = at::randn({t.num_out_values}, t.rows.values.options());
  const at::Tensor padded_grad =
      at::randn({num_samples, kKeys, kMaxLength}, t.rows.values.options());
  t.rows.values.requires_grad_(true);
  const at::Tensor out =
      jagged_index_select(t.rows, t.fold, t.out_offsets, t.num_out_values).values;
  // The gradient of the forward is the backward op; both directions of autograd are ops of ours.
  const at::Tensor offsets = t.rows.offsets, out_offsets = t.out_offsets;
  const int64_t num_values = t.rows.values.numel();
  static const auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("onefold::jagged_index_select_backward", "")
          .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&,
                            const at::Tensor&, const at::Tensor&, const at::Tensor&,
                            c10::SymInt)>();
  const FoldIndex fold = t.fold;
  const auto run = [=] {
    return op.call(grad, offsets, fold.inverse_indices, out_offsets, fold.csr.offsets,
                   fold.csr.members, num_values);
  };
  Case c;
  c.name = title("jagged_index_select backward, float,", num_unique, num_samples, sessions);
  c.bytes = 4.0 * (t.num_out_values + num_values) + offsets.nbytes() + out_offsets.nbytes();
  c.floor_aim = num_samples > num_unique ? 0.85 : 0;
  c.check = [=] {
    return std::abs((run().sum(at::kDouble) / grad.sum(at::kDouble)).item<double>() - 1) < 1e-3;
  };
  c.ours = [=] { run(); };
  c.other_name = "padded dense";
  const at::Tensor padded = t.padded, index = t.index;
  c.other = [=] { at::zeros_like(padded).index_add_(0, index, padded_grad); };
  return c;
}

}  // namespace

std::vector<CaseMaker> jagged_index_select_cases(at::Device device) {
  std::vector<CaseMaker> cases;
  for (bool sessions : {false, true}) {
    cases.push_back([=] { return forward(device, 1024, 4096, sessions); });
    cases.push_back([=] { return backward(device, 1024, 4096, sessions); });
  }
  cases.push_back([=] { return forward(device, 1024, 512, false); });
  return cases;
}

}  // namespace onefold
