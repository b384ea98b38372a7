// SPDX-License-Identifier: Apache-2.0
#include "onefold/reader/epoch_plan.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "onefold/base/hash.h"

namespace onefold {
namespace {

// 0 .. num_items - 1, sorted by their hashes: a random permutation.
std::vector<int32_t> random_order(int64_t num_items, uint64_t seed) {
  std::vector<std::pair<uint64_t, int32_t>> keyed;
  keyed.reserve(num_items);
  for (int64_t item = 0; item < num_items; ++item) {
    keyed.emplace_back(hash64(item, seed), static_cast<int32_t>(item));
  }
  std::sort(keyed.begin(), keyed.end());
  std::vector<int32_t> order;
  order.reserve(num_items);
  for (const auto& [hash, item] : keyed) order.push_back(item);
  return order;
}

}  // namespace

uint64_t order_seed(uint64_t seed, int64_t epoch) {
  // Not hash64(epoch) of seed 0: the holdout split hashes session ids with seed 0.
  return hash64(epoch, hash64(static_cast<int64_t>(seed), 1));
}

std::vector<EpochPlan> plan_epoch(std::span<const RowGroupRef> row_groups,
                                  const EpochPlanOptions& options) {
  std::vector<int32_t> order(row_groups.size());
  std::iota(order.begin(), order.end(), 0);
  if (options.shuffle) {
    order = random_order(static_cast<int64_t>(row_groups.size()),
                         order_seed(options.seed, options.epoch));
  }
  const size_t window_size = options.shuffle ? options.row_groups_per_window : 1;
  std::vector<EpochPlan> plans(options.world_size);
  std::vector<int64_t> rank_rows(options.world_size, 0);
  for (int32_t row_group : order) {
    const auto rank = std::min_element(rank_rows.begin(), rank_rows.end()) - rank_rows.begin();
    rank_rows[rank] += row_groups[row_group].num_rows;
    auto& windows = plans[rank].windows;
    if (windows.empty() || windows.back().size() == window_size) windows.emplace_back();
    windows.back().push_back(row_group);
  }
  for (EpochPlan& plan : plans) {
    for (auto& window : plan.windows) std::sort(window.begin(), window.end());
  }
  return plans;
}

}  // namespace onefold
