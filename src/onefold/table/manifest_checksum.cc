// SPDX-License-Identifier: Apache-2.0
#include "onefold/table/manifest_checksum.h"

#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "onefold/base/hash.h"

namespace onefold {
namespace {

const std::string kZeros(16, '0');

// Where the value of `"key" : "value"` begins in JSON text, whatever stands between key and value.
std::optional<size_t> find_value(const std::string& bytes, const std::string& key,
                                 const std::string& value) {
  const std::string quoted_key = "\"" + key + "\"", quoted_value = "\"" + value + "\"";
  for (size_t at = bytes.find(quoted_key); at != std::string::npos;
       at = bytes.find(quoted_key, at + 1)) {
    size_t colon = bytes.find_first_not_of(" \t\r\n", at + quoted_key.size());
    if (colon == std::string::npos || bytes[colon] != ':') continue;
    const size_t begin = bytes.find_first_not_of(" \t\r\n", colon + 1);
    if (begin != std::string::npos && bytes.compare(begin, quoted_value.size(), quoted_value) == 0)
      return begin + 1;
  }
  return std::nullopt;
}

std::string checksum_of(std::string bytes, size_t digits) {
  bytes.replace(digits, kZeros.size(), kZeros);
  return fmt::format("{:016x}", hash64(bytes.data(), bytes.size()));
}

}  // namespace

std::string manifest_bytes(nlohmann::json root) {
  root[kChecksumKey] = kZeros;
  std::string bytes = root.dump(1) + "\n";
  const size_t digits = find_value(bytes, kChecksumKey, kZeros).value();
  bytes.replace(digits, kZeros.size(), checksum_of(bytes, digits));
  return bytes;
}

Status check_manifest_bytes(const std::string& bytes, const nlohmann::json& root) {
  if (!root.is_object() || !root.contains(kChecksumKey)) return {};
  const nlohmann::json& said = root.at(kChecksumKey);
  std::optional<size_t> digits;
  if (said.is_string() && said.get_ref<const std::string&>().size() == kZeros.size()) {
    digits = find_value(bytes, kChecksumKey, said.get<std::string>());
  }
  if (!digits) return data_loss("its \"checksum\" is not 16 hex digits; the manifest is damaged");
  const std::string found = checksum_of(bytes, *digits);
  if (found == said.get<std::string>()) return {};
  return data_loss(fmt::format(
      "its bytes have checksum {}, but it says {}; the manifest is damaged (whoever changed it on "
      "purpose must remove the key \"checksum\")",
      found, said.get<std::string>()));
}

}  // namespace onefold
