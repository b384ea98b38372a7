// SPDX-License-Identifier: Apache-2.0
#include "onefold/base/memory.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <utility>

#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

namespace onefold {
namespace {

// "VmHWM:    1234 kB" of /proc/self/status in bytes; 0 where there is none.
int64_t status_line(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name + ":")) return std::atoll(line.c_str() + name.size() + 1) * 1024;
  }
  return 0;
}

// The number in a file; 0 when it has none ("max": no limit).
int64_t number_in(const char* path) {
  int64_t number = 0;
  std::ifstream(path) >> number;
  return number;
}

constexpr std::array<std::pair<const char*, double>, 13> kUnits = {{{"B", 1},
                                                                    {"KB", 1e3},
                                                                    {"MB", 1e6},
                                                                    {"GB", 1e9},
                                                                    {"TB", 1e12},
                                                                    {"KIB", 1024.0},
                                                                    {"MIB", 1024.0 * 1024},
                                                                    {"GIB", 1073741824.0},
                                                                    {"TIB", 1099511627776.0},
                                                                    {"K", 1024.0},
                                                                    {"M", 1024.0 * 1024},
                                                                    {"G", 1073741824.0},
                                                                    {"T", 1099511627776.0}}};

}  // namespace

int64_t machine_memory() {
  int64_t bytes = static_cast<int64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGESIZE);
  for (const char* path :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    if (const int64_t limit = number_in(path); limit > 0) bytes = std::min(bytes, limit);
  }
  return bytes;
}

int64_t resident_memory() { return status_line("VmRSS"); }
int64_t peak_memory() { return status_line("VmHWM"); }
void release_freed_memory() { ::malloc_trim(0); }

Result<int64_t> parse_byte_size(const std::string& text) {
  const auto refused = [&] {
    return invalid_argument("'" + text +
                            "' is no size: expected a number and a unit, as 512MiB or 2G");
  };
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  std::string unit(end);
  std::transform(unit.begin(), unit.end(), unit.begin(),
                 [](unsigned char c) { return std::toupper(c); });
  double factor = unit.empty() ? 1 : 0;
  for (const auto& [name, bytes] : kUnits) factor = unit == name ? bytes : factor;
  const double bytes = number * factor;
  if (end == text.c_str() || !(bytes >= 1) || bytes > 9e18) return refused();
  return static_cast<int64_t>(bytes);
}

std::string format_byte_size(int64_t bytes) {
  constexpr std::array<const char*, 4> kNames = {"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kNames.size(); ++unit) value /= 1024;
  return fmt::format("{:.1f} {}", value, kNames[unit]);
}

}  // namespace onefold
