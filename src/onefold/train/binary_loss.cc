// SPDX-License-Identifier: Apache-2.0
#include "onefold/train/binary_loss.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "onefold/base/check.h"

namespace onefold {
namespace {
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
}

void BinaryLoss::add(std::span<const float> logits, std::span<const float> labels) {
  ONEFOLD_CHECK(logits.size() == labels.size(), "one label per prediction");
  for (size_t i = 0; i < logits.size(); ++i) {
    // -y log p - (1 - y) log(1 - p), without overflow for large logits.
    const double z = logits[i];
    loss_sum_ += std::max(z, 0.0) - z * labels[i] + std::log1p(std::exp(-std::fabs(z)));
    label_sum_ += labels[i];
  }
  count_ += static_cast<int64_t>(logits.size());
}

double BinaryLoss::loss() const {
  return count_ == 0 ? kNaN : loss_sum_ / static_cast<double>(count_);
}

double BinaryLoss::label_rate() const {
  return count_ == 0 ? kNaN : label_sum_ / static_cast<double>(count_);
}

double BinaryLoss::normalized_entropy() const {
  const double rate = label_rate();
  if (!(rate > 0 && rate < 1)) return kNaN;
  return loss() / -(rate * std::log(rate) + (1 - rate) * std::log1p(-rate));
}

}  // namespace onefold
