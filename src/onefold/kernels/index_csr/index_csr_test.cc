// SPDX-License-Identifier: Apache-2.0
#include "onefold/kernels/index_csr/index_csr.h"

#include "onefold/kernels/test_device.h"

namespace onefold {
namespace {

class IndexCsrTest : public testing::TestWithParam<std::tuple<DeviceType, IndexCase>> {};

TEST_P(IndexCsrTest, GroupsEntriesByRowInOrder) {
  const auto& [type, shape] = GetParam();
  ONEFOLD_SKIP_WITHOUT_DEVICE(type);
  const Device device{.type = type};
  TestArray<int32_t> index(type, shape.index), offsets(type, size_t(shape.num_rows + 1)),
      members(type, shape.index.size());
  const int64_t n = shape.index.size();
  const size_t bytes = index_csr_workspace_bytes(n, shape.num_rows, device);
  TestArray<char> workspace(type, bytes);
  index_csr(
      {index.data(), n, shape.num_rows, offsets.data(), members.data(), workspace.data(), bytes},
      device);

  std::vector<int32_t> expected_offsets = {0}, expected_members;
  for (int64_t row = 0; row < shape.num_rows; ++row) {
    for (int64_t i = 0; i < n; ++i) {
      if (shape.index[i] == row) expected_members.push_back(i);
    }
    expected_offsets.push_back(expected_members.size());
  }
  EXPECT_EQ(offsets.values(), expected_offsets);
  EXPECT_EQ(members.values(), expected_members);
}

INSTANTIATE_TEST_SUITE_P(Shapes, IndexCsrTest,
                         testing::Combine(testing::Values(DeviceType::kCpu, DeviceType::kCuda),
                                          testing::ValuesIn(index_cases())),
                         [](const auto& info) {
                           return device_name(std::get<0>(info.param)) + "_" +
                                  std::get<1>(info.param).name;
                         });

}  // namespace
}  // namespace onefold
