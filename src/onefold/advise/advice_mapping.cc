// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "onefold/advise/advice.h"
#include "onefold/advise/feature_kind.h"

namespace onefold {
namespace {

// A basic string of TOML: JSON escapes what TOML does, in the same way.
std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string feature_section(const FeatureAdvice& feature) {
  const auto kind = column_kind(feature.kind);
  if (!kind) return "# " + quoted(feature.name) + " is " + feature.kind + ": not imported\n";
  std::string text = "[[feature]]\ncolumn = " + quoted(feature.name) + "\n";
  if (kind->hash) {
    text += "hash = true\n";
  } else {
    text += "kind = \"" + std::string(to_string(kind->kind)) + "\"\n";
  }
  if (feature.user_scope || !feature.group.empty()) text += "scope = \"user\"\n";
  if (!feature.group.empty()) text += "group = " + quoted(feature.group) + "\n";
  return text;
}

}  // namespace

std::string to_mapping(const Advice& advice) {
  std::string text;
  if (!advice.knows_requests && !advice.groups.empty()) {
    text +=
        "# Requests are not known: check that features of scope \"user\" are the same in all rows "
        "of one.\n";
  }
  for (const FeatureAdvice& feature : advice.features) text += feature_section(feature);
  for (const GroupAdvice& group : advice.groups) {
    if (!group.windowed) continue;
    text += "[[group]]\nname = " + quoted(group.name) + "\nwindow = true\n";
  }
  return text;
}

}  // namespace onefold
