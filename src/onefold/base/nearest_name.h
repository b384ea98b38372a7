// SPDX-License-Identifier: Apache-2.0
// nearest_name: "did you mean ...?" for a misspelt key.
#pragma once

#include <string>
#include <vector>

namespace onefold {

// The known name with the smallest edit distance (insert, delete, replace, swap of neighbours) to
// `name`, the first of equals; "" if `known` is empty.
std::string nearest_name(const std::string& name, const std::vector<std::string>& known);

}  // namespace onefold
