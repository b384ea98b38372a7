// SPDX-License-Identifier: Apache-2.0
// embedding_bag with fused Adam over ten stacked tables; ids follow a power law of exponent 1.05,
// as in NVIDIA recsys-examples, whose figures for FBGEMM on one H100 are the published ones here:
// 10 tables x 1,677,721 rows x 128, 1,048,570 ids, forward 0.347 ms, backward with update 1.005 ms.
#include <cmath>

#include "ops/cases.h"
#include <ATen/ATen.h>

#include "onefold/ops/embedding.h"
#include "onefold/ops/find_op.h"

namespace onefold {
namespace {

constexpr int64_t kTables = 10, kWidth = 128;
constexpr double kExponent = 1.05;

struct Shape {
  int64_t rows;  // of each table
  int64_t bags;  // of each table
  int64_t bag_length;
  int64_t repeats = 1;  // every bag this many times, one after another
};

struct Tables {
  at::Tensor weights;  // [kTables * rows, kWidth]
  FusedOptimizer adam;
};

// One stack of tables per device and size for all cases: 26 GB with Adam's state on the GPU.
const Tables& tables_on(at::Device device, int64_t rows) {
  static Tables tables;
  if (tables.weights.defined() && tables.weights.size(0) == kTables * rows) return tables;
  const auto floats = at::TensorOptions(device).dtype(at::kFloat);
  tables.weights = at::empty({kTables * rows, kWidth}, floats).normal_(0, 0.01);
  tables.adam.kind = OptimizerKind::kAdam;
  tables.adam.state = make_optimizer_state(OptimizerKind::kAdam, tables.weights);
  tables.adam.learning_rate = at::full({1}, 1e-3, floats);
  tables.adam.step = at::zeros({1}, at::TensorOptions(device).dtype(at::kLong));
  return tables;
}

// Inverse of the power law's distribution, then the ranks scattered over the table: nobody's tables
// are sorted by popularity.
at::Tensor power_law_ids(int64_t size, int64_t rows) {
  const double last = std::pow(static_cast<double>(rows), 1.0 - kExponent);
  const at::Tensor rank = (1.0 - at::rand({size}, at::kDouble) * (1.0 - last))
                              .pow(1.0 / (1.0 - kExponent))
                              .to(at::kLong);
  return (rank.clamp(1, rows) * 982451653).remainder(rows);
}

// The ids of one batch and where they go.
struct Input {
  std::vector<at::Tensor> ids, offsets;
  std::vector<int64_t> first_rows, num_rows;
  Lookups lookups;
  SortedIds sorted;
  at::Tensor grad;
  double num_distinct = 0;
};

SortedIds sort(const Input& input) {
  return id_sort(input.ids, input.first_rows, input.num_rows, kTables * input.num_rows[0]);
}

Input make_input(at::Device device, const Shape& shape) {
  Input input;
  const int64_t bags = shape.bags * shape.repeats;
  for (int64_t t = 0; t < kTables; ++t) {
    const at::Tensor ids = power_law_ids(shape.bags * shape.bag_length, shape.rows)
                               .view({shape.bags, 1, shape.bag_length})
                               .expand({shape.bags, shape.repeats, shape.bag_length})
                               .reshape({-1});
    input.ids.push_back(ids.to(device));
    input.offsets.push_back(
        (at::arange(bags + 1, at::kInt) * shape.bag_length).to(at::kInt).to(device));
    input.first_rows.push_back(t * shape.rows);
    input.num_rows.push_back(shape.rows);
    input.lookups.num_ids.push_back(ids.numel());
    input.lookups.out_first.push_back(t * bags);  // where a call a table would put them
    input.lookups.out_stride.push_back(1);
  }
  input.lookups.offsets = input.offsets;
  input.lookups.out_rows = kTables * bags;
  input.sorted = sort(input);
  input.num_distinct = input.sorted.counts[0].item<int>();
  input.grad = at::randn({kTables * bags, kWidth}, at::TensorOptions(device).dtype(at::kFloat));
  return input;
}

using Forward = std::tuple<at::Tensor, at::Tensor, at::Tensor>;

Forward forward(const Tables& tables, const Input& input, const SortedIds& sorted,
                bool backward = true) {
  static const auto op =
      find_op<Forward(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                      at::TensorList, c10::SymIntArrayRef, c10::SymIntArrayRef, c10::SymIntArrayRef,
                      c10::SymInt, const std::optional<at::Tensor>&, bool, bool)>(
          "onefold::embedding_forward");
  const Lookups& l = input.lookups;
  return op.call(tables.weights, sorted.rows, sorted.sorted_positions, l.offsets,
                 c10::fromIntArrayRefSlow(l.num_ids), c10::fromIntArrayRefSlow(l.out_first),
                 c10::fromIntArrayRefSlow(l.out_stride), l.out_rows, std::nullopt, false, backward);
}

void update(const Tables& tables, const Input& input, const SortedIds& sorted,
            const at::Tensor& id_out, const at::Tensor& id_scale) {
  static const auto op =
      find_op<void(const at::Tensor&, const at::Tensor&, at::TensorList, const at::Tensor&,
                   const at::Tensor&, const at::Tensor&, const at::Tensor&, const at::Tensor&,
                   const at::Tensor&, const at::Tensor&, const at::Tensor&, int64_t, double, double,
                   double, bool, int64_t)>("onefold::embedding_update");
  const FusedOptimizer& adam = tables.adam;
  op.call(input.grad, tables.weights, adam.state, adam.step, adam.learning_rate, sorted.sorted_rows,
          sorted.sorted_positions, sorted.run_offsets, sorted.counts, id_out, id_scale,
          static_cast<int64_t>(adam.kind), adam.eps, adam.beta1, adam.beta2, false, 0);
}

// Sort, forward, backward with update.
void train_step(const Tables& tables, const Input& input) {
  const SortedIds sorted = sort(input);
  auto [out, id_out, id_scale] = forward(tables, input, sorted);
  update(tables, input, sorted, id_out, id_scale);
}

at::Tensor torch_embedding_bag(const Tables& tables, const Input& input, int64_t t) {
  return std::get<0>(
      at::embedding_bag(tables.weights.narrow(0, input.first_rows[t], input.num_rows[t]),
                        input.ids[t], input.offsets[t].to(at::kLong), false, 0, false, {}, true));
}

std::string title(const char* what, const Shape& shape) {
  return std::string(what) + ", 10 x " + std::to_string(shape.bags) + " bags of " +
         std::to_string(shape.bag_length);
}

// Two batches in turn, so that one's rows are not in the cache because of itself.
std::vector<Input> two_inputs(at::Device device, const Shape& shape) {
  return {make_input(device, shape), make_input(device, shape)};
}

Case forward_case(at::Device device, const Shape& shape, bool published) {
  const Tables tables = tables_on(device, shape.rows);
  const std::vector<Input> inputs = two_inputs(device, shape);
  Case c;
  c.name = title("embedding_bag forward", shape);
  c.runs_per_call = 2;
  const double ids = double(kTables * shape.bags * shape.bag_length);
  c.bytes = inputs[0].num_distinct * kWidth * 4 + inputs[0].grad.nbytes() + ids * 4;
  c.check = [=] {
    const at::Tensor out = std::get<0>(forward(tables, inputs[0], inputs[0].sorted));
    for (int64_t t : {int64_t{0}, kTables - 1}) {
      const at::Tensor ours = out.view({kTables, -1, kWidth}).select(0, t);
      if (!at::allclose(ours, torch_embedding_bag(tables, inputs[0], t), 1e-4, 1e-5)) return false;
    }
    return true;
  };
  c.ours = [=] {  // as at::embedding_bag, without what only a backward reads
    for (const Input& input : inputs) forward(tables, input, input.sorted, /*backward=*/false);
  };
  c.other_name = "ten at::embedding_bag";
  std::vector<std::vector<at::Tensor>> offsets;  // int64, as its ids are
  for (const Input& input : inputs) {
    offsets.emplace_back();
    for (const at::Tensor& o : input.offsets) offsets.back().push_back(o.to(at::kLong));
  }
  c.other = [=] {
    for (size_t i = 0; i < inputs.size(); ++i) {
      std::vector<at::Tensor> out;  // of all tables: freed one by one they would share their memory
      for (int64_t t = 0; t < kTables; ++t) {
        out.push_back(std::get<0>(
            at::embedding_bag(tables.weights.narrow(0, inputs[i].first_rows[t], shape.rows),
                              inputs[i].ids[t], offsets[i][t], false, 0, false, {}, true)));
      }
    }
  };
  if (published) c.published_ms = 0.347;
  return c;
}

// Every row that is looked up moves, no other does, and none by more than a first Adam step can.
bool update_is_right(const Tables& tables, const Input& input) {
  tables.adam.step.zero_();
  for (const at::Tensor& state : tables.adam.state) state.zero_();
  const at::Tensor before = tables.weights.narrow(0, 0, input.num_rows[0]).clone();
  train_step(tables, input);
  const at::Tensor moved = (tables.weights.narrow(0, 0, input.num_rows[0]) - before).abs();
  const int64_t distinct = std::get<0>(at::_unique(input.ids[0], false, false)).numel();
  return moved.amax(1).gt(0).sum().item<int64_t>() == distinct &&
         moved.max().item<double>() < 1.01e-3;
}

Case update_case(at::Device device, const Shape& shape, bool published) {
  const Tables tables = tables_on(device, shape.rows);
  const std::vector<Input> inputs = two_inputs(device, shape);
  std::vector<Forward> forwards;
  for (const Input& input : inputs) forwards.push_back(forward(tables, input, input.sorted));
  Case c;
  c.name = title("embedding_bag sort, backward, Adam", shape);
  c.runs_per_call = 2;
  const double ids = double(kTables * shape.bags * shape.bag_length);
  c.bytes = inputs[0].num_distinct * kWidth * 4 * 6 + inputs[0].grad.nbytes() + ids * 8;
  c.check = [=] { return update_is_right(tables, inputs[0]); };
  c.ours = [=] {
    for (size_t i = 0; i < inputs.size(); ++i) {
      update(tables, inputs[i], sort(inputs[i]), std::get<1>(forwards[i]),
             std::get<2>(forwards[i]));
    }
  };
  if (published) c.published_ms = 1.005;
  return c;
}

Case sort_case(at::Device device, const Shape& shape) {
  const std::vector<Input> inputs = two_inputs(device, shape);
  Case c;
  c.name = title("id_sort", shape);
  c.runs_per_call = 2;
  c.check = [=] {
    const at::Tensor rows = inputs[0].sorted.rows;
    return at::equal(std::get<0>(rows.sort()), inputs[0].sorted.sorted_rows);
  };
  c.ours = [=] {
    for (const Input& input : inputs) sort(input);
  };
  c.other_name = "at::sort of the rows";
  c.other = [=] {
    for (const Input& input : inputs) input.sorted.rows.sort();
  };
  return c;
}

// A sequence: every id its own row, the distinct rows gathered once.
Case sequence_case(at::Device device, const Shape& shape) {
  const Tables tables = tables_on(device, shape.rows);
  std::vector<Input> inputs = two_inputs(device, shape);
  for (Input& input : inputs) {
    input.lookups.offsets.clear();
    input.grad = at::Tensor();
    int64_t next = 0;
    for (int64_t t = 0; t < kTables; ++t) {
      input.lookups.out_first[t] = next;
      input.lookups.out_stride[t] = 1;
      next += input.lookups.num_ids[t];
    }
    input.lookups.out_rows = next;
  }
  Case c;
  const double ids = double(kTables * shape.bags * shape.bag_length);
  c.name = title("embedding of sequences, forward", shape);
  c.runs_per_call = 2;
  c.bytes = (inputs[0].num_distinct + ids) * kWidth * 4 + ids * 4;
  c.check = [=] {
    return at::equal(std::get<0>(forward(tables, inputs[0], inputs[0].sorted)),
                     tables.weights.index_select(0, inputs[0].sorted.rows));
  };
  c.ours = [=] {
    for (const Input& input : inputs) forward(tables, input, input.sorted);
  };
  c.other_name = "at::index_select";
  c.other = [=] {
    for (const Input& input : inputs) tables.weights.index_select(0, input.sorted.rows);
  };
  return c;
}

// The same bags `repeats` times: folded they are looked up, and their gradients reduced, once.
Case folded_case(at::Device device, const Shape& shape, int64_t repeats, bool forward_only,
                 double aim) {
  const Tables tables = tables_on(device, shape.rows);
  at::manual_seed(1);
  const Input folded = make_input(device, shape);
  at::manual_seed(1);
  Shape repeated = shape;
  repeated.repeats = repeats;
  const Input unfolded = make_input(device, repeated);
  const auto run = [=](const Input& input) {
    if (forward_only) {
      forward(tables, input, input.sorted);
    } else {
      train_step(tables, input);
    }
  };
  Case c;
  c.name =
      title(forward_only ? "embedding_bag forward, folded " : "embedding_bag step, folded ", shape);
  c.name += ", " + std::to_string(repeats) + "x";
  c.check = [=] {
    const at::Tensor each = std::get<0>(forward(tables, folded, folded.sorted));
    const at::Tensor all = std::get<0>(forward(tables, unfolded, unfolded.sorted));
    return at::equal(
        each.view({kTables, shape.bags, 1, -1}).expand({kTables, shape.bags, repeats, kWidth}),
        all.view({kTables, shape.bags, repeats, -1}));
  };
  c.ours = [=] { run(folded); };
  c.other_name = "unfolded";
  c.other = [=] { run(unfolded); };
  c.other_aim = aim * static_cast<double>(repeats);
  return c;
}

}  // namespace

std::vector<CaseMaker> embedding_cases(at::Device device) {
  const bool cuda = device.is_cuda();
  // On the CPU: tables of 51 MB each, larger than most second-level caches, and outputs of less
  // than 32 MB, above which malloc maps fresh pages for every call.
  const int64_t rows = cuda ? 1677721 : 100000;
  const Shape singles{rows, cuda ? 104857 : 4096, 1};
  const Shape tens{rows, cuda ? 10485 : 2048, 10};
  std::vector<CaseMaker> cases;
  for (const Shape& shape : {singles, tens}) {
    cases.push_back([=] { return forward_case(device, shape, cuda && shape.bag_length == 1); });
    cases.push_back([=] { return update_case(device, shape, cuda && shape.bag_length == 1); });
  }
  cases.push_back([=] { return sort_case(device, singles); });
  cases.push_back([=] { return sequence_case(device, singles); });
  for (int64_t repeats : {4, 16}) {
    const Shape few{rows, cuda ? 104857 : 256, cuda ? 1 : 20};
    const Shape longer{rows, cuda ? 10485 : 256, 10};
    cases.push_back([=] { return folded_case(device, few, repeats, !cuda, cuda ? 0.7 : 0.8); });
    cases.push_back([=] { return folded_case(device, longer, repeats, false, 0.7); });
  }
  return cases;
}

}  // namespace onefold
