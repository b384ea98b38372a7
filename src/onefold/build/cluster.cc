// SPDX-License-Identifier: Apache-2.0
#include "onefold/build/cluster.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

namespace onefold {
namespace {

// What requests are sorted by, gathered once so that comparing does not touch the records.
struct SortKey {
  int64_t period, session, time_us, request_id;
  RowRef ref;
};

std::vector<SortKey> sorted_keys(const RequestStore& store, const ClusterOptions& options) {
  std::vector<SortKey> keys;
  keys.reserve(store.requests().size());
  for (const RowRef& ref : store.requests()) {
    keys.push_back({.period = period_of(store.time_us(ref), options.partition),
                    .session = store.session_id(ref),
                    .time_us = store.time_us(ref),
                    .request_id = store.request_id(ref),
                    .ref = ref});
  }
  // Request ids are unique, so the order is total and a build repeats exactly.
  const bool by_session = options.order == SampleOrder::kSession;
  std::sort(keys.begin(), keys.end(), [by_session](const SortKey& a, const SortKey& b) {
    const int64_t a_session = by_session ? a.session : 0, b_session = by_session ? b.session : 0;
    return std::tie(a.period, a_session, a.time_us, a.request_id) <
           std::tie(b.period, b_session, b.time_us, b.request_id);
  });
  return keys;
}

// Whether request `b` may not be cut off from `a`, the one before it.
bool inseparable(const SortKey& a, const SortKey& b, SampleOrder order) {
  return order == SampleOrder::kSession && a.period == b.period && a.session == b.session;
}

void plan_row_groups(const std::vector<SortKey>& keys, const RequestStore& store,
                     const ClusterOptions& options, ClusterPlan& plan) {
  int64_t samples = 0;  // of the row group being filled
  for (size_t begin = 0, end = 0; begin < keys.size(); begin = end) {
    int64_t unit_samples = 0;
    do {
      unit_samples += store.num_candidates(keys[end++].ref);
    } while (end < keys.size() && inseparable(keys[end - 1], keys[end], options.order));
    const bool continues = !plan.row_groups.empty() &&
                           plan.row_groups.back().period == keys[begin].period &&
                           samples + unit_samples <= options.row_group_samples;
    if (!continues) {
      plan.row_groups.push_back({.period = keys[begin].period, .begin = begin, .end = begin});
      samples = 0;
    }
    plan.row_groups.back().end = end;
    samples += unit_samples;
  }
}

void count_sessions(const std::vector<SortKey>& keys, const RequestStore& store,
                    ClusterPlan& plan) {
  std::unordered_map<int64_t, int64_t> last_period;  // of each session; keys come by period
  std::unordered_set<int64_t> split, users;
  for (const SortKey& key : keys) {
    const auto [it, is_new] = last_period.try_emplace(key.session, key.period);
    if (it->second != key.period) split.insert(key.session);
    it->second = key.period;
    users.insert(store.user_id(key.ref));
  }
  plan.num_sessions = static_cast<int64_t>(last_period.size());
  plan.num_split_sessions = static_cast<int64_t>(split.size());
  plan.num_users = static_cast<int64_t>(users.size());
}

}  // namespace

Result<SampleOrder> parse_sample_order(const std::string& name) {
  if (name == "session") return SampleOrder::kSession;
  if (name == "arrival") return SampleOrder::kArrival;
  return invalid_argument("unknown order '" + name + "': expected session or arrival");
}

ClusterPlan plan_clusters(const RequestStore& store, const ClusterOptions& options) {
  ONEFOLD_CHECK(options.row_group_samples > 0, "row groups must hold samples");
  const std::vector<SortKey> keys = sorted_keys(store, options);
  ClusterPlan plan;
  plan.requests.reserve(keys.size());
  for (const SortKey& key : keys) plan.requests.push_back(key.ref);
  plan_row_groups(keys, store, options, plan);
  count_sessions(keys, store, plan);
  return plan;
}

}  // namespace onefold
