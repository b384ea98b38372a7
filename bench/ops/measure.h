// SPDX-License-Identifier: Apache-2.0
// Measuring an op beside what people use instead, and against the floor of the machine.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace onefold {

// One thing to run, and the work it stands for. Made one at a time: cases hold large tensors.
struct Case {
  std::string name;             // "expand forward, float32, uniform"
  double bytes = 0;             // each input read once, each output written once
  double flops = 0;             // of matrix products; the floor is the longer of the two
  double floor_ms = 0;          // a floor that the case measured itself; 0: bytes and flops
  double floor_aim = 0;         // fraction of the floor; 0: none
  std::function<bool()> check;  // the answer, before any timing
  std::function<void()> ours;
  std::string other_name;  // "at::index_select"; empty: nothing beside it
  std::function<void()> other;
  double other_aim = 1;     // times faster than the other
  double published_ms = 0;  // 0: none
  int runs_per_call = 1;    // ours and other do this many at a time (rotating inputs)
};
using CaseMaker = std::function<Case()>;

// What the machine was measured to do in this run.
struct MachineRates {
  double copy_bytes_per_ms;
  double matmul_flops_per_ms;  // bfloat16 on CUDA, float32 on the CPU
};

// A row of build/bench/<name>.json.
struct Row {
  std::string claim;
  double ours, other;
  std::string unit;
  double ratio, aim;
  bool holds;
};

class Report {
 public:
  Report(std::string name, std::string machine)
      : name_(std::move(name)), machine_(std::move(machine)) {}

  // The rows of one case: fraction of the floor, and times faster than each other way.
  void add(const Case& c, double ours_ms, double other_ms, const MachineRates& rates);
  void print() const;
  void write(const std::string& directory) const;  // <directory>/<name>.json

 private:
  std::string name_, machine_;
  std::vector<Row> rows_;
};

// CUDA. Median of event-timed runs: replays of a captured graph, which leaves launch gaps out and
// proves once more that our ops can be captured, or, for others' code, several calls in a row.
enum class CudaRuns { kGraph, kCalls };
double cuda_median_ms(const std::function<void()>& run, CudaRuns runs);
bool cuda_available();
std::string cuda_name();

}  // namespace onefold
