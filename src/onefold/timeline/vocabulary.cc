// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/vocabulary.h"

namespace onefold {

Result<Vocabulary> Vocabulary::make(std::vector<std::string> names) {
  Vocabulary vocabulary;
  for (const std::string& name : names) {
    if (vocabulary.find(name) >= 0) return data_loss("the name '" + name + "' has two codes");
    if (vocabulary.add(name) < 0) return data_loss("more than 32767 names in one vocabulary");
  }
  return vocabulary;
}

int64_t Vocabulary::add(std::string_view name) {
  const int64_t known = find(name);
  if (known >= 0) return known;
  if (size() >= kMaxNames) return -1;
  codes_.emplace(name, size());
  names_.emplace_back(name);
  return size() - 1;
}

int64_t Vocabulary::find(std::string_view name) const {
  const auto found = codes_.find(name);
  return found == codes_.end() ? -1 : found->second;
}

}  // namespace onefold
