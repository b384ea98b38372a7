// SPDX-License-Identifier: Apache-2.0
#include "onefold/kernels/jagged_index_select/jagged_index_select.h"

#include <memory>

#include <sys/mman.h>

#include "onefold/kernels/element.h"
#include "onefold/kernels/index_csr/index_csr.h"
#include "onefold/kernels/test_device.h"

namespace onefold {
namespace {

// A selection with its arrays where the kernel runs.
class Selection {
 public:
  Selection(DeviceType type, const IndexCase& shape, std::vector<int32_t> offsets, int64_t num_keys)
      : host_offsets(std::move(offsets)),
        csr_offsets_(shape.num_rows + 1),
        csr_members_(shape.index.size()),
        host_{host_offsets.data(), shape.index.data(),          nullptr, nullptr, nullptr, num_keys,
              shape.num_rows,      int64_t(shape.index.size()), 0},
        host_out_offsets(num_keys * shape.index.size() + 1) {
    index_csr_scalar({shape.index.data(), int64_t(shape.index.size()), shape.num_rows,
                      csr_offsets_.data(), csr_members_.data(), nullptr, 0});
    jagged_select_offsets_scalar(host_, host_out_offsets.data());
    host_.members = csr_members_.data();
    host_.row_members = csr_offsets_.data();
    host_.out_offsets = host_out_offsets.data();
    host_.num_out_values = host_out_offsets.back();
    offsets_.emplace_back(std::make_unique<TestArray<int32_t>>(type, host_offsets));
    for (const std::vector<int32_t>* array : std::initializer_list<const std::vector<int32_t>*>{
             &shape.index, &csr_members_, &csr_offsets_, &host_out_offsets}) {
      offsets_.emplace_back(std::make_unique<TestArray<int32_t>>(type, *array));
    }
    device_ = host_;
    device_.offsets = offsets_[0]->data();
    device_.index = offsets_[1]->data();
    device_.members = offsets_[2]->data();
    device_.row_members = offsets_[3]->data();
    device_.out_offsets = offsets_[4]->data();
  }

  const JaggedSelection& on_host() const { return host_; }
  const JaggedSelection& on_device() const { return device_; }

  std::vector<int32_t> host_offsets;

 private:
  std::vector<int32_t> csr_offsets_, csr_members_;
  JaggedSelection host_, device_;
  std::vector<std::unique_ptr<TestArray<int32_t>>> offsets_;

 public:
  std::vector<int32_t> host_out_offsets;
};

// Lengths 0, 1, 31, 32, 33, 300, ... over the keys' rows.
std::vector<int32_t> uneven_offsets(int64_t num_lists) {
  constexpr int32_t kLengths[] = {3, 0, 1, 31, 32, 33, 0, 300, 7, 5};
  std::vector<int32_t> offsets = {0};
  for (int64_t i = 0; i < num_lists; ++i) {
    offsets.push_back(offsets.back() + (num_lists > 200 ? i % 5 : kLengths[i % 10]));
  }
  return offsets;
}

class JaggedIndexSelectTest : public testing::TestWithParam<std::tuple<DeviceType, IndexCase>> {};

TEST_P(JaggedIndexSelectTest, Offsets) {
  const auto& [type, shape] = GetParam();
  ONEFOLD_SKIP_WITHOUT_DEVICE(type);
  const Device device{.type = type};
  for (int64_t num_keys : {0, 1, 3}) {
    const Selection s(type, shape, uneven_offsets(num_keys * shape.num_rows), num_keys);
    TestArray<int32_t> out(type, s.host_out_offsets.size());
    const size_t bytes = jagged_select_offsets_workspace_bytes(s.on_device(), device);
    TestArray<char> workspace(type, bytes);
    jagged_select_offsets(s.on_device(), out.data(), workspace.data(), bytes, device);
    EXPECT_EQ(out.values(), s.host_out_offsets);
  }
}

TEST_P(JaggedIndexSelectTest, PicksRowsOfEveryKey) {
  const auto& [type, shape] = GetParam();
  ONEFOLD_SKIP_WITHOUT_DEVICE(type);
  const int64_t num_keys = 3;
  const Selection s(type, shape, uneven_offsets(num_keys * shape.num_rows), num_keys);
  for (int64_t value_bytes : {1, 2, 4, 8, 12, 48}) {
    std::vector<char> values(s.host_offsets.back() * value_bytes);
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<char>(i * 31 + i / 251);
    std::vector<char> expected;
    for (int64_t key = 0; key < num_keys; ++key) {
      for (int32_t row : shape.index) {
        const int32_t* list = s.host_offsets.data() + key * shape.num_rows + row;
        expected.insert(expected.end(), values.begin() + list[0] * value_bytes,
                        values.begin() + list[1] * value_bytes);
      }
    }
    TestArray<char> from(type, values), out(type, expected.size());
    jagged_index_select({s.on_device(), from.data(), out.data(), value_bytes},
                        Device{.type = type});
    EXPECT_EQ(out.values(), expected) << "value_bytes " << value_bytes;
  }
}

template <typename E>
void check_backward(DeviceType type, const IndexCase& shape, ScalarType scalar, int64_t width) {
  using Storage = typename E::Storage;
  const int64_t num_keys = 3;
  const Selection s(type, shape, uneven_offsets(num_keys * shape.num_rows), num_keys);
  const std::vector<float> values = exact_values(s.host_out_offsets.back() * width);
  std::vector<Storage> grads(values.size());
  for (size_t i = 0; i < grads.size(); ++i) grads[i] = E::store(values[i]);
  std::vector<double> sums(s.host_offsets.back() * width, 0.0);
  size_t next = 0;
  for (int64_t key = 0; key < num_keys; ++key) {
    for (int32_t row : shape.index) {
      const int32_t* list = s.host_offsets.data() + key * shape.num_rows + row;
      for (int64_t i = list[0] * width; i < list[1] * width; ++i) sums[i] += values[next++];
    }
  }
  std::vector<Storage> expected(sums.size());
  for (size_t i = 0; i < sums.size(); ++i) expected[i] = E::store(sums[i]);

  TestArray<Storage> grad_out(type, grads), grad_values(type, expected.size());
  jagged_index_select_backward(
      {s.on_device(), grad_out.data(), grad_values.data(), s.host_offsets.back(), width, scalar},
      Device{.type = type});
  EXPECT_EQ(grad_values.values(), expected) << "width " << width;
}

TEST_P(JaggedIndexSelectTest, BackwardSumsOverThePickedRows) {
  const auto& [type, shape] = GetParam();
  ONEFOLD_SKIP_WITHOUT_DEVICE(type);
  for (ScalarType scalar :
       {ScalarType::kFloat32, ScalarType::kFloat64, ScalarType::kBFloat16, ScalarType::kFloat16}) {
    with_element(scalar, [&]<typename E>(E) {
      for (int64_t width : {1, 3, 16}) check_backward<E>(type, shape, scalar, width);
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, JaggedIndexSelectTest,
                         testing::Combine(testing::Values(DeviceType::kCpu, DeviceType::kCuda),
                                          testing::ValuesIn(index_cases())),
                         [](const auto& info) {
                           return device_name(std::get<0>(info.param)) + "_" +
                                  std::get<1>(info.param).name;
                         });

class JaggedIndexSelectLargeTest : public testing::TestWithParam<DeviceType> {};

TEST_P(JaggedIndexSelectLargeTest, TimelineOfSeventyThousand) {
  const DeviceType type = GetParam();
  ONEFOLD_SKIP_WITHOUT_DEVICE(type);
  const IndexCase shape{"timelines", {0, 0, 1, 1, 1, 0}, 2};
  const Selection s(type, shape, {0, 70000, 70003}, 1);
  std::vector<int64_t> values(70003);
  for (size_t i = 0; i < values.size(); ++i) values[i] = i * 7;
  TestArray<int64_t> from(type, values), out(type, size_t(s.host_out_offsets.back()));
  jagged_index_select({s.on_device(), from.data(), out.data(), 8}, Device{.type = type});
  std::vector<int64_t> expected;
  for (int32_t row : shape.index) {
    expected.insert(expected.end(), values.begin() + s.host_offsets[row],
                    values.begin() + s.host_offsets[row + 1]);
  }
  EXPECT_EQ(out.values(), expected);
}

// Values at 2^31 - 40 .. 2^31 - 1 of an array whose other pages are never touched.
TEST(JaggedIndexSelect, OffsetsNearTwoToThe31) {
  constexpr int64_t kValues = INT32_MAX;
  const size_t bytes = kValues * sizeof(int32_t);
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) GTEST_SKIP() << "no 8 GB of address space";
  int32_t* values = static_cast<int32_t*>(memory);
  for (int i = 1; i <= 40; ++i) values[kValues - i] = i;
  const IndexCase shape{"end", {2, 2}, 3};
  const Selection s(DeviceType::kCpu, shape, {0, 5, INT32_MAX - 40, INT32_MAX}, 1);
  std::vector<int32_t> out(80);
  jagged_index_select({s.on_host(), values, out.data(), 4}, Device{});
  for (int i = 0; i < 80; ++i) EXPECT_EQ(out[i], 40 - i % 40);
  munmap(memory, bytes);
}

INSTANTIATE_TEST_SUITE_P(Devices, JaggedIndexSelectLargeTest,
                         testing::Values(DeviceType::kCpu, DeviceType::kCuda),
                         [](const auto& info) { return device_name(info.param); });

}  // namespace
}  // namespace onefold
