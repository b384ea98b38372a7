// SPDX-License-Identifier: Apache-2.0
// jagged_index_select over 40 keys, lists of 0 to 400 ids (the keyed shape of FBGEMM's bench, with
// indices over the whole range), and over one key of embedding rows, 64 numbers wide; against a
// padded dense [rows, keys, 400] tensor.
#include "ops/cases.h"
#include <ATen/ATen.h>

#include "onefold/ops/find_op.h"
#include "onefold/ops/jagged_index_select.h"

namespace onefold {
namespace {

constexpr int64_t kMaxLength = 400;

struct Shape {
  int64_t num_keys, num_unique, num_samples;
  bool sessions;
  int64_t width = 1;  // numbers in a value

  std::string title(const std::string& what) const {
    return what + " " + std::to_string(num_keys) + (num_keys == 1 ? " key, " : " keys, ") +
           std::to_string(num_unique) + " -> " + std::to_string(num_samples) +
           (width > 1 ? " x " + std::to_string(width) : "") +
           (sessions ? ", sessions" : ", uniform");
  }
  // Small ones fit the cache: not held to the floor.
  double floor_aim() const { return num_samples > num_unique ? 0.85 : 0; }
};

struct Tensors {
  FoldIndex fold;
  at::Tensor index;  // int64
  KeyedJagged rows;  // values [N] or [N, D]
  at::Tensor out_offsets;
  int64_t num_out_values;
  at::Tensor padded;  // [U, keys, 400]
};

Tensors make(at::Device device, at::ScalarType dtype, const Shape& shape) {
  const at::Tensor inverse =
      make_inverse(device, shape.num_unique, shape.num_samples, shape.sessions);
  Tensors t;
  t.fold = make_fold_index(inverse, shape.num_unique);
  t.index = inverse.to(at::kLong);
  const at::Tensor lengths =
      at::randint(kMaxLength + 1, {shape.num_keys * shape.num_unique}, at::kInt);
  t.rows.offsets = at::cat({at::zeros({1}, at::kInt), lengths.cumsum(0).to(at::kInt)}).to(device);
  const int64_t num_values = lengths.sum().item<int64_t>();
  const auto options = at::TensorOptions(device).dtype(dtype);
  if (shape.width == 1) {
    t.rows.values = at::randint(1 << 30, {num_values}, options);
    t.padded = at::zeros({shape.num_unique, shape.num_keys, kMaxLength}, options);
  } else {
    t.rows.values = at::randn({num_values, shape.width}, options);
    t.padded = at::zeros({shape.num_unique, shape.num_keys, kMaxLength, shape.width}, options);
  }
  t.out_offsets = jagged_select_offsets(t.rows.offsets, t.fold);
  t.num_out_values = t.out_offsets[-1].item<int>();
  return t;
}

double bytes_of(const Tensors& t) {
  const double value_bytes = double(t.rows.values.nbytes()) / t.rows.values.size(0);
  return double(t.rows.values.nbytes()) + value_bytes * t.num_out_values + t.rows.offsets.nbytes() +
         t.out_offsets.nbytes();
}

// The rows one by one, on the CPU.
bool answer_is_right(const Tensors& t, int64_t num_keys) {
  const at::Tensor out =
      jagged_index_select(t.rows, t.fold, t.out_offsets, t.num_out_values).values.cpu();
  const at::Tensor values = t.rows.values.cpu(), offsets = t.rows.offsets.cpu(),
                   index = t.fold.inverse_indices.cpu(), out_offsets = t.out_offsets.cpu();
  const int32_t* source = offsets.const_data_ptr<int32_t>();
  const int32_t* target = out_offsets.const_data_ptr<int32_t>();
  const int64_t num_samples = index.numel(), num_unique = t.fold.num_unique();
  for (int64_t key = 0; key < num_keys; ++key) {
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

Case forward(at::Device device, at::ScalarType dtype, const Shape& shape) {
  const Tensors t = make(device, dtype, shape);
  Case c;
  c.name = shape.title("jagged_index_select");
  c.bytes = bytes_of(t);
  c.floor_aim = shape.floor_aim();
  c.check = [=] { return answer_is_right(t, shape.num_keys); };
  c.ours = [=] { jagged_index_select(t.rows, t.fold, t.out_offsets, t.num_out_values); };
  c.other_name = "padded dense";
  c.other = [=] { t.padded.index_select(0, t.index); };
  return c;
}

Case backward(at::Device device, const Shape& shape) {
  const Tensors t = make(device, at::kFloat, shape);
  const auto with_rows = [](const at::Tensor& like, int64_t rows) {
    std::vector<int64_t> sizes = like.sizes().vec();
    sizes[0] = rows;
    return at::randn(sizes, like.options());
  };
  const at::Tensor grad = with_rows(t.rows.values, t.num_out_values);
  const at::Tensor padded_grad = with_rows(t.padded, shape.num_samples);
  static const auto op =
      find_op<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&, const at::Tensor&,
                         const at::Tensor&, const at::Tensor&, c10::SymInt)>(
          "onefold::jagged_index_select_backward");
  const auto run = [=] {
    return op.call(grad, t.rows.offsets, t.fold.inverse_indices, t.out_offsets, t.fold.csr.offsets,
                   t.fold.csr.members, t.rows.values.size(0));
  };
  Case c;
  c.name = shape.title("jagged_index_select backward, float,");
  c.bytes = bytes_of(t);
  c.floor_aim = shape.floor_aim();
  c.check = [=] {  // <select(values), grad> == <values, backward(grad)>
    const at::Tensor out =
        jagged_index_select(t.rows, t.fold, t.out_offsets, t.num_out_values).values;
    const at::Tensor forward = out.to(at::kDouble) * grad;
    const at::Tensor backward = run().to(at::kDouble) * t.rows.values;
    return (forward.sum() - backward.sum()).abs().item<double>() <
           1e-6 * forward.abs().sum().item<double>();
  };
  c.ours = [=] { run(); };
  c.other_name = "padded dense";
  c.other = [=] { at::zeros_like(t.padded).index_add_(0, t.index, padded_grad); };
  return c;
}

}  // namespace

std::vector<CaseMaker> jagged_index_select_cases(at::Device device) {
  std::vector<CaseMaker> cases;
  for (bool sessions : {false, true}) {
    cases.push_back([=] { return forward(device, at::kLong, {40, 1024, 4096, sessions}); });
    cases.push_back([=] { return backward(device, {40, 1024, 4096, sessions}); });
    cases.push_back([=] { return forward(device, at::kFloat, {1, 1024, 4096, sessions, 64}); });
    cases.push_back([=] { return backward(device, {1, 1024, 4096, sessions, 64}); });
  }
  cases.push_back([=] { return forward(device, at::kLong, {40, 1024, 512, false}); });
  return cases;
}

}  // namespace onefold
