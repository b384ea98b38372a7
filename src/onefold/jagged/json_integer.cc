// SPDX-License-Identifier: Apache-2.0
#include "onefold/jagged/json_integer.h"

#include <limits>
#include <string>

#include <nlohmann/json.hpp>

namespace onefold {

std::optional<int64_t> to_int64(const nlohmann::json& value) {
  if (!value.is_number_integer()) return std::nullopt;
  constexpr uint64_t kMost = std::numeric_limits<int64_t>::max();
  if (value.is_number_unsigned() && value.get<uint64_t>() > kMost) return std::nullopt;
  return value.get<int64_t>();
}

int64_t int64_at(const nlohmann::json& object, const char* key, int64_t least) {
  const nlohmann::json& value = object.at(key);
  const std::optional<int64_t> number = to_int64(value);
  if (number && *number >= least) return *number;
  throw nlohmann::json::out_of_range::create(406,
                                             std::string("\"") + key + "\" is " + value.dump() +
                                                 ", expected an integer from " +
                                                 std::to_string(least) + " to 2^63 - 1",
                                             &value);
}

}  // namespace onefold
