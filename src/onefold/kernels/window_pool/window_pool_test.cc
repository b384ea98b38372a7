// SPDX-License-Identifier: Apache-2.0
#include "onefold/kernels/window_pool/window_pool.h"

#include "onefold/kernels/index_csr/index_csr.h"
#include "onefold/kernels/test_device.h"
#include "onefold/kernels/test_values.h"

namespace onefold {
namespace {

struct Case {
  std::string name;
  std::vector<int32_t> lengths;  // of rows
  struct Window {
    int32_t row, start, length;
  };
  std::vector<Window> windows;
};

// All windows of a row of `length` that begin and end at block edges or beside them.
std::vector<Case::Window> edge_windows(int32_t row, int32_t length) {
  std::vector<int32_t> edges;
  for (int32_t edge : {0, 1, 31, 32, 33, 64, 96, 128, 129, 160, 161}) {
    if (edge < length) edges.push_back(edge);
  }
  edges.push_back(length);
  std::vector<Case::Window> windows;
  for (int32_t start : edges) {
    for (int32_t end : edges) {
      if (start <= end) windows.push_back({row, start, end - start});
    }
  }
  return windows;
}

std::vector<Case> cases() {
  std::vector<Case> all = {
      {"nothing", {}, {}},
      {"no_windows", {5, 0, 3}, {}},
      {"empty_row_first", {0, 5}, {{0, 0, 0}, {1, 1, 3}}},
      {"empty_row_middle", {5, 0, 3}, {{0, 0, 5}, {1, 0, 0}, {2, 1, 2}}},
      {"empty_row_last", {5, 0}, {{1, 0, 0}, {0, 2, 2}}},
      {"equal_windows", {40}, {{0, 3, 35}, {0, 3, 35}, {0, 3, 35}}},
      {"long_row", {5000}, {{0, 0, 5000}, {0, 17, 4970}, {0, 4999, 1}}},
  };
  for (int32_t length : {1, 31, 32, 33, 64, 160, 300}) {
    all.push_back({"edges_" + std::to_string(length), {7, length, 3}, edge_windows(1, length)});
  }
  Case many{"many_windows", {300, 10, 40}, {}};
  for (int32_t i = 0; i < 500; ++i) many.windows.push_back({0, i % 250, i % 50});
  all.push_back(many);
  return all;
}

template <typename E>
struct Results {
  std::vector<typename E::Storage> pooled, grad_values;
};

template <typename E>
Results<E> run(DeviceType type, ScalarType scalar, const Case& c, int64_t width, bool mean) {
  using T = typename E::Storage;
  std::vector<int32_t> row_offsets = {0}, rows, starts, lengths;
  for (int32_t length : c.lengths) row_offsets.push_back(row_offsets.back() + length);
  for (const auto& window : c.windows) {
    rows.push_back(window.row);
    starts.push_back(window.start);
    lengths.push_back(window.length);
  }
  std::vector<int32_t> offsets(c.lengths.size() + 1), members(rows.size());
  index_csr_scalar({rows.data(), int64_t(rows.size()), int64_t(c.lengths.size()), offsets.data(),
                    members.data(), nullptr, 0});
  TestArray<int32_t> row_offsets_there(type, row_offsets), rows_there(type, rows),
      starts_there(type, starts), lengths_there(type, lengths), offsets_there(type, offsets),
      members_there(type, members);
  const int64_t num_windows = rows.size();
  const WindowPool shape{scalar,
                         mean,
                         width,
                         row_offsets.back(),
                         int64_t(c.lengths.size()),
                         num_windows,
                         row_offsets_there.data(),
                         rows_there.data(),
                         starts_there.data(),
                         lengths_there.data(),
                         offsets_there.data(),
                         members_there.data()};
  TestArray<T> values(type, random_values<E>(shape.num_values * width, 3)),
      pooled(type, size_t(num_windows * width)),
      grad_pooled(type, random_values<E>(num_windows * width, 4)),
      grad_values(type, size_t(shape.num_values * width));
  TestArray<double> prefix(type, size_t(num_window_blocks(shape) * width));
  window_pool(Device{.type = type}, shape, values.data(), prefix.data(), pooled.data());
  window_pool_backward(Device{.type = type}, shape, grad_pooled.data(), grad_values.data());
  return {pooled.values(), grad_values.values()};
}

// Every window and every value on its own.
template <typename E>
Results<E> direct(const Case& c, int64_t width, bool mean) {
  std::vector<int64_t> begins = {0};
  for (int32_t length : c.lengths) begins.push_back(begins.back() + length);
  const auto values = random_values<E>(begins.back() * width, 3);
  const auto grads = random_values<E>(c.windows.size() * width, 4);
  std::vector<double> grad_values(values.size(), 0.0);
  Results<E> results;
  for (size_t w = 0; w < c.windows.size(); ++w) {
    const auto [row, start, length] = c.windows[w];
    const double scale = mean && length > 0 ? 1.0 / length : 1.0;
    for (int64_t d = 0; d < width; ++d) {
      double sum = 0;
      for (int64_t i = begins[row] + start; i < begins[row] + start + length; ++i) {
        sum += E::load(values[i * width + d]);
        grad_values[i * width + d] += scale * E::load(grads[w * width + d]);
      }
      results.pooled.push_back(E::store(sum * scale));
    }
  }
  for (double grad : grad_values) results.grad_values.push_back(E::store(grad));
  return results;
}

class WindowPoolTest : public testing::TestWithParam<std::tuple<DeviceType, Case>> {};

TEST_P(WindowPoolTest, EqualsDirectSums) {
  const auto& [type, c] = GetParam();
  ONEFOLD_SKIP_WITHOUT_DEVICE(type);
  for (ScalarType scalar :
       {ScalarType::kFloat32, ScalarType::kFloat64, ScalarType::kBFloat16, ScalarType::kFloat16}) {
    with_element(scalar, [&]<typename E>(E) {
      for (int64_t width : {1, 3, 44, 64, 65}) {
        for (bool mean : {false, true}) {
          SCOPED_TRACE(testing::Message() << "type " << int(scalar) << " width " << width);
          const Results<E> got = run<E>(type, scalar, c, width, mean);
          const Results<E> want = direct<E>(c, width, mean);
          // Both sum in double; a 16-bit result may fall to the other side of a tie.
          const double tolerance = scalar == ScalarType::kFloat64   ? 1e-12
                                   : scalar == ScalarType::kFloat32 ? 1e-6
                                                                    : 1e-3;
          EXPECT_LT(relative_error<E>(got.pooled, want.pooled), tolerance);
          EXPECT_LT(relative_error<E>(got.grad_values, want.grad_values), tolerance);
          const Results<E> again = run<E>(type, scalar, c, width, mean);
          EXPECT_EQ(got.pooled, again.pooled);
          EXPECT_EQ(got.grad_values, again.grad_values);
        }
      }
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, WindowPoolTest,
                         testing::Combine(testing::Values(DeviceType::kCpu, DeviceType::kCuda),
                                          testing::ValuesIn(cases())),
                         [](const auto& info) {
                           return device_name(std::get<0>(info.param)) + "_" +
                                  std::get<1>(info.param).name;
                         });

}  // namespace
}  // namespace onefold
