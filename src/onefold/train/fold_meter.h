// SPDX-License-Identifier: Apache-2.0
// FoldMeter: how much of the batches was repetition, per feature group.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "onefold/jagged/batch.h"

namespace onefold {

struct GroupFold {
  std::string group;
  int64_t samples = 0, unique = 0;               // rows over all batches
  int64_t sample_values = 0, unique_values = 0;  // list values over all keys

  // Samples per unique row, and values per stored value; 1 with dedup off.
  double row_factor() const { return unique == 0 ? 1 : static_cast<double>(samples) / unique; }
  double value_factor() const {
    return unique_values == 0 ? 1 : static_cast<double>(sample_values) / unique_values;
  }
};

class FoldMeter {
 public:
  void add(const Batch& batch);
  const std::vector<GroupFold>& groups() const { return groups_; }  // in order of first appearance

 private:
  std::vector<GroupFold> groups_;
};

}  // namespace onefold
