// SPDX-License-Identifier: Apache-2.0
// Vocabulary: names (actions, surfaces, media types) as small codes. Append only: a code never
// changes its meaning in the life of a timelines directory.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "onefold/base/status.h"

namespace onefold {

class Vocabulary {
 public:
  static constexpr int64_t kMaxNames = 32767;  // codes are int16 in files

  Vocabulary() = default;
  // kDataLoss when a name occurs twice or there are too many.
  static Result<Vocabulary> make(std::vector<std::string> names);

  // The code of `name`, new if need be; -1 when the vocabulary is full.
  int64_t add(std::string_view name);
  int64_t find(std::string_view name) const;  // -1 if absent
  const std::string& name(int64_t code) const { return names_[code]; }
  int64_t size() const { return static_cast<int64_t>(names_.size()); }
  const std::vector<std::string>& names() const { return names_; }  // [code]

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  std::vector<std::string> names_;
  std::unordered_map<std::string, int64_t, Hash, std::equal_to<>> codes_;
};

struct Vocabularies {
  Vocabulary action, surface, media_type;
};

}  // namespace onefold
