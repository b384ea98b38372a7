// SPDX-License-Identifier: Apache-2.0
#include "onefold/advise/group_features.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "onefold/advise/dedupe_model.h"
#include "onefold/advise/measure.h"
#include "onefold/base/hash.h"

namespace onefold {
namespace {

// The factor from which on one int64 is worth a ref of its own.
constexpr double kOneIdBreaksEven = 2;

// Features change in the same samples when together they have hardly more unique rows than the one
// that changes most.
constexpr double kHardlyMore = 1.25;

// Features that would be folded as one group.
struct ExactGroup {
  std::vector<int> features;
  std::vector<int32_t> rows;   // [N] as joint_rows()
  std::vector<int64_t> bytes;  // [N] of a sample's values
  int64_t unique = 0;          // rows, over all row groups
  double cost = 0;             // bytes of unique rows and refs
};

class Grouper {
 public:
  Grouper(const SessionSample& sample, const std::vector<std::optional<ColumnKind>>& kinds)
      : sample_(sample), kinds_(kinds), row_groups_(session_chunks(sample, kRowGroupSamples)) {
    for (size_t f = 0; f < kinds.size(); ++f) {
      value_bytes_.push_back(kinds[f] ? kinds[f]->value_bytes() : 0);
      const int one[] = {static_cast<int>(f)};
      bytes_.push_back(measure(sample, one, value_bytes_, {{0}}, false).sample_bytes);
    }
    chosen_.left.assign(kinds.size(), "");
    for (size_t f = 0; f < kinds.size(); ++f) chosen_.user_scope.push_back(same_in_requests(f));
  }

  Grouping group() && {
    std::vector<int> order(kinds_.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](int a, int b) { return bytes_[a] > bytes_[b]; });
    std::vector<ExactGroup> exact;
    std::vector<int> small;
    for (int f : order) {
      chosen_.left[f] = why_not_foldable(f);
      if (!chosen_.left[f].empty()) continue;
      if (kinds_[f]->is_list() && merges_well({f})) {
        add_windowed(f);
      } else if (factor(f) > break_even(f)) {
        exact.push_back(alone(f));
      } else if (factor(f) > kOneIdBreaksEven) {
        small.push_back(f);
        chosen_.left[f] = "too small: a ref is larger";
      } else {
        chosen_.left[f] = fmt::format("changes too often: factor {:.2f}", factor(f));
        if (std::isfinite(break_even(f))) {
          chosen_.left[f] += fmt::format(", {:.2f} would pay", break_even(f));
        }
      }
    }
    join_pairs(exact);
    for (int f : small) join_small(f, exact);
    for (ExactGroup& group : exact) chosen_.groups.push_back({std::move(group.features), false});
    std::ranges::stable_sort(chosen_.groups, [&](const auto& a, const auto& b) {
      return bytes_[a.features.front()] > bytes_[b.features.front()];
    });
    return std::move(chosen_);
  }

 private:
  bool same_in_requests(size_t f) const {
    if (sample_.request.empty()) return true;
    const std::vector<int32_t>& rows = sample_.features[f].row_of_sample;
    for (size_t i = 1; i < rows.size(); ++i) {
      if (sample_.session[i] == sample_.session[i - 1] &&
          sample_.request[i] == sample_.request[i - 1] && rows[i] != rows[i - 1]) {
        return false;
      }
    }
    return true;
  }

  std::string why_not_foldable(int f) const {
    if (!kinds_[f]) return "no column of this type can be imported";
    if (kinds_[f]->kind == FeatureKind::kDense) return "dense, stored per sample";
    if (!chosen_.user_scope[f]) return "differs within a request: an item feature";
    if (bytes_[f] == 0) return "empty";
    return "";
  }

  double mean_bytes(int64_t bytes) const {
    return static_cast<double>(bytes) / static_cast<double>(sample_.num_samples());
  }

  // Merging stores clearly fewer values than exact folding, and enough fewer than no folding.
  bool merges_well(const std::vector<int>& features) const {
    const Measured m = measure(sample_, features, value_bytes_, row_groups_, true);
    const double refs = kWindowRefBytes * static_cast<double>(sample_.num_samples());
    return 2 * m.stored_values < m.unique_values &&
           static_cast<double>(m.stored_bytes) + refs < static_cast<double>(m.sample_bytes);
  }

  bool parallel(int a, int b) const {
    for (int64_t i = 0; i < sample_.num_samples(); ++i) {
      if (sample_.features[a].length(i) != sample_.features[b].length(i)) return false;
    }
    return true;
  }

  void add_windowed(int f) {
    for (FeatureGroupChoice& group : chosen_.groups) {
      if (!parallel(group.features.front(), f)) continue;
      std::vector<int> joined = group.features;
      joined.push_back(f);
      if (!merges_well(joined)) continue;
      group.features = std::move(joined);
      return;
    }
    chosen_.groups.push_back({{f}, true});
  }

  // By the model, or counted over a user's sessions in a row group, which the model takes apart.
  double factor(int f) const {
    const std::vector<int32_t>& rows = sample_.features[f].row_of_sample;
    const auto samples = static_cast<double>(sample_.num_samples());
    const double by_session = dedupe_factor(samples / static_cast<double>(sample_.num_sessions()),
                                            unchanged_share(sample_, rows));
    std::unordered_set<uint64_t> seen;
    int64_t distinct = 0;
    for (size_t c = 0; c + 1 < row_groups_.begins.size(); ++c, seen.clear()) {
      for (int64_t i = row_groups_.begins[c]; i < row_groups_.begins[c + 1]; ++i) {
        distinct += seen.insert(hash64(rows[i], sample_.user[i])).second;
      }
    }
    return std::max(by_session, samples / static_cast<double>(std::max<int64_t>(1, distinct)));
  }

  double break_even(int f) const { return break_even_factor(mean_bytes(bytes_[f]), kRefBytes); }

  // Fills `unique` and `cost`.
  ExactGroup folded(ExactGroup group) const {
    std::vector<int64_t> seen_from(group.rows.size(), -1);
    int64_t bytes = 0;
    for (size_t c = 0; c + 1 < row_groups_.begins.size(); ++c) {
      const int64_t begin = row_groups_.begins[c];
      for (int64_t i = begin; i < row_groups_.begins[c + 1]; ++i) {
        if (std::exchange(seen_from[group.rows[i]], begin) == begin) continue;
        bytes += group.bytes[i];
        ++group.unique;
      }
    }
    group.cost =
        static_cast<double>(bytes) + kRefBytes * static_cast<double>(sample_.num_samples());
    return group;
  }

  ExactGroup alone(int f) const {
    ExactGroup group{{f}, sample_.features[f].row_of_sample, {}};
    for (int64_t i = 0; i < sample_.num_samples(); ++i) {
      group.bytes.push_back(int64_t{sample_.features[f].length(i)} * value_bytes_[f]);
    }
    return folded(std::move(group));
  }

  ExactGroup join(const ExactGroup& a, const ExactGroup& b) const {
    ExactGroup joined{a.features, join_rows(a.rows, b.rows), a.bytes};
    joined.features.insert(joined.features.end(), b.features.begin(), b.features.end());
    for (size_t i = 0; i < b.bytes.size(); ++i) joined.bytes[i] += b.bytes[i];
    return folded(std::move(joined));
  }

  static bool change_together(const ExactGroup& a, const ExactGroup& b, const ExactGroup& joined) {
    const auto most = static_cast<double>(std::max(a.unique, b.unique));
    return static_cast<double>(joined.unique) <= kHardlyMore * most;
  }

  void join_pairs(std::vector<ExactGroup>& groups) const {
    for (size_t i = 0; i < groups.size(); ++i) {
      for (size_t k = i + 1; k < groups.size();) {
        ExactGroup joined = join(groups[i], groups[k]);
        if (joined.cost >= groups[i].cost + groups[k].cost ||
            !change_together(groups[i], groups[k], joined)) {
          ++k;
          continue;
        }
        groups[i] = std::move(joined);
        groups.erase(groups.begin() + static_cast<std::ptrdiff_t>(k));
      }
    }
  }

  // Into the first group whose rows it hardly adds to: a ref is there already.
  void join_small(int f, std::vector<ExactGroup>& groups) {
    for (ExactGroup& group : groups) {
      ExactGroup joined = join(group, alone(f));
      if (joined.cost >= group.cost + static_cast<double>(bytes_[f])) continue;
      group = std::move(joined);
      chosen_.left[f].clear();
      return;
    }
  }

  const SessionSample& sample_;
  const std::vector<std::optional<ColumnKind>>& kinds_;
  const Chunks row_groups_;
  std::vector<int> value_bytes_;  // [features]
  std::vector<int64_t> bytes_;    // [features] over all samples
  Grouping chosen_;
};

}  // namespace

double unchanged_share(const SessionSample& sample, const std::vector<int32_t>& rows) {
  int64_t unchanged = 0, neighbours = 0;
  for (size_t i = 1; i < rows.size(); ++i) {
    if (sample.session[i] != sample.session[i - 1]) continue;
    ++neighbours;
    unchanged += rows[i] == rows[i - 1];
  }
  return neighbours == 0 ? 0 : static_cast<double>(unchanged) / static_cast<double>(neighbours);
}

Grouping group_features(const SessionSample& sample,
                        const std::vector<std::optional<ColumnKind>>& kinds) {
  return Grouper(sample, kinds).group();
}

}  // namespace onefold
