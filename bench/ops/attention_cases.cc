// SPDX-License-Identifier: Apache-2.0
// folded_attention over histories of 512. With 16 samples per row reading keys and values is the
// work: the floor is the copy bandwidth. With 1,024 the matrix products are: the floor is the
// matmul rate.
#include "ops/cases.h"
#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include "onefold/ops/find_op.h"
#include "onefold/ops/folded_attention.h"
#include "onefold/ops/jagged_self_attention.h"

namespace onefold {
namespace {

using at::Tensor;

constexpr int64_t kHistory = 512;

struct Tensors {
  FoldIndex fold;
  Tensor index;                    // int64
  Tensor query, key, value, grad;  // [B, H, D], [U * 512, H, D] twice, [B, H, D]
  Tensor key_offsets;
  int64_t num_rows, per_row;

  int64_t num_samples() const { return num_rows * per_row; }
  double size() const { return double(key.nbytes()); }
  double multiplications() const {  // of one product over all pairs
    return double(num_samples()) * kHistory * query.size(1) * query.size(2);
  }
};

Tensors make(at::Device device, at::ScalarType dtype, int64_t num_rows, int64_t per_row,
             int64_t heads, int64_t dim) {
  const auto options = at::TensorOptions(device).dtype(dtype);
  const auto rows = [&](int64_t n) { return at::randn({n, heads, dim}, options); };
  Tensors t;
  t.num_rows = num_rows;
  t.per_row = per_row;
  const Tensor inverse = make_inverse(device, num_rows, num_rows * per_row, true);
  t.fold = make_fold_index(inverse, num_rows);
  t.index = inverse.to(at::kLong);
  t.query = rows(num_rows * per_row);
  t.grad = rows(num_rows * per_row);
  t.key = rows(num_rows * kHistory);
  t.value = rows(num_rows * kHistory);
  t.key_offsets = at::arange(0, num_rows * kHistory + 1, kHistory, options.dtype(at::kInt));
  return t;
}

std::string title(const char* what, const Tensors& t) {
  return std::string(what) + ", " + std::to_string(t.per_row) + " per row, " +
         c10::toString(t.query.scalar_type()) + ", dim " + std::to_string(t.query.size(2));
}

// A row's keys or values for every sample: [B, H, 512, D].
Tensor expanded(const Tensors& t, const Tensor& rows) {
  return rows.view({t.num_rows, kHistory, rows.size(1), rows.size(2)})
      .index_select(0, t.index)
      .transpose(1, 2);
}
Tensor expand_first(const Tensors& t, const Tensor& query, const Tensor& key, const Tensor& value) {
  return at::scaled_dot_product_attention(query.unsqueeze(2), expanded(t, key), expanded(t, value))
      .squeeze(2);
}

Tensor attend(const Tensors& t) {
  return folded_attention(t.query, t.key, t.value, t.key_offsets, t.fold);
}

bool close(const Tensor& a, const Tensor& b) {
  const Tensor x = a.to(at::kFloat), y = b.to(at::kFloat);
  return ((x - y).norm() / y.norm()).item<float>() < (a.scalar_type() == at::kFloat ? 1e-4 : 2e-2);
}

// The first rows against expanded ones: all of them would not fit for 1,024 samples a row.
bool check_forward(const Tensors& t) {
  const int64_t rows = std::max<int64_t>(1, std::min(t.num_rows, 256 / t.per_row));
  Tensors few = t;
  few.num_rows = rows;
  few.index = t.index.narrow(0, 0, rows * t.per_row);
  const Tensor want =
      expand_first(few, t.query.narrow(0, 0, rows * t.per_row), t.key.narrow(0, 0, rows * kHistory),
                   t.value.narrow(0, 0, rows * kHistory));
  return close(attend(t).narrow(0, 0, rows * t.per_row), want);
}

using Forward = std::tuple<Tensor, Tensor>(const Tensor&, const Tensor&, const Tensor&,
                                           const Tensor&, const Tensor&,
                                           const std::optional<Tensor>&, double, bool);
using Backward = std::tuple<Tensor, Tensor, Tensor>(const Tensor&, const Tensor&, const Tensor&,
                                                    const Tensor&, const Tensor&, const Tensor&,
                                                    const Tensor&, const Tensor&,
                                                    const std::optional<Tensor>&, double, bool);

std::vector<Tensor> train_ours(const Tensors& t) {
  static const auto forward = find_op<Forward>("onefold::_folded_attention");
  static const auto backward = find_op<Backward>("onefold::_folded_attention_backward");
  const double scale = attention::scale_or_default(std::nullopt, t.query);
  const auto& csr = t.fold.csr;
  auto [out, lse] =
      forward.call(t.query, t.key, t.value, t.key_offsets, csr.offsets, csr.members, scale, false);
  auto [q, k, v] = backward.call(t.grad, t.query, t.key, t.value, out, lse, t.key_offsets,
                                 csr.offsets, csr.members, scale, false);
  return {q, k, v};
}

std::vector<Tensor> train_expand_first(const Tensors& t) {
  const at::AutoGradMode with_grad(true);
  const std::vector<Tensor> inputs = {t.query.detach().requires_grad_(true),
                                      t.key.detach().requires_grad_(true),
                                      t.value.detach().requires_grad_(true)};
  const Tensor out = expand_first(t, inputs[0], inputs[1], inputs[2]);
  return torch::autograd::grad({out}, inputs, {t.grad});
}

bool check_training(const Tensors& t) {
  const auto ours = train_ours(t), want = train_expand_first(t);
  return close(ours[0], want[0]) && close(ours[1], want[1]) && close(ours[2], want[2]);
}

Case few_per_row(at::Device device, at::ScalarType dtype, int64_t num_rows, int64_t dim) {
  const Tensors t = make(device, dtype, num_rows, 16, 2, dim);
  Case c;
  c.name = title("folded_attention forward", t);
  c.bytes = 2 * t.size() + 2 * double(t.query.nbytes());
  c.flops = 4 * t.multiplications();
  c.floor_aim = device.is_cuda() && dtype == at::kBFloat16 ? 0.7 : 0;
  c.check = [t] { return check_forward(t); };
  c.ours = [t] { attend(t); };
  c.other_name = "expanding keys and values first";
  c.other = [t] { expand_first(t, t.query, t.key, t.value); };
  c.other_aim = device.is_cuda() ? 8 : 1;
  return c;
}

Case few_per_row_training(at::Device device, at::ScalarType dtype, int64_t num_rows, int64_t dim) {
  const Tensors t = make(device, dtype, num_rows, 16, 2, dim);
  Case c;
  c.name = title("folded_attention forward and backward", t);
  // Forward reads keys and values; backward reads them again and writes their gradients.
  c.bytes = 6 * t.size() + 7 * double(t.query.nbytes());
  c.flops = 14 * t.multiplications();
  c.check = [t] { return check_training(t); };
  c.ours = [t] { train_ours(t); };
  c.other_name = "expanding keys and values first";
  c.other = [t] { train_expand_first(t); };
  c.other_aim = device.is_cuda() ? 6 : 1;
  return c;
}

// Torch's own variable-length kernel can also share keys and values among the samples of a row.
Tensor flash(const Tensors& t) {
  return std::get<0>(at::_flash_attention_forward(t.query, t.key, t.value, t.fold.csr.offsets,
                                                  t.key_offsets, t.per_row, kHistory, 0.0, false,
                                                  false));
}

Case many_per_row(at::Device device, int64_t num_rows, int64_t per_row, int64_t dim) {
  const Tensors t = make(device, at::kBFloat16, num_rows, per_row, 8, dim);
  Case c;
  c.name = title("folded_attention forward", t);
  c.bytes = 2 * t.size() + 2 * double(t.query.nbytes());
  c.flops = 4 * t.multiplications();
  c.floor_aim = per_row >= 1024 ? 0.5 : 0;
  c.check = [t] { return check_forward(t); };
  c.ours = [t] { attend(t); };
  c.other_name = "Torch's variable-length FlashAttention";
  c.other = [t] { flash(t); };
  return c;
}

Case many_per_row_training(at::Device device, int64_t num_rows, int64_t per_row, int64_t dim) {
  const Tensors t = make(device, at::kBFloat16, num_rows, per_row, 8, dim);
  Case c;
  c.name = title("folded_attention forward and backward", t);
  c.bytes = 6 * t.size() + 7 * double(t.query.nbytes());
  c.flops = 14 * t.multiplications();
  c.check = [t] { return close(attend(t), flash(t)); };
  c.ours = [t] { train_ours(t); };
  c.other_name = "Torch's variable-length FlashAttention";
  c.other = [t] {
    const at::AutoGradMode with_grad(true);
    Tensors leaf = t;
    leaf.query = t.query.detach().requires_grad_(true);
    leaf.key = t.key.detach().requires_grad_(true);
    leaf.value = t.value.detach().requires_grad_(true);
    torch::autograd::grad({flash(leaf)}, {leaf.query, leaf.key, leaf.value}, {t.grad});
  };
  c.other_aim = 0.5;  // two passes without atomics against one with
  return c;
}

// CPU: rows of uneven length against one padded batch with a mask.
Case self_attention(at::Device device, int64_t num_rows, int64_t max_length) {
  const Tensor lengths = at::randint(1, max_length + 1, {num_rows}, at::kInt);
  const Tensor offsets =
      at::cat({at::zeros({1}, at::kInt), lengths.cumsum(0).to(at::kInt)}).to(device);
  const int64_t n = lengths.sum().item<int64_t>();
  const Tensor qkv = at::randn({3, n, 2, 64}, at::TensorOptions(device));
  const Tensor mask = at::arange(max_length).unsqueeze(0).lt(lengths.unsqueeze(1)).to(device);
  // Row by row: [3, U, max_length, 2, 64].
  const Tensor places = mask.flatten().nonzero().squeeze(1);
  const Tensor padded = at::zeros({3, num_rows * max_length, 2, 64}, at::TensorOptions(device))
                            .index_copy_(1, places, qkv)
                            .view({3, num_rows, max_length, 2, 64});
  const Tensor heads = padded.transpose(2, 3);
  const auto ours = [=] {
    return jagged_self_attention(qkv[0], qkv[1], qkv[2], offsets, max_length);
  };
  const auto dense = [=] {
    return at::scaled_dot_product_attention(heads[0], heads[1], heads[2],
                                            mask.view({num_rows, 1, 1, max_length}));
  };
  Case c;
  c.name = "jagged_self_attention, rows of 1 to " + std::to_string(max_length);
  c.check = [=] {
    return close(ours(), dense().transpose(1, 2).flatten(0, 1).index_select(0, places));
  };
  c.ours = [=] { ours(); };
  c.other_name = "padded rows and a mask";
  c.other = [=] { dense(); };
  return c;
}

}  // namespace

std::vector<CaseMaker> attention_cases(at::Device device) {
  std::vector<CaseMaker> cases;
  if (!device.is_cuda()) {
    for (at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
      cases.push_back([=] { return few_per_row(device, dtype, 64, 64); });
      cases.push_back([=] { return few_per_row_training(device, dtype, 64, 64); });
    }
    cases.push_back([=] { return self_attention(device, 64, 512); });
    return cases;
  }
  for (int64_t dim : {64, 128}) {
    const int64_t rows = 65536 / dim;  // 268 MB of keys and values
    cases.push_back([=] { return few_per_row(device, at::kBFloat16, rows, dim); });
    cases.push_back([=] { return few_per_row_training(device, at::kBFloat16, rows, dim); });
    cases.push_back([=] { return many_per_row(device, 64, 1024, dim); });
    cases.push_back([=] { return many_per_row(device, 256, 64, dim); });
    cases.push_back([=] { return many_per_row_training(device, 64, 1024, dim); });
  }
  cases.push_back([=] { return few_per_row(device, at::kFloat, 512, 64); });
  cases.push_back([=] { return self_attention(device, 512, 512); });
  return cases;
}

}  // namespace onefold
