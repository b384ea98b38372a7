// SPDX-License-Identifier: Apache-2.0
// at_least(n): a check of CLI11's for numbers. Its own say "not in range 0.000000 to 1797693134..."
#pragma once

#include <charconv>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace onefold::cli {

// What is no number at all is left to CLI11, which refuses it by itself.
inline CLI::Validator at_least(int64_t least) {
  const auto check = [least](const std::string& text) -> std::string {
    double number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (read.ec != std::errc() || number >= static_cast<double>(least)) return "";
    return fmt::format("expected {} or more, got {}", least, text);
  };
  return CLI::Validator(check, "");
}

}  // namespace onefold::cli
