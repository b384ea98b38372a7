// SPDX-License-Identifier: Apache-2.0
// Where a kernel runs. Plain C++: no CUDA header, so anyone may include it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace onefold {

enum class DeviceType { kCpu, kCuda };

using Stream = void*;  // a cudaStream_t; nullptr is the default stream

// How a CPU kernel asks its caller for threads: calls body(context, begin, end) on ranges of at
// least `grain` that cover [0, n) once, possibly at the same time, and returns when all are done.
using ParallelFor = void (*)(int64_t n, int64_t grain, void* context,
                             void (*body)(void* context, int64_t begin, int64_t end));

struct Device {
  DeviceType type = DeviceType::kCpu;
  Stream stream = nullptr;             // CUDA: the stream that every launch goes to
  ParallelFor parallel_for = nullptr;  // CPU: nullptr runs everything on the calling thread
};

// body(begin, end) over [0, n), on the device's threads.
template <typename Body>
void parallel_for(const Device& device, int64_t n, int64_t grain, Body&& body) {
  if (n <= 0) return;
  if (device.parallel_for == nullptr || n <= grain) {
    body(int64_t{0}, n);
    return;
  }
  device.parallel_for(n, grain, &body, [](void* context, int64_t begin, int64_t end) {
    (*static_cast<std::remove_reference_t<Body>*>(context))(begin, end);
  });
}

// Element types a kernel may see; the values are stable.
enum class ScalarType { kFloat32, kFloat64, kBFloat16, kFloat16 };

inline int64_t size_of(ScalarType type) {
  return type == ScalarType::kFloat64 ? 8 : type == ScalarType::kFloat32 ? 4 : 2;
}

// CUDA memory and time for tests and benchmarks; ops get their memory from Torch. Without CUDA in
// the build num_cuda_devices() is 0 and the others throw CheckError.
int num_cuda_devices();
void* cuda_allocate(size_t bytes);
void cuda_free(void* pointer);
void cuda_copy(void* destination, const void* source, size_t bytes);  // either way; waits
void cuda_synchronize();

}  // namespace onefold
