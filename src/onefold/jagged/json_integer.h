// SPDX-License-Identifier: Apache-2.0
// Integers of manifests. nlohmann::json converts any number to an int64_t: 1e300, which is
// undefined, 0.5, and 2^64 - 1, which becomes -1.
#pragma once

#include <cstdint>
#include <optional>

#include <nlohmann/json_fwd.hpp>

namespace onefold {

// nullopt unless `value` is an integer of 64 bits.
std::optional<int64_t> to_int64(const nlohmann::json& value);

// The integer that `object` has for `key`, `least` or more. Throws a json::exception as at() and
// get() do, when there is none.
int64_t int64_at(const nlohmann::json& object, const char* key, int64_t least = 0);

}  // namespace onefold
