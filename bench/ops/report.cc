// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "ops/measure.h"
#include <nlohmann/json.hpp>

namespace onefold {

void Report::add(const Case& c, double ours_ms, double other_ms, const MachineRates& rates) {
  const double copy_ms = c.bytes / rates.copy_bytes_per_ms;
  const double matmul_ms = c.flops / rates.matmul_flops_per_ms;
  const auto add_floor = [&](const char* what, double ours, double floor, const char* unit) {
    const double ratio = ours / floor;
    rows_.push_back({c.name + what, ours, floor, unit, ratio, c.floor_aim, ratio >= c.floor_aim});
  };
  if (c.floor_ms > 0) {
    add_floor(": fraction of the measured floor", 1 / ours_ms, 1 / c.floor_ms, "1/ms");
  } else if (matmul_ms > copy_ms) {
    add_floor(": fraction of the matmul rate", c.flops / ours_ms / 1e9,
              rates.matmul_flops_per_ms / 1e9, "TFLOP/s");
  } else if (c.bytes > 0) {
    add_floor(": fraction of the copy bandwidth", c.bytes / ours_ms / 1e6,
              rates.copy_bytes_per_ms / 1e6, "GB/s");
  }
  if (other_ms > 0) {
    const double ratio = other_ms / ours_ms;
    rows_.push_back({c.name + ": against " + c.other_name, ours_ms, other_ms, "ms", ratio,
                     c.other_aim, ratio >= c.other_aim});
  }
  if (c.published_ms > 0) {
    const double ratio = c.published_ms / ours_ms;
    rows_.push_back({c.name + ": against the published figure", ours_ms, c.published_ms, "ms",
                     ratio, 1, ratio >= 1});
  }
}

void Report::print() const {
  std::printf("%s\n%-86s %10s %10s %7s %7s %6s\n", machine_.c_str(), "claim", "ours", "other",
              "unit", "ratio", "aim");
  for (const Row& r : rows_) {
    std::printf("%-86s %10.3f %10.3f %7s %7.3f %6.2f %s\n", r.claim.c_str(), r.ours, r.other,
                r.unit.c_str(), r.ratio, r.aim, r.holds ? "" : "MISSED");
  }
}

void Report::write(const std::string& directory) const {
  nlohmann::json rows = nlohmann::json::array();
  for (const Row& r : rows_) {
    rows.push_back({{"claim", r.claim},
                    {"ours", r.ours},
                    {"other", r.other},
                    {"unit", r.unit},
                    {"ratio", r.ratio},
                    {"aim", r.aim},
                    {"holds", r.holds},
                    {"machine", machine_}});
  }
  std::filesystem::create_directories(directory);
  std::ofstream(directory + "/" + name_ + ".json") << rows.dump(1) << "\n";
}

}  // namespace onefold
