// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/multi_slice_pool.h"

#include "onefold/ops/test_gradients.h"

namespace onefold {
namespace {

using at::Tensor;

class MultiSliceOpTest : public testing::TestWithParam<at::DeviceType> {
 protected:
  Tensor ints(const std::vector<int32_t>& values) const {
    return at::tensor(values, at::kInt).to(GetParam());
  }
  // 30 events, two id columns, three groups of 3 + 70 + 2 slices; slices 1 and 40 weighted.
  TimelineSlices timeline(at::ScalarType type) const {
    at::manual_seed(3);
    TimelineSlices t;
    for (int64_t rows : {5, 9, 5}) t.tables.push_back(at::randn({rows, 8}, type).to(GetParam()));
    t.ids = at::randint(-1, 5, {2, 30}, at::kLong).to(GetParam());
    t.id_columns = {0, 1, 1};
    t.masks = at::randint(-(int64_t{1} << 62), int64_t{1} << 62, {30, 2}, at::kLong).to(GetParam());
    t.weights = at::rand({30}, GetParam());
    t.slice_offsets = {0, 3, 73, 75};
    t.weighted_slices = {1, 40};
    return t;
  }
};

// Slice by slice, window by window, in float64.
Tensor reference(const TimelineSlices& t, const std::vector<std::pair<int, int>>& windows) {
  const Tensor masks = t.masks.cpu(), ids = t.ids.cpu();
  const Tensor weights = t.weights->cpu().to(at::kDouble);
  std::vector<Tensor> out;
  for (auto [begin, end] : windows) {
    for (size_t g = 0; g + 1 < t.slice_offsets.size(); ++g) {
      for (int64_t s = t.slice_offsets[g]; s < t.slice_offsets[g + 1]; ++s) {
        const bool weighted = std::count(t.weighted_slices.begin(), t.weighted_slices.end(), s) > 0;
        Tensor sum = at::zeros({8}, at::kDouble);
        double total = 0;
        for (int e = begin; e < end; ++e) {
          const int64_t id = ids[t.id_columns[g]][e].item<int64_t>();
          if (id < 0 || ((masks[e][s / 64].item<int64_t>() >> (s % 64)) & 1) == 0) continue;
          const double weight = weighted ? weights[e].item<double>() : 1;
          sum += weight * t.tables[g][id].cpu().to(at::kDouble);
          total += weight;
        }
        out.push_back(total == 0 ? sum : sum / total);
      }
    }
  }
  return at::stack(out).view({int64_t(windows.size()), t.slice_offsets.back(), 8});
}

TEST_P(MultiSliceOpTest, EqualsSliceBySlice) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  const WindowPlan plan = make_window_plan(ints({0, 5, 11, 30, 8}), ints({30, 20, 11, 30, 9}), 30);
  const std::vector<std::pair<int, int>> windows = {{0, 30}, {5, 20}, {11, 11}, {30, 30}, {8, 9}};
  for (at::ScalarType type : {at::kDouble, at::kFloat, at::kBFloat16, at::kHalf}) {
    const TimelineSlices t = timeline(type);
    const Tensor out = multi_slice_pool(t, plan);
    EXPECT_EQ(out.scalar_type(), type);
    const double tolerance = type == at::kDouble ? 1e-6 : type == at::kFloat ? 1e-5 : 1e-2;
    EXPECT_TRUE(
        at::allclose(out.cpu().to(at::kDouble), reference(t, windows), tolerance, tolerance))
        << type;
  }
}

TEST_P(MultiSliceOpTest, Gradients) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  TimelineSlices t = timeline(at::kDouble);
  const WindowPlan plan = make_window_plan(ints({0, 5, 12}), ints({28, 20, 12}), 30);
  check_gradients(
      [&](const auto& x) {
        t.tables = x;
        return multi_slice_pool(t, plan);
      },
      t.tables);
}

TEST_P(MultiSliceOpTest, TablesMayShareOneTensor) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  TimelineSlices t = timeline(at::kDouble);
  const WindowPlan plan = make_window_plan(ints({0}), ints({30}), 30);
  check_gradients(
      [&](const auto& x) {
        t.tables = {x[0], x[0], x[0]};
        return multi_slice_pool(t, plan);
      },
      {t.tables[1]});
}

TEST_P(MultiSliceOpTest, RefusesWhatDoesNotFit) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  const WindowPlan plan = make_window_plan(ints({0}), ints({30}), 30);
  TimelineSlices t = timeline(at::kFloat);
  t.masks = t.masks.narrow(1, 0, 1).contiguous();  // 64 bits for 75 slices
  EXPECT_THROW(multi_slice_pool(t, plan), c10::Error);
  t = timeline(at::kFloat);
  t.weights.reset();
  EXPECT_THROW(multi_slice_pool(t, plan), c10::Error);
  t = timeline(at::kFloat);
  t.id_columns[2] = 2;
  EXPECT_THROW(multi_slice_pool(t, plan), c10::Error);
}

TEST_P(MultiSliceOpTest, PlanOfTheWorkedExample) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  const WindowPlan plan = make_window_plan(ints({0, 2}), ints({4, 6}), 8);
  EXPECT_TRUE(at::equal(plan.span_begin, ints({0, 2, 4})));
  EXPECT_TRUE(at::equal(plan.span_end, ints({2, 4, 6})));
  EXPECT_TRUE(at::equal(plan.first_span, ints({0, 1})));
  EXPECT_TRUE(at::equal(plan.last_span, ints({2, 3})));
  EXPECT_TRUE(at::equal(plan.event_span, ints({0, 0, 1, 1, 2, 2, -1, -1})));
  EXPECT_TRUE(at::equal(plan.cell_begin, plan.span_begin));
  EXPECT_TRUE(at::equal(plan.cell_end, plan.span_end));
}

TEST_P(MultiSliceOpTest, PlanLeavesOutEventsBetweenWindows) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  const WindowPlan plan = make_window_plan(ints({6, 1}), ints({8, 3}), 9);
  EXPECT_TRUE(at::equal(plan.span_begin, ints({1, 3, 6})));
  EXPECT_TRUE(at::equal(plan.span_end, ints({3, 3, 8})));
  EXPECT_TRUE(at::equal(plan.event_span, ints({-1, 0, 0, -1, -1, -1, 2, 2, -1})));
}

// Every window is covered by its cells, once and in order, and no cell is too long.
TEST_P(MultiSliceOpTest, PlanCutsLongSpans) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  const std::vector<int32_t> begin = {0, 100, 5000, 5000, 9000, 3000},
                             end = {9000, 4000, 5000, 9000, 9000, 4024};
  const WindowPlan plan = make_window_plan(ints(begin), ints(end), 9000).to(at::kCPU);
  const int32_t* cell_begin = plan.cell_begin.const_data_ptr<int32_t>();
  const int32_t* cell_end = plan.cell_end.const_data_ptr<int32_t>();
  for (size_t w = 0; w < begin.size(); ++w) {
    int32_t at = begin[w];
    for (int32_t c = plan.first_cell[w].item<int32_t>(); c < plan.last_cell[w].item<int32_t>();
         ++c) {
      if (cell_begin[c] == cell_end[c]) continue;
      EXPECT_EQ(cell_begin[c], at) << "window " << w;
      EXPECT_LE(cell_end[c] - cell_begin[c], 1024);
      at = cell_end[c];
    }
    EXPECT_EQ(at, end[w]) << "window " << w;
  }
}

TEST_P(MultiSliceOpTest, NoWindows) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  const Tensor none = ints({});
  const Tensor out = multi_slice_pool(timeline(at::kFloat), make_window_plan(none, none, 30));
  EXPECT_EQ(out.sizes(), (at::IntArrayRef{0, 75, 8}));
}

INSTANTIATE_TEST_SUITE_P(Devices, MultiSliceOpTest, testing::Values(at::kCPU, at::kCUDA),
                         [](const auto& info) {
                           return std::string(info.param == at::kCPU ? "cpu" : "cuda");
                         });

}  // namespace
}  // namespace onefold
