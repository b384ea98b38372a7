// SPDX-License-Identifier: Apache-2.0
#include "onefold/advise/group_features.h"

#include <algorithm>
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
    std::vector<FeatureGroupChoice> exact;
    std::vector<int> small;
    for (int f : order) {
      chosen_.left[f] = why_not_foldable(f);
      if (!chosen_.left[f].empty()) continue;
      if (kinds_[f]->is_list() && merges_well({f})) {
        add_windowed(f);
      } else if (factor(f) > break_even(f)) {
        exact.push_back({{f}, false});
      } else if (factor(f) > kOneIdBreaksEven) {
        small.push_back(f);
        chosen_.left[f] = "too small: a ref is larger";
      } else {
        chosen_.left[f] = fmt::format("changes too often: factor {:.2f}, {:.2f} would pay",
                                      factor(f), break_even(f));
      }
    }
    join_pairs(exact);
    for (int f : small) join_small(f, exact);
    std::ranges::move(exact, std::back_inserter(chosen_.groups));
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

  // Bytes of unique rows and refs over the sample.
  double cost(const std::vector<int>& features) const {
    const Measured m = measure(sample_, features, value_bytes_, row_groups_, false);
    return static_cast<double>(m.stored_bytes) +
           kRefBytes * static_cast<double>(sample_.num_samples());
  }

  void join_pairs(std::vector<FeatureGroupChoice>& groups) const {
    for (size_t i = 0; i < groups.size(); ++i) {
      double own = cost(groups[i].features);
      for (size_t k = i + 1; k < groups.size();) {
        std::vector<int> joined = groups[i].features;
        joined.insert(joined.end(), groups[k].features.begin(), groups[k].features.end());
        const double together = cost(joined);
        if (together >= own + cost(groups[k].features)) {
          ++k;
          continue;
        }
        groups[i].features = std::move(joined);
        own = together;
        groups.erase(groups.begin() + static_cast<std::ptrdiff_t>(k));
      }
    }
  }

  // Into the first group whose rows it hardly adds to: a ref is there already.
  void join_small(int f, std::vector<FeatureGroupChoice>& groups) {
    for (FeatureGroupChoice& group : groups) {
      std::vector<int> joined = group.features;
      joined.push_back(f);
      if (cost(joined) >= cost(group.features) + static_cast<double>(bytes_[f])) continue;
      group.features = std::move(joined);
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
