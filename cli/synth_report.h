// SPDX-License-Identifier: Apache-2.0
// What `onefold synth` prints about the log it has written.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "onefold/log/long_term.h"
#include "onefold/log/synth.h"
#include "onefold/log/traffic.h"

namespace onefold::cli {

struct SynthPlace {
  std::string logs, events;
  int64_t users = 0;
  uint64_t seed = 0;
  double seconds = 0;
};

nlohmann::ordered_json to_json(const SynthCounts& counts, const SynthPlace& place);
nlohmann::ordered_json to_json(const LongTermCounts& counts, const SynthPlace& place);
nlohmann::ordered_json to_json(const TrafficCounts& counts, const SynthPlace& place);

// Without the end of the last line.
std::string summary(const SynthCounts& counts, const SynthPlace& place);
std::string summary(const LongTermCounts& counts, const SynthPlace& place);
std::string summary(const TrafficCounts& counts, const SynthPlace& place);

}  // namespace onefold::cli
