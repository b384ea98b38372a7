// SPDX-License-Identifier: Apache-2.0
// The checksum that a manifest carries of itself: XXH3-64 of its bytes, with '0' for each of the
// checksum's own 16 digits. Parquet pages have checksums; without this one a flipped bit in a
// label's name or a count would pass.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "onefold/base/status.h"

namespace onefold {

inline constexpr const char* kChecksumKey = "checksum";

// `root` as the bytes of a manifest file, with its checksum.
std::string manifest_bytes(nlohmann::json root);

// kDataLoss when `bytes`, which were parsed as `root`, have another checksum than they say. OK when
// they have none: other writers, and people who edit by hand, may leave it out.
Status check_manifest_bytes(const std::string& bytes, const nlohmann::json& root);

}  // namespace onefold
