// SPDX-License-Identifier: Apache-2.0
#include "onefold/inspect/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <tuple>
#include <utility>

#include "onefold/base/hash.h"
#include "onefold/inspect/distinct_set.h"

namespace onefold {
namespace {

using Order = std::vector<uint32_t>;  // [N] samples

double ratio(int64_t part, int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

template <typename Less>
Order order_by(int64_t num_samples, const Less& less) {
  Order order(num_samples);
  std::iota(order.begin(), order.end(), 0);
  if (!std::is_sorted(order.begin(), order.end(), less)) {  // tables are, by session
    std::stable_sort(order.begin(), order.end(), less);
  }
  return order;
}

Order session_order(const Observations& o) {
  return order_by(o.num_samples(), [&](uint32_t a, uint32_t b) {
    if (o.session[a] != o.session[b]) return o.session[a] < o.session[b];
    return !o.time.empty() && o.time[a] < o.time[b];
  });
}

Order arrival_order(const Observations& o) {
  return order_by(o.num_samples(),
                  [&](uint32_t a, uint32_t b) { return !o.time.empty() && o.time[a] < o.time[b]; });
}

// Samples per distinct key, counted within batches; 1 where there are no samples.
template <typename KeyOf>
double samples_per_distinct(const Order& order, int64_t batch_size, const KeyOf& key_of) {
  DistinctSet batch;
  int64_t distinct = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    if (i % batch_size == 0) batch.clear();
    distinct += batch.insert(key_of(order[i]));
  }
  return distinct == 0 ? 1 : ratio(static_cast<int64_t>(order.size()), distinct);
}

double samples_of_session(const Observations& o, const Order& order, int64_t batch_size) {
  return samples_per_distinct(order, batch_size, [&](uint32_t sample) {
    return hash64(static_cast<int64_t>(o.session[sample]));
  });
}

double feature_fold_factor(const GroupObservations& group, const std::vector<uint64_t>& row_hash,
                           const Order& order, int64_t batch_size) {
  return samples_per_distinct(order, batch_size,
                              [&](uint32_t sample) { return row_hash[group.row(sample)]; });
}

// Of neighbouring samples of a session, the share with equal values.
double unchanged_share(const Observations& o, const GroupObservations& group,
                       const std::vector<uint64_t>& row_hash, const Order& by_session) {
  int64_t unchanged = 0, neighbours = 0;
  for (size_t i = 1; i < by_session.size(); ++i) {
    const uint32_t before = by_session[i - 1], sample = by_session[i];
    if (o.session[before] != o.session[sample]) continue;
    ++neighbours;
    unchanged += row_hash[group.row(before)] == row_hash[group.row(sample)];
  }
  return ratio(unchanged, neighbours);
}

std::vector<uint64_t> whole_row_hash(const GroupObservations& group) {
  std::vector<uint64_t> hashes(group.num_rows, 0);
  for (const FeatureObservations& feature : group.features) {
    for (int64_t row = 0; row < group.num_rows; ++row) {
      hashes[row] = hash64(static_cast<int64_t>(feature.row_hash[row]), hashes[row]);
    }
  }
  return hashes;
}

void count_sessions(const Observations& o, InspectReport& report) {
  std::vector<int64_t> sizes(o.num_sessions, 0);
  for (uint32_t session : o.session) ++sizes[session];
  if (sizes.empty()) return;
  std::sort(sizes.begin(), sizes.end());
  auto nearest_rank = [&](double share) {
    const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(sizes.size())));
    return sizes[std::max<size_t>(rank, 1) - 1];
  };
  report.samples_per_session = {ratio(o.num_samples(), o.num_sessions), nearest_rank(0.50),
                                nearest_rank(0.99), sizes.back()};
}

}  // namespace

double predicted_fold_factor(double samples_per_session, double unchanged) {
  if (samples_per_session < 1) return 1;
  return 1 / (1 - (samples_per_session - 1) / samples_per_session * unchanged);
}

InspectReport summarize(const Observations& o, int64_t batch_size) {
  InspectReport report;
  report.samples = o.num_samples();
  report.sessions = o.num_sessions;
  if (o.num_users >= 0) report.users = o.num_users;
  for (int64_t positives : o.positives) report.labels.push_back({"", positives});
  count_sessions(o, report);
  report.has_time = !o.time.empty();
  report.out_of_order = o.num_out_of_order;
  report.batch_size = batch_size;
  const Order by_session = session_order(o), by_arrival = arrival_order(o);
  report.session_order_samples = samples_of_session(o, by_session, batch_size);
  report.arrival_order_samples = samples_of_session(o, by_arrival, batch_size);
  for (const GroupObservations& group : o.groups) {
    int64_t sample_values = 0, row_values = 0;
    for (const FeatureObservations& f : group.features) {
      FeatureReport feature;
      feature.name = f.feature.name;
      feature.kind = f.feature.kind;
      feature.group = group.name;
      feature.mean_length = ratio(f.sample_values, report.samples);
      feature.exact_duplicates = ratio(f.exact_duplicates, report.samples);
      feature.partial_duplicates = ratio(f.covered_values, f.sample_values);
      feature.unchanged = unchanged_share(o, group, f.row_hash, by_session);
      feature.session_order = {
          feature_fold_factor(group, f.row_hash, by_session, batch_size),
          predicted_fold_factor(report.session_order_samples, feature.unchanged)};
      feature.arrival_order = {
          feature_fold_factor(group, f.row_hash, by_arrival, batch_size),
          predicted_fold_factor(report.arrival_order_samples, feature.unchanged)};
      report.features.push_back(std::move(feature));
      report.forgot_sessions |= f.forgot_sessions;
      sample_values += f.sample_values;
      row_values += f.row_values;
    }
    if (group.name.empty()) continue;
    const std::vector<uint64_t> row_hash = whole_row_hash(group);
    report.groups.push_back({group.name, group.num_rows, sample_values, row_values,
                             feature_fold_factor(group, row_hash, by_session, batch_size),
                             feature_fold_factor(group, row_hash, by_arrival, batch_size)});
  }
  return report;
}

}  // namespace onefold
