// SPDX-License-Identifier: Apache-2.0
// BinaryLoss: mean binary cross-entropy and normalized entropy (NE) over many predictions.
//
//   NE = mean BCE / entropy of the label rate     1: as good as always predicting the rate;
//                                                 smaller is better
#pragma once

#include <cstdint>
#include <span>

namespace onefold {

class BinaryLoss {
 public:
  // `labels` in [0, 1]; same length as `logits`.
  void add(std::span<const float> logits, std::span<const float> labels);
  void reset() { *this = {}; }

  int64_t count() const { return count_; }
  double loss() const;                // NaN with no predictions
  double label_rate() const;          // NaN with no predictions
  double normalized_entropy() const;  // NaN when all labels are 0 or all are 1

 private:
  int64_t count_ = 0;
  double loss_sum_ = 0, label_sum_ = 0;
};

}  // namespace onefold
