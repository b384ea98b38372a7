// SPDX-License-Identifier: Apache-2.0
// FuzzInput: the fuzzer's bytes, taken piece by piece; zeros once they are used up, so that every
// input means something.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>

namespace onefold::fuzz {

class FuzzInput {
 public:
  FuzzInput(const uint8_t* data, size_t size) : bytes_(data, size) {}

  bool empty() const { return bytes_.empty(); }

  template <typename T>
  T take() {
    T value{};
    const size_t size = std::min(sizeof(T), bytes_.size());
    if (size > 0) std::memcpy(&value, bytes_.data(), size);
    bytes_ = bytes_.subspan(size);
    return value;
  }

  // 0 to `end` - 1.
  int take_below(int end) { return take<uint8_t>() % end; }

 private:
  std::span<const uint8_t> bytes_;
};

}  // namespace onefold::fuzz

// What must be true of every input; libFuzzer keeps the input for which it is not.
#define FUZZ_EXPECT(condition)                                                     \
  do {                                                                             \
    if (!(condition)) {                                                            \
      std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                \
    }                                                                              \
  } while (false)
