// SPDX-License-Identifier: Apache-2.0
// For kernel tests: the same case on the CPU (at the level ONEFOLD_CPU forces; CTest runs every
// level) and on CUDA, with memory that is where the kernel runs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "onefold/kernels/device.h"

namespace onefold {

inline std::string device_name(DeviceType type) {
  return type == DeviceType::kCpu ? "cpu" : "cuda";
}

// First line of a test that runs on `type`.
#define ONEFOLD_SKIP_WITHOUT_DEVICE(type)                                           \
  if ((type) == ::onefold::DeviceType::kCuda && ::onefold::num_cuda_devices() == 0) \
  GTEST_SKIP() << "no CUDA device"

// An array on a device. Filled with 0xA5 bytes unless made from values, so that elements a kernel
// should have written and did not are seen.
template <typename T>
class TestArray {
 public:
  TestArray(DeviceType type, size_t size) : TestArray(type, poison(size)) {}
  TestArray(DeviceType type, const std::vector<T>& values) : type_(type), host_(values) {
    if (type_ != DeviceType::kCuda) return;
    device_ = static_cast<T*>(cuda_allocate(bytes()));
    cuda_copy(device_, host_.data(), bytes());
  }
  TestArray(const TestArray&) = delete;
  TestArray& operator=(const TestArray&) = delete;
  ~TestArray() {
    if (device_ != nullptr) cuda_free(device_);
  }

  T* data() { return type_ == DeviceType::kCuda ? device_ : host_.data(); }
  size_t bytes() const { return host_.size() * sizeof(T); }
  // What it holds now; waits for the device.
  std::vector<T> values() {
    if (type_ == DeviceType::kCuda) cuda_copy(host_.data(), device_, bytes());
    return host_;
  }

 private:
  static std::vector<T> poison(size_t size) {
    std::vector<T> values(size);
    for (size_t i = 0; i < size * sizeof(T); ++i)
      reinterpret_cast<uint8_t*>(values.data())[i] = 0xA5;
    return values;
  }

  DeviceType type_;
  std::vector<T> host_;
  T* device_ = nullptr;
};

// inverse_indices of every shape that has broken a kernel somewhere.
struct IndexCase {
  std::string name;
  std::vector<int32_t> index;
  int64_t num_rows;
};

inline std::vector<IndexCase> index_cases() {
  std::vector<IndexCase> cases = {
      {"no_entries_no_rows", {}, 0},
      {"no_entries", {}, 3},
      {"one", {0}, 1},
      {"first_row_unused", {1, 2, 1}, 3},
      {"middle_row_unused", {0, 2, 0}, 3},
      {"last_row_unused", {0, 1, 0}, 3},
  };
  for (int n : {7, 8, 9, 15, 16, 17, 31, 32, 33, 1000}) {
    const std::string size = std::to_string(n);
    std::vector<int32_t> equal(n, 0), none(n), sessions(n), random(n);
    uint32_t state = 12345;
    for (int i = 0; i < n; ++i) {
      none[i] = i;
      sessions[i] = i / 16;
      state = state * 1664525u + 1013904223u;
      random[i] = static_cast<int32_t>((state >> 8) % n);
    }
    cases.push_back({"all_equal_" + size, equal, 1});
    cases.push_back({"none_equal_" + size, none, n});
    cases.push_back({"sessions_" + size, sessions, (n + 15) / 16});
    cases.push_back({"random_" + size, random, n});
  }
  return cases;
}

// Small numbers whose sums are exact in every type, so results can be compared bit for bit.
inline std::vector<float> exact_values(size_t size, uint32_t seed = 1) {
  std::vector<float> values(size);
  for (float& value : values) {
    seed = seed * 1664525u + 1013904223u;
    value = static_cast<float>(static_cast<int>((seed >> 16) % 9) - 4);
  }
  return values;
}

}  // namespace onefold
