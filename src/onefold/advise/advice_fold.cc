// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cctype>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "onefold/advise/advice.h"
#include "onefold/advise/feature_kind.h"

namespace onefold {
namespace {

// A word of a POSIX shell.
std::string word(const std::string& text) {
  const auto plain = [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("_-./=,:@%+").find(static_cast<char>(c)) != std::string_view::npos;
  };
  if (!text.empty() && std::all_of(text.begin(), text.end(), plain)) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

// What of the group fold can take: windows are of lists.
std::vector<std::string> columns_of(const GroupAdvice& group, const Advice& advice) {
  std::vector<std::string> columns;
  for (const std::string& name : group.features) {
    const auto feature = std::find_if(advice.features.begin(), advice.features.end(),
                                      [&](const FeatureAdvice& f) { return f.name == name; });
    const auto kind = column_kind(feature->kind);
    if (!group.windowed || (kind && kind->is_list())) columns.push_back(name);
  }
  return columns;
}

}  // namespace

std::string to_fold_command(const Advice& advice) {
  if (advice.session_column.empty() || advice.groups.empty()) return {};
  std::string command = fmt::format("onefold fold {} TABLE --session {}", word(advice.path),
                                    word(advice.session_column));
  const bool any_windowed = std::any_of(advice.groups.begin(), advice.groups.end(),
                                        [](const GroupAdvice& g) { return g.windowed; });
  if (any_windowed && !advice.user_column.empty()) {
    command += " --user " + word(advice.user_column);
  }
  for (const GroupAdvice& group : advice.groups) {
    const std::vector<std::string> columns = columns_of(group, advice);
    for (const std::string& name : columns) {
      if (name.find_first_of(",=") != std::string::npos) return {};
    }
    command += fmt::format(" --{} {}", group.windowed ? "window" : "group",
                           word(fmt::format("{}={}", group.name, fmt::join(columns, ","))));
  }
  return command;
}

}  // namespace onefold
