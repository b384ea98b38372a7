// SPDX-License-Identifier: Apache-2.0
// The only file here that differs between a CPU and a CUDA build of Torch.
#include "ops/measure.h"

#ifdef ONEFOLD_TORCH_HAS_CUDA

#include <algorithm>

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

namespace onefold {

bool cuda_available() { return c10::cuda::device_count() > 0; }

std::string cuda_name() {
  cudaDeviceProp properties;
  C10_CUDA_CHECK(cudaGetDeviceProperties(&properties, c10::cuda::current_device()));
  return properties.name;
}

namespace {

constexpr int kCallsInARow = 5;

// Times of run(), each between two events.
double median_of(const c10::cuda::CUDAStream& stream, const std::function<void()>& run) {
  cudaEvent_t begin, end;
  C10_CUDA_CHECK(cudaEventCreate(&begin));
  C10_CUDA_CHECK(cudaEventCreate(&end));
  std::vector<float> times;
  double total_ms = 0;
  while (times.size() < 15 || (total_ms < 100 && times.size() < 200)) {
    C10_CUDA_CHECK(cudaEventRecord(begin, stream));
    run();
    C10_CUDA_CHECK(cudaEventRecord(end, stream));
    C10_CUDA_CHECK(cudaEventSynchronize(end));
    float ms = 0;
    C10_CUDA_CHECK(cudaEventElapsedTime(&ms, begin, end));
    times.push_back(ms);
    total_ms += ms;
  }
  C10_CUDA_CHECK(cudaEventDestroy(begin));
  C10_CUDA_CHECK(cudaEventDestroy(end));
  std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
  return times[times.size() / 2];
}

}  // namespace

double cuda_median_ms(const std::function<void()>& run, CudaRuns runs) {
  c10::cuda::CUDACachingAllocator::emptyCache();
  const auto stream = c10::cuda::getStreamFromPool();
  const c10::cuda::CUDAStreamGuard guard(stream);
  for (int i = 0; i < 3; ++i) run();
  stream.synchronize();
  if (runs == CudaRuns::kCalls) {
    return median_of(stream,
                     [&] {
                       for (int i = 0; i < kCallsInARow; ++i) run();
                     }) /
           kCallsInARow;
  }
  at::cuda::CUDAGraph graph;
  graph.capture_begin();
  run();
  graph.capture_end();
  for (int i = 0; i < 5; ++i) graph.replay();
  return median_of(stream, [&] { graph.replay(); });
}

}  // namespace onefold

#else

namespace onefold {

bool cuda_available() { return false; }
std::string cuda_name() { return "none"; }
double cuda_median_ms(const std::function<void()>&, CudaRuns) { return 0; }

}  // namespace onefold

#endif
