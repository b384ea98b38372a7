// SPDX-License-Identifier: Apache-2.0
// TextTable: rows of cells as aligned text.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace onefold {

class TextTable {
 public:
  // The first `num_left` columns are aligned to the left, the others, numbers, to the right.
  explicit TextTable(size_t num_left) : num_left_(num_left) {}

  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

  // Two spaces between columns, no space at the end of a line.
  std::string to_string() const;

 private:
  size_t num_left_;
  std::vector<std::vector<std::string>> rows_;
};

std::string with_commas(int64_t number);  // 278,139

}  // namespace onefold
