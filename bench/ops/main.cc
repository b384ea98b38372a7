// SPDX-License-Identifier: Apache-2.0
// ops_bench: the torch ops against ATen's and against the floor of the machine.
//
// Every case's answer is checked before it is timed. On the CPU the times are Google Benchmark's,
// on CUDA those of events around replays of a captured graph. The floor is the device's own copy
// bandwidth, measured in the same run.
#include <algorithm>
#include <cstdio>
#include <map>
#include <string>

#include "ops/cases.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <CLI/CLI.hpp>
#include <benchmark/benchmark.h>
#include <c10/core/GradMode.h>

#include "onefold/base/cpu.h"

namespace onefold {
namespace {

struct Options {
  std::string device = "cpu", out = "build/bench", only, filter;
};

void add_options(CLI::App& app, Options& options) {
  app.add_option("--device", options.device, "Where the ops run")
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->capture_default_str();
  app.add_option("--out", options.out, "Directory of ops_cpu.json or ops_cuda.json")
      ->capture_default_str();
  app.add_option("--only", options.only, "One group of cases")
      ->check(CLI::IsMember(
          {"expand", "jagged_index_select", "embedding", "attention", "multi_slice"}));
  app.add_option("--filter", options.filter, "Only cases whose name holds this text");
}

// Keeps the median per name that Google Benchmark reports.
class Collector : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.aggregate_name == "median") ms_ = run.GetAdjustedRealTime();
    }
  }
  double ms() const { return ms_; }

 private:
  double ms_ = 0;
};

double cpu_median_ms(const std::string& name, const std::function<void()>& run) {
  benchmark::ClearRegisteredBenchmarks();
  benchmark::RegisterBenchmark(name.c_str(),
                               [&run](benchmark::State& state) {
                                 for (auto _ : state) run();
                               })
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond)
      ->MinTime(0.1)
      ->Repetitions(5)
      ->ReportAggregatesOnly();
  Collector collector;
  benchmark::RunSpecifiedBenchmarks(&collector);
  return collector.ms();
}

double median_ms(at::Device device, const std::string& name, const std::function<void()>& run,
                 CudaRuns runs = CudaRuns::kGraph) {
  return device.is_cuda() ? cuda_median_ms(run, runs) : cpu_median_ms(name, run);
}

// Bytes read and written per ms by a copy far larger than the caches: the best of several, the
// first of which wakes the clocks. A kernel copies too, since on an H100 the driver's own copy is a
// fifth slower than one: the floor is what the memory can do.
double copy_bytes_per_ms(at::Device device) {
  const int64_t bytes = device.is_cuda() ? int64_t{4} << 30 : int64_t{512} << 20;
  const at::Tensor from =
      at::randint(1 << 30, {bytes / 8}, at::TensorOptions(device).dtype(at::kLong));
  at::Tensor to = at::empty_like(from);
  double best_ms = median_ms(device, "copy", [&] { to.copy_(from); });
  for (int i = 0; i < 3; ++i) {
    best_ms = std::min(best_ms, median_ms(device, "copy", [&] { to.copy_(from); }));
    if (!device.is_cuda()) continue;
    best_ms = std::min(best_ms, median_ms(device, "copy", [&] { at::bitwise_not_out(to, from); }));
  }
  return 2.0 * bytes / best_ms;
}

double matmul_flops_per_ms(at::Device device) {
  const int64_t size = device.is_cuda() ? 8192 : 2048;
  const auto dtype = device.is_cuda() ? at::kBFloat16 : at::kFloat;
  const auto options = at::TensorOptions(device).dtype(dtype);
  const at::Tensor a = at::randn({size, size}, options), b = at::randn({size, size}, options);
  at::Tensor c = at::empty({size, size}, options);
  double best_ms = median_ms(device, "matmul", [&] { at::mm_out(c, a, b); });
  for (int i = 0; i < 3; ++i) {  // a hot device clocks down: the best of several
    best_ms = std::min(best_ms, median_ms(device, "matmul", [&] { at::mm_out(c, a, b); }));
  }
  return 2.0 * size * size * size / best_ms;
}

int run(const Options& options) {
  const bool cuda = options.device == "cuda";
  if (cuda && !cuda_available()) {
    std::printf("ops_bench: Torch has no CUDA device; skipped\n");
    return 0;
  }
  const at::Device device(cuda ? at::kCUDA : at::kCPU);
  const std::string machine = cuda ? cuda_name()
                                   : "CPU, " + std::to_string(at::get_num_threads()) +
                                         " threads, " + to_string(cpu_level());
  const c10::AutoGradMode no_grad(false);
  const MachineRates rates = {copy_bytes_per_ms(device), matmul_flops_per_ms(device)};
  Report report(cuda ? "ops_cuda" : "ops_cpu", machine);
  std::vector<CaseMaker> makers;
  const std::pair<const char*, std::vector<CaseMaker>> groups[] = {
      {"expand", expand_cases(device)},
      {"jagged_index_select", jagged_index_select_cases(device)},
      {"embedding", embedding_cases(device)},
      {"attention", attention_cases(device)},
      {"multi_slice", multi_slice_cases(device)}};
  for (const auto& [name, cases] : groups) {
    if (options.only.empty() || options.only == name) {
      makers.insert(makers.end(), cases.begin(), cases.end());
    }
  }
  int wrong = 0;
  for (const CaseMaker& make : makers) {
    at::manual_seed(365);
    const Case c = make();
    if (c.name.find(options.filter) == std::string::npos) continue;
    if (!c.check()) {
      std::printf("WRONG ANSWER: %s\n", c.name.c_str());
      ++wrong;
      continue;
    }
    const double ours = median_ms(device, c.name, c.ours) / c.runs_per_call;
    const double other =
        c.other ? median_ms(device, c.name + " other", c.other, CudaRuns::kCalls) / c.runs_per_call
                : 0;
    std::printf("%-80s %9.4f ms  other %9.4f ms\n", c.name.c_str(), ours, other);
    std::fflush(stdout);
    report.add(c, ours, other, rates);
  }
  report.print();
  report.write(options.out);
  return wrong == 0 ? 0 : 1;
}

}  // namespace
}  // namespace onefold

int main(int argc, char** argv) {
  onefold::Options options;
  CLI::App app("Times the torch ops, each after its answer was checked");
  onefold::add_options(app, options);
  CLI11_PARSE(app, argc, argv);
  return onefold::run(options);
}
