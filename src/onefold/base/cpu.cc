// SPDX-License-Identifier: Apache-2.0
#include "onefold/base/cpu.h"

#include <cstdlib>

namespace onefold {

const char* to_string(CpuLevel level) {
  switch (level) {
    case CpuLevel::kScalar:
      return "scalar";
    case CpuLevel::kAvx2:
      return "avx2";
    case CpuLevel::kAvx512:
      return "avx512";
  }
  return "unknown";
}

CpuLevel supported_cpu_level() {
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("f16c");
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (avx2 && avx512) return CpuLevel::kAvx512;
  return avx2 ? CpuLevel::kAvx2 : CpuLevel::kScalar;
}

Result<CpuLevel> choose_cpu_level(const std::string& forced, CpuLevel supported) {
  if (forced.empty()) return supported;
  for (CpuLevel level : {CpuLevel::kScalar, CpuLevel::kAvx2, CpuLevel::kAvx512}) {
    if (forced != to_string(level)) continue;
    if (level <= supported) return level;
    return unsupported("ONEFOLD_CPU=" + forced + ", but this machine runs " + to_string(supported) +
                       " at most; unset ONEFOLD_CPU or set it to that");
  }
  return invalid_argument("ONEFOLD_CPU=" + forced + " is not scalar, avx2 or avx512");
}

CpuLevel cpu_level() {
  static const CpuLevel level = [] {
    const char* forced = std::getenv("ONEFOLD_CPU");
    return choose_cpu_level(forced ? forced : "", supported_cpu_level()).value();
  }();
  return level;
}

}  // namespace onefold
