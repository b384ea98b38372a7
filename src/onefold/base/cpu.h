// SPDX-License-Identifier: Apache-2.0
// Which instruction set the CPU kernels use: chosen once, for the whole process.
//
// The best one this machine has, unless the environment says ONEFOLD_CPU=scalar|avx2|avx512.
#pragma once

#include <string>

#include "onefold/base/status.h"

namespace onefold {

enum class CpuLevel {
  kScalar,  // what every x86-64 has; the reference bodies
  kAvx2,    // AVX2, FMA, F16C
  kAvx512,  // F, BW, DQ, VL
};

const char* to_string(CpuLevel level);  // "scalar", "avx2", "avx512"

// The best level this machine runs.
CpuLevel supported_cpu_level();

// The level that `forced` (the value of ONEFOLD_CPU; empty: not set) gives on a machine that runs
// `supported`. kInvalidArgument for an unknown word, kUnsupported for a level above `supported`.
Result<CpuLevel> choose_cpu_level(const std::string& forced, CpuLevel supported);

// choose_cpu_level() of the environment and this machine, read at the first call. Throws CheckError
// with its message when that is an error. Thread safe.
CpuLevel cpu_level();

}  // namespace onefold
