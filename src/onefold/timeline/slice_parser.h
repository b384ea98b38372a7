// SPDX-License-Identifier: Apache-2.0
// The slice language: TOML to expanded slices.
#pragma once

#include <string>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/timeline/slice.h"

namespace onefold {

// All slices of `text`, cross-products expanded, in order. kInvalidArgument names `source`, the
// line and the slice. Relations between slices (names, groups) are not checked.
Result<std::vector<Slice>> parse_slices(const std::string& text, const std::string& source);

// "full" -> 0, "7d", "12h", "30m" -> microseconds. kInvalidArgument otherwise.
Result<int64_t> parse_window(const std::string& text);

}  // namespace onefold
