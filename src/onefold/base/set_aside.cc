// SPDX-License-Identifier: Apache-2.0
#include "onefold/base/set_aside.h"

#include <algorithm>

#include "onefold/base/files.h"

namespace onefold {

bool is_set_aside(std::string_view path) {
  while (!path.empty()) {
    const std::string_view name = path.substr(0, path.find('/'));
    if (name.starts_with('_') && name.find('=') == name.npos) return true;
    path.remove_prefix(std::min(path.size(), name.size() + 1));
  }
  return false;
}

Result<std::vector<std::string>> list_data_files(const std::string& directory) {
  ONEFOLD_ASSIGN_OR_RETURN(auto names, list_files(directory));
  std::erase_if(names, is_set_aside);
  return names;
}

}  // namespace onefold
