// SPDX-License-Identifier: Apache-2.0
#include "onefold/kernels/multi_slice_pool/multi_slice_pool.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <random>

#include "onefold/kernels/element.h"
#include "onefold/kernels/test_device.h"
#include "onefold/kernels/test_values.h"

namespace onefold {
namespace {

// Sums of many terms in another order, total weights always in float, and on CUDA weights rounded to
// a 16-bit type.
double tolerance(ScalarType type) {
  switch (type) {
    case ScalarType::kFloat64:
      return 1e-6;
    case ScalarType::kFloat32:
      return 1e-5;
    case ScalarType::kFloat16:
      return 1e-3;
    case ScalarType::kBFloat16:
      return 6e-3;
  }
  return 0;
}

struct Case {
  std::string name;
  int64_t num_events;
  std::vector<int32_t> slices_per_group;
  int32_t dim;
  double density;  // share of mask bits that are set
  std::vector<std::pair<int32_t, int32_t>> windows;
  bool weights = false;
};

std::vector<Case> cases() {
  std::vector<Case> all = {
      {"no_events", 0, {3}, 8, 0.5, {{0, 0}}},
      {"no_windows", 20, {3}, 8, 0.5, {}},
      {"no_slice_has_events", 20, {3, 2}, 8, 0.0, {{0, 20}}},
      {"every_slice_has_all", 20, {3, 2}, 8, 1.0, {{0, 20}}},
      {"empty_window_first", 30, {4}, 16, 0.3, {{0, 0}, {0, 30}}},
      {"empty_window_last", 30, {4}, 16, 0.3, {{0, 30}, {30, 30}}},
      {"empty_window_middle", 30, {4}, 16, 0.3, {{0, 10}, {10, 10}, {10, 30}}},
      {"equal_windows", 30, {4}, 16, 0.3, {{3, 17}, {3, 17}, {3, 17}}},
      {"overlapping_windows",
       90,
       {4, 3},
       24,
       0.3,
       {{0, 90}, {10, 80}, {5, 20}, {15, 90}, {88, 89}}},
      {"group_without_slices", 30, {2, 0, 3}, 8, 0.4, {{0, 30}}},
      {"groups_across_words", 50, {25, 25, 25, 25, 25, 25, 25, 25}, 8, 0.1, {{0, 20}, {20, 50}}},
      {"many_slices_in_a_group", 100, {70, 130}, 8, 0.1, {{0, 100}}},
      {"weighted", 200, {5, 40}, 32, 0.2, {{0, 150}, {50, 200}}, true},
      {"several_cells", 5000, {25, 25}, 16, 0.1, {{0, 5000}, {100, 4000}}, true},
      {"wide_rows", 40, {25}, 1000, 0.1, {{0, 40}}, true},
  };
  for (int events : {1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 255, 256, 257}) {
    all.push_back({"events_" + std::to_string(events), events, {25}, 64, 0.1, {{0, events}}, true});
  }
  for (int dim : {1, 7, 8, 9, 31, 32, 33, 63, 64, 65, 127, 128, 129, 256, 264}) {
    all.push_back({"dim_" + std::to_string(dim), 70, {25, 7}, dim, 0.2, {{0, 70}}, true});
  }
  return all;
}

// Windows cut into cells of at most `max_events`.
struct Cells {
  std::vector<int32_t> begin, end, first, last;

  Cells(const Case& c, int32_t max_events) {
    std::vector<int32_t> cuts = {0, static_cast<int32_t>(c.num_events)};
    for (int32_t cut = 0; cut < c.num_events; cut += max_events) cuts.push_back(cut);
    for (auto [from, to] : c.windows) cuts.insert(cuts.end(), {from, to});
    std::sort(cuts.begin(), cuts.end());
    for (size_t i = 0; i + 1 < cuts.size(); ++i) {
      bool held = false;
      for (auto [from, to] : c.windows) held |= from <= cuts[i] && cuts[i + 1] <= to;
      begin.push_back(cuts[i]);
      end.push_back(held ? cuts[i + 1] : cuts[i]);
    }
    const auto at = [&](int32_t cut) {
      return static_cast<int32_t>(std::lower_bound(cuts.begin(), cuts.end(), cut) - cuts.begin());
    };
    for (auto [from, to] : c.windows) {
      first.push_back(at(from));
      last.push_back(at(to));
    }
  }
};

// The inputs of a case, where they run.
template <typename E>
struct Inputs {
  using T = typename E::Storage;
  static constexpr int64_t kRows = 37;

  SliceEvents events{};
  std::vector<std::unique_ptr<TestArray<T>>> tables;
  std::vector<std::unique_ptr<TestArray<int64_t>>> ids, order, offsets;
  std::unique_ptr<TestArray<int64_t>> masks;
  std::unique_ptr<TestArray<float>> weights;
  std::unique_ptr<TestArray<int32_t>> event_cell;
  SliceRowEvents rows{};

  Inputs(DeviceType type, ScalarType scalar, const Case& c, const Cells& cells) {
    std::mt19937_64 random(5);
    events.type = scalar;
    events.dim = c.dim;
    events.num_groups = c.slices_per_group.size();
    events.num_events = c.num_events;
    const int64_t n = c.num_events;
    for (int32_t g = 0; g < events.num_groups; ++g) {
      events.slice_offsets[g + 1] = events.slice_offsets[g] + c.slices_per_group[g];
      events.num_rows[g] = kRows;
      tables.push_back(
          std::make_unique<TestArray<T>>(type, random_values<E>(kRows * c.dim, g + 1)));
      std::vector<int64_t> id(n);
      for (auto& x : id) x = static_cast<int64_t>(random() % (kRows + 1)) - 1;  // -1: not seen
      add_rows(type, id);
      ids.push_back(std::make_unique<TestArray<int64_t>>(type, id));
      events.tables[g] = tables[g]->data();
      events.ids[g] = ids[g]->data();
    }
    const int32_t num_slices = events.num_slices();
    events.num_words = std::max(1, (num_slices + 63) / 64);
    std::vector<int64_t> mask(n * events.num_words, 0);
    std::bernoulli_distribution bit(c.density);
    for (int64_t i = 0; i < n; ++i) {
      for (int32_t s = 0; s < num_slices; ++s) {
        if (bit(random)) mask[i * events.num_words + s / 64] |= int64_t{1} << (s % 64);
      }
    }
    masks = std::make_unique<TestArray<int64_t>>(type, mask);
    events.masks = masks->data();
    if (c.weights) {
      std::vector<float> weight(n);
      for (auto& x : weight) x = static_cast<float>(random() % 1000 + 1) / 400;
      weights = std::make_unique<TestArray<float>>(type, weight);
      events.weights = weights->data();
      for (int32_t s = 0; s < num_slices; s += 3)
        events.weighted[s / 64] |= uint64_t{1} << (s % 64);
    }
    std::vector<int32_t> cell(n, -1);
    for (size_t i = 0; i < cells.begin.size(); ++i) {
      for (int32_t e = cells.begin[i]; e < cells.end[i]; ++e) cell[e] = i;
    }
    event_cell = std::make_unique<TestArray<int32_t>>(type, cell);
    rows.event_cell = event_cell->data();
  }

  void add_rows(DeviceType type, const std::vector<int64_t>& id) {
    const int g = order.size();
    std::vector<int64_t> sorted(id.size()), offset(kRows + 1);
    std::iota(sorted.begin(), sorted.end(), 0);
    std::stable_sort(sorted.begin(), sorted.end(), [&](auto a, auto b) { return id[a] < id[b]; });
    for (int64_t row = 0; row <= kRows; ++row) {
      offset[row] = std::count_if(id.begin(), id.end(), [&](int64_t x) { return x < row; });
    }
    order.push_back(std::make_unique<TestArray<int64_t>>(type, sorted));
    offsets.push_back(std::make_unique<TestArray<int64_t>>(type, offset));
    rows.order[g] = order[g]->data();
    rows.offsets[g] = offsets[g]->data();
  }
};

template <typename E>
struct Results {
  std::vector<typename E::Storage> means;
  std::vector<float> weights;
  std::vector<std::vector<typename E::Storage>> grad_tables;

  bool operator==(const Results&) const = default;
};

// Forward over cells of `max_events`, backward over cells that only windows cut.
template <typename E>
Results<E> run(DeviceType type, ScalarType scalar, const Case& c, int32_t max_events,
               bool reference = false) {
  using T = typename E::Storage;
  using C = typename E::Sum;
  const Cells wide(c, 1 << 30);
  const Cells cut(c, max_events);
  Inputs<E> in(type, scalar, c, wide);
  const SliceEvents& events = in.events;
  const int64_t num_slices = events.num_slices();
  const int64_t num_windows = c.windows.size();
  const Device device{.type = type};

  TestArray<int32_t> begin(type, cut.begin), end(type, cut.end), first(type, cut.first),
      last(type, cut.last);
  const SliceCells cells{int64_t(cut.begin.size()), begin.data(), end.data()};
  const SliceWindows windows{num_windows, first.data(), last.data()};
  TestArray<C> cell_sums(type, size_t(cells.num_cells * num_slices * c.dim));
  TestArray<float> cell_weights(type, size_t(cells.num_cells * num_slices));
  TestArray<T> means(type, size_t(num_windows * num_slices * c.dim));
  TestArray<float> weights(type, size_t(num_windows * num_slices));
  if (reference) {
    multi_slice_cells_scalar(events, cells, cell_sums.data(), cell_weights.data(), 0,
                             cells.num_cells * events.num_groups);
  } else {
    multi_slice_cells(device, events, cells, cell_sums.data(), cell_weights.data());
  }
  multi_slice_means(device, events, cells, windows, cell_sums.data(), cell_weights.data(),
                    means.data(), weights.data());

  TestArray<int32_t> wide_begin(type, wide.begin), wide_end(type, wide.end),
      wide_first(type, wide.first), wide_last(type, wide.last);
  const SliceCells wide_cells{int64_t(wide.begin.size()), wide_begin.data(), wide_end.data()};
  const SliceWindows wide_windows{num_windows, wide_first.data(), wide_last.data()};
  TestArray<T> grad_means(type, random_values<E>(num_windows * num_slices * c.dim, 9));
  TestArray<C> cell_gradients(type, size_t(wide_cells.num_cells * num_slices * c.dim));
  multi_slice_cell_gradients(device, events, wide_cells, wide_windows, grad_means.data(),
                             weights.data(), cell_gradients.data());
  std::vector<std::unique_ptr<TestArray<T>>> grads;
  std::vector<void*> grad_pointers;
  for (int32_t g = 0; g < events.num_groups; ++g) {
    grads.push_back(std::make_unique<TestArray<T>>(type, size_t(Inputs<E>::kRows * c.dim)));
    grad_pointers.push_back(grads[g]->data());
  }
  multi_slice_table_gradients(device, events, in.rows, cell_gradients.data(), grad_pointers.data());

  Results<E> results{means.values(), weights.values(), {}};
  for (auto& grad : grads) results.grad_tables.push_back(grad->values());
  return results;
}

class MultiSlicePoolTest : public testing::TestWithParam<std::tuple<DeviceType, Case>> {};

TEST_P(MultiSlicePoolTest, EqualsScalar) {
  const auto& [type, c] = GetParam();
  ONEFOLD_SKIP_WITHOUT_DEVICE(type);
  for (ScalarType scalar :
       {ScalarType::kFloat32, ScalarType::kFloat64, ScalarType::kBFloat16, ScalarType::kFloat16}) {
    with_element(scalar, [&]<typename E>(E) {
      SCOPED_TRACE(testing::Message() << "type " << int(scalar));
      const Results<E> got = run<E>(type, scalar, c, kSliceCellEvents);
      const Results<E> want = run<E>(DeviceType::kCpu, scalar, c, 1 << 30, true);
      EXPECT_LT(relative_error<E>(got.means, want.means), tolerance(scalar));
      EXPECT_LT(relative_error<Element<ScalarType::kFloat32>>(got.weights, want.weights), 5e-3);
      for (size_t g = 0; g < c.slices_per_group.size(); ++g) {
        EXPECT_LT(relative_error<E>(got.grad_tables[g], want.grad_tables[g]), tolerance(scalar))
            << "group " << g;
      }
      EXPECT_TRUE(got == run<E>(type, scalar, c, kSliceCellEvents)) << "two runs differ";
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, MultiSlicePoolTest,
                         testing::Combine(testing::Values(DeviceType::kCpu, DeviceType::kCuda),
                                          testing::ValuesIn(cases())),
                         [](const auto& info) {
                           return device_name(std::get<0>(info.param)) + "_" +
                                  std::get<1>(info.param).name;
                         });

// The worked example of multi_slice_pool.h.
TEST(MultiSlicePool, WorkedExample) {
  const std::vector<float> table = {1, 5, 7};
  const std::vector<int64_t> ids = {0, 1, 2}, masks = {0b01, 0b11, 0b10};
  SliceEvents events{};
  events.type = ScalarType::kFloat32;
  events.dim = events.num_groups = events.num_words = 1;
  events.num_events = 3;
  events.tables[0] = table.data();
  events.num_rows[0] = 3;
  events.ids[0] = ids.data();
  events.slice_offsets[1] = 2;
  events.masks = masks.data();
  const std::vector<int32_t> begin = {0, 2}, end = {2, 3}, first = {0, 0}, last = {2, 1};
  const SliceCells cells{2, begin.data(), end.data()};
  std::vector<float> sums(4), cell_weights(4), means(4), weights(4);
  multi_slice_cells(Device{}, events, cells, sums.data(), cell_weights.data());
  multi_slice_means(Device{}, events, cells, {2, first.data(), last.data()}, sums.data(),
                    cell_weights.data(), means.data(), weights.data());
  EXPECT_EQ(means, (std::vector<float>{3, 6, 3, 5}));
  EXPECT_EQ(weights, (std::vector<float>{2, 2, 2, 1}));
}

}  // namespace
}  // namespace onefold
