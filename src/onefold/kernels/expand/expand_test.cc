// SPDX-License-Identifier: Apache-2.0
#include "onefold/kernels/expand/expand.h"

#include <cstring>

#include "onefold/kernels/element.h"
#include "onefold/kernels/index_csr/index_csr.h"
#include "onefold/kernels/test_device.h"

namespace onefold {
namespace {

struct Csr {
  std::vector<int32_t> offsets, members;
};

Csr csr_of(const IndexCase& shape) {
  Csr csr{std::vector<int32_t>(shape.num_rows + 1), std::vector<int32_t>(shape.index.size())};
  index_csr_scalar({shape.index.data(), int64_t(shape.index.size()), shape.num_rows,
                    csr.offsets.data(), csr.members.data(), nullptr, 0});
  return csr;
}

std::vector<char> row_bytes_of(size_t size) {
  std::vector<char> bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + i / 251);
  return bytes;
}

class ExpandTest : public testing::TestWithParam<std::tuple<DeviceType, IndexCase>> {};

TEST_P(ExpandTest, CopiesUniqueRows) {
  const auto& [type, shape] = GetParam();
  ONEFOLD_SKIP_WITHOUT_DEVICE(type);
  const Csr csr = csr_of(shape);
  const int64_t n = shape.index.size();
  TestArray<int32_t> inverse(type, shape.index), members(type, csr.members);
  for (int64_t row_bytes : {1, 2, 6, 8, 12, 16, 20, 512, 4112}) {
    const std::vector<char> rows = row_bytes_of(shape.num_rows * row_bytes);
    TestArray<char> unique(type, rows), out(type, size_t(n * row_bytes));
    const ExpandParams params{unique.data(),  out.data(), inverse.data(), members.data(),
                              shape.num_rows, n,          row_bytes};
    expand(params, Device{.type = type});
    std::vector<char> expected(n * row_bytes);
    expand_scalar({rows.data(), expected.data(), shape.index.data(), csr.members.data(),
                   shape.num_rows, n, row_bytes},
                  0, n);
    EXPECT_EQ(out.values(), expected) << "row_bytes " << row_bytes;
  }
}

template <typename E>
void check_backward(DeviceType type, const IndexCase& shape, ScalarType scalar, int64_t width) {
  using Storage = typename E::Storage;
  const Csr csr = csr_of(shape);
  const int64_t n = shape.index.size();
  std::vector<Storage> grads(n * width);
  const std::vector<float> values = exact_values(grads.size());
  for (size_t i = 0; i < grads.size(); ++i) grads[i] = E::store(values[i]);

  const Device device{.type = type};
  TestArray<int32_t> inverse(type, shape.index), offsets(type, csr.offsets),
      members(type, csr.members);
  TestArray<Storage> grad_out(type, grads), grad_unique(type, size_t(shape.num_rows * width));
  TestArray<char> workspace(type, expand_backward_workspace_bytes(n, width, scalar, device));
  expand_backward({grad_out.data(), grad_unique.data(), inverse.data(), offsets.data(),
                   members.data(), shape.num_rows, n, width, scalar, workspace.data()},
                  device);

  std::vector<double> sums(shape.num_rows * width, 0.0);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t c = 0; c < width; ++c) sums[shape.index[i] * width + c] += values[i * width + c];
  }
  std::vector<Storage> expected(sums.size());
  for (size_t i = 0; i < sums.size(); ++i) expected[i] = E::store(sums[i]);
  EXPECT_EQ(grad_unique.values(), expected) << "width " << width;
}

TEST_P(ExpandTest, BackwardSumsOverEachRowsSamples) {
  const auto& [type, shape] = GetParam();
  ONEFOLD_SKIP_WITHOUT_DEVICE(type);
  for (ScalarType scalar :
       {ScalarType::kFloat32, ScalarType::kFloat64, ScalarType::kBFloat16, ScalarType::kFloat16}) {
    with_element(scalar, [&]<typename E>(E) {
      for (int64_t width : {1, 3, 8, 64, 131, 300}) check_backward<E>(type, shape, scalar, width);
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, ExpandTest,
                         testing::Combine(testing::Values(DeviceType::kCpu, DeviceType::kCuda),
                                          testing::ValuesIn(index_cases())),
                         [](const auto& info) {
                           return device_name(std::get<0>(info.param)) + "_" +
                                  std::get<1>(info.param).name;
                         });

class ExpandLargeTest : public testing::TestWithParam<DeviceType> {};

// Large enough for several blocks, columns and pieces on CUDA;
// row 0 has nearly all samples.
TEST_P(ExpandLargeTest, SkewedAndWide) {
  const DeviceType type = GetParam();
  ONEFOLD_SKIP_WITHOUT_DEVICE(type);
  IndexCase shape{"skewed", std::vector<int32_t>(2500, 0), 3};
  for (int i : {0, 17, 1999}) shape.index[i] = 1;
  shape.index[2400] = 2;
  check_backward<Element<ScalarType::kFloat32>>(type, shape, ScalarType::kFloat32, 5001);

  const Csr csr = csr_of(shape);
  const int64_t row_bytes = 40004;  // 100 MB of output
  const std::vector<char> rows = row_bytes_of(shape.num_rows * row_bytes);
  TestArray<int32_t> inverse(type, shape.index), members(type, csr.members);
  TestArray<char> unique(type, rows), out(type, size_t(2500 * row_bytes));
  expand({unique.data(), out.data(), inverse.data(), members.data(), 3, 2500, row_bytes},
         Device{.type = type});
  const std::vector<char> values = out.values();
  for (int64_t i = 0; i < 2500; ++i) {
    ASSERT_EQ(std::memcmp(values.data() + i * row_bytes, rows.data() + shape.index[i] * row_bytes,
                          row_bytes),
              0)
        << "sample " << i;
  }
}

// Sums of numbers that round: the order of additions must not change between runs.
TEST_P(ExpandLargeTest, BackwardIsTheSameBitForBit) {
  const DeviceType type = GetParam();
  ONEFOLD_SKIP_WITHOUT_DEVICE(type);
  const Device device{.type = type};
  const int64_t n = 5000, width = 36;
  IndexCase shape{"skewed", std::vector<int32_t>(n), 40};
  std::vector<float> values(n * width);
  for (int64_t i = 0; i < n; ++i) shape.index[i] = i % 3 == 0 ? i % 40 : 7;
  for (size_t i = 0; i < values.size(); ++i) values[i] = 1.0f / (1.0f + i % 977);
  const Csr csr = csr_of(shape);
  TestArray<int32_t> inverse(type, shape.index), offsets(type, csr.offsets),
      members(type, csr.members);
  TestArray<float> grad_out(type, values);
  std::vector<float> first;
  for (int run = 0; run < 3; ++run) {
    TestArray<float> grad_unique(type, size_t(40 * width));
    TestArray<char> workspace(
        type, expand_backward_workspace_bytes(n, width, ScalarType::kFloat32, device));
    expand_backward({grad_out.data(), grad_unique.data(), inverse.data(), offsets.data(),
                     members.data(), 40, n, width, ScalarType::kFloat32, workspace.data()},
                    device);
    if (run == 0) first = grad_unique.values();
    EXPECT_EQ(grad_unique.values(), first);
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, ExpandLargeTest,
                         testing::Values(DeviceType::kCpu, DeviceType::kCuda),
                         [](const auto& info) { return device_name(info.param); });

}  // namespace
}  // namespace onefold
