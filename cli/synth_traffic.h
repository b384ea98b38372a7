// SPDX-License-Identifier: Apache-2.0
// The TOML file that says what a synthetic ranker's traffic is like (docs/verbs/synth.md).
#pragma once

#include <string>

#include "onefold/base/status.h"
#include "onefold/log/traffic.h"

namespace onefold::cli {

// kInvalidArgument names the file, the line and the key; kNotFound, kIoError.
Result<TrafficOptions> read_traffic(const std::string& path);

}  // namespace onefold::cli
