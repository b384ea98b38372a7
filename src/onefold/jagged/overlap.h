// SPDX-License-Identifier: Apache-2.0
// Where one sequence continues another.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace onefold {

using Elements = std::span<const uint64_t>;

// The smallest position p in [from, text.size()) at which `text` from p on and `pattern` agree up
// to the end of the shorter: the pattern lies in the text, or begins where the text ends.
//
//   text 3 4 5 6   pattern 5 6 7 -> 2     pattern 4 5 -> 1     pattern 7 8 -> none
//
// Linear in both, by Knuth, Morris and Pratt. REQUIRES: pattern not empty.
std::optional<int64_t> find_overlap(Elements text, Elements pattern, int64_t from);

}  // namespace onefold
