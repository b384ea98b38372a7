// SPDX-License-Identifier: Apache-2.0
#include "onefold/kernels/id_sort/id_sort.h"

#include <algorithm>
#include <memory>

#include "onefold/kernels/test_device.h"

namespace onefold {
namespace {

struct SortCase {
  std::string name;
  std::vector<std::vector<int64_t>> ids;  // per feature
  std::vector<int64_t> first_row, num_rows;
  int64_t total_rows;
};

std::vector<int64_t> random_ids(size_t size, int64_t num_rows, uint32_t seed) {
  std::vector<int64_t> ids(size);
  for (int64_t& id : ids) {
    seed = seed * 1664525u + 1013904223u;
    id = static_cast<int64_t>(seed) % num_rows;
    if (seed % 3 == 0) id = std::min<int64_t>(id, 2);  // a few rows much more often
  }
  return ids;
}

std::vector<SortCase> sort_cases() {
  std::vector<SortCase> cases = {
      {"no_features", {}, {}, {}, 0},
      {"no_ids", {{}}, {0}, {4}, 4},
      {"header", {{7, 2, 7}, {2, 9}}, {0, 10}, {10, 5}, 15},
      {"all_outside", {{-1, 5, INT64_MAX, INT64_MIN}}, {0}, {5}, 5},
      {"shared_table", {{1, 2}, {2, 1}, {0}}, {0, 0, 3}, {3, 3, 2}, 5},
  };
  for (size_t size : {7, 8, 9, 31, 32, 33, 5000}) {
    const std::string suffix = "_" + std::to_string(size);
    cases.push_back({"all_equal" + suffix, {std::vector<int64_t>(size, 3)}, {0}, {4}, 4});
    cases.push_back({"random" + suffix,
                     {random_ids(size, 100, 1), random_ids(size, 5000000, 2)},
                     {0, 100},
                     {100, 5000000},
                     5000100});
  }
  SortCase many{"many_features", {}, {}, {}, 150 * 7};
  for (int f = 0; f < 150; ++f) {
    many.ids.push_back(random_ids(f % 5, 7, f));
    many.first_row.push_back(f * 7);
    many.num_rows.push_back(7);
  }
  cases.push_back(many);
  return cases;
}

struct Sorted {
  std::vector<int32_t> rows, sorted_rows, sorted_positions, run_offsets, counts;
  bool operator==(const Sorted&) const = default;
};

enum class Body { kDispatched, kScalar, kRowsOnly };

Sorted sort_with(const SortCase& shape, DeviceType type, Body body) {
  const Device device{.type = type};
  std::vector<std::unique_ptr<TestArray<int64_t>>> ids;
  std::vector<TableIds> features;
  IdSortParams params;
  for (size_t f = 0; f < shape.ids.size(); ++f) {
    ids.push_back(std::make_unique<TestArray<int64_t>>(type, shape.ids[f]));
    features.push_back(
        {ids.back()->data(), int64_t(shape.ids[f].size()), shape.first_row[f], shape.num_rows[f]});
    params.num_ids += shape.ids[f].size();
  }
  const size_t n = params.num_ids;
  TestArray<int32_t> rows(type, n), sorted_rows(type, n), positions(type, n), runs(type, n + 1),
      counts(type, size_t{2});
  params.features = features.data();
  params.num_features = features.size();
  params.total_rows = shape.total_rows;
  params.rows = rows.data();
  params.sorted_rows = sorted_rows.data();
  params.sorted_positions = positions.data();
  params.run_offsets = runs.data();
  params.counts = counts.data();
  params.workspace_bytes = id_sort_workspace_bytes(n, shape.total_rows, device);
  if (body == Body::kRowsOnly) {
    id_rows(params, device);
    return {.rows = rows.values()};
  }
  TestArray<char> workspace(type, params.workspace_bytes);
  params.workspace = workspace.data();
  if (body == Body::kScalar) {
    id_sort_scalar(params);
  } else {
    id_sort(params, device);
  }
  Sorted sorted{rows.values(), sorted_rows.values(), positions.values(), runs.values(),
                counts.values()};
  sorted.run_offsets.resize(sorted.counts[0] + 1);  // the rest is not written
  return sorted;
}

class IdSortTest : public testing::TestWithParam<std::tuple<DeviceType, SortCase>> {};

TEST_P(IdSortTest, EqualsTheStableSort) {
  const auto& [type, shape] = GetParam();
  ONEFOLD_SKIP_WITHOUT_DEVICE(type);
  EXPECT_EQ(sort_with(shape, type, Body::kDispatched),
            sort_with(shape, DeviceType::kCpu, Body::kScalar));
}

TEST_P(IdSortTest, RowsWithoutTheSort) {
  const auto& [type, shape] = GetParam();
  ONEFOLD_SKIP_WITHOUT_DEVICE(type);
  EXPECT_EQ(sort_with(shape, type, Body::kRowsOnly).rows,
            sort_with(shape, DeviceType::kCpu, Body::kScalar).rows);
}

INSTANTIATE_TEST_SUITE_P(Shapes, IdSortTest,
                         testing::Combine(testing::Values(DeviceType::kCpu, DeviceType::kCuda),
                                          testing::ValuesIn(sort_cases())),
                         [](const auto& info) {
                           return device_name(std::get<0>(info.param)) + "_" +
                                  std::get<1>(info.param).name;
                         });

TEST(IdSort, HeaderExample) {
  const Sorted sorted = sort_with(sort_cases()[2], DeviceType::kCpu, Body::kDispatched);
  EXPECT_EQ(sorted.rows, (std::vector<int32_t>{7, 2, 7, 12, -1}));
  EXPECT_EQ(sorted.sorted_rows, (std::vector<int32_t>{2, 7, 7, 12, 15}));
  EXPECT_EQ(sorted.sorted_positions, (std::vector<int32_t>{1, 0, 2, 3, 4}));
  EXPECT_EQ(sorted.run_offsets, (std::vector<int32_t>{0, 1, 3, 4}));
  EXPECT_EQ(sorted.counts, (std::vector<int32_t>{3, 1}));
}

}  // namespace
}  // namespace onefold
