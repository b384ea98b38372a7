// SPDX-License-Identifier: Apache-2.0
#include "onefold/advise/advise.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "onefold/advise/group_features.h"
#include "onefold/advise/session_sample.h"
#include "onefold/advise/stage_costs.h"
#include "onefold/inspect/inspect.h"

namespace onefold {
namespace {

// Distinct values of the sample, about; 256 MiB.
constexpr double kMaxSampleValues = 32 << 20;

// By default as many samples as a reader shuffles at once, 4 row groups, of at least so many
// sessions: in a smaller sample every user's sessions would meet in one batch.
constexpr double kSamples = 4 * kRowGroupSamples, kSessions = 1000;

// Fewer than asked where lists are very long.
int64_t sessions_to_take(const InspectReport& report, int64_t sample_sessions) {
  const auto sessions = static_cast<double>(report.sessions);
  double values = 0, take = static_cast<double>(sample_sessions);
  for (const FeatureReport& f : report.features) {
    values += f.mean_length * (1 - f.exact_duplicates) * static_cast<double>(report.samples);
  }
  if (sample_sessions == 0) {
    take = std::max(kSessions, kSamples / std::max(1.0, report.samples_per_session.mean));
  }
  if (values > 0) take = std::min(take, kMaxSampleValues / values * sessions);
  return std::max<int64_t>(1, static_cast<int64_t>(take));
}

// What the names of a group's lists, else of its ids begin with: "history" of history_id and
// history_time; with a number where it is taken.
std::string group_name(const std::vector<std::string>& features,
                       const std::set<std::string>& taken) {
  std::string prefix = features.front();
  for (const std::string& name : features) {
    const auto end = std::ranges::mismatch(prefix, name).in1;
    prefix.erase(end, prefix.end());
  }
  if (features.size() == 1) {
    prefix += "_group";
  } else {
    prefix.erase(prefix.find_last_not_of("_0123456789") + 1);
    if (prefix.size() < 3) prefix = "user_lists";
  }
  std::string name = prefix;
  for (int number = 2; taken.contains(name); ++number) name = prefix + std::to_string(number);
  return name;
}

void add_to(StageCosts& all, const StageCosts& costs) {
  for (size_t s = 0; s < all.size(); ++s) {
    all[s].plain += costs[s].plain;
    all[s].predicted += costs[s].predicted;
    all[s].measured += costs[s].measured;
    all[s].measured_plain += costs[s].measured_plain;
  }
}

// What is known before anything is folded.
Advice describe(const InspectReport& report, const SessionSample& sample) {
  Advice advice;
  advice.path = report.path;
  advice.samples = report.samples;
  advice.sessions = report.sessions;
  advice.sampled_samples = sample.num_samples();
  advice.sampled_sessions = sample.num_sessions();
  advice.batch_size = report.batch_size;
  advice.knows_requests = !sample.request.empty();
  // A row group takes whole sessions while they fit.
  advice.row_group_samples =
      std::min(report.samples_per_session.mean, static_cast<double>(kRowGroupSamples));
  advice.batch_samples = report.session_order_samples;
  advice.arrival_samples = report.arrival_order_samples;
  for (const FeatureReport& f : report.features) {
    advice.features.push_back({.name = f.name,
                               .kind = f.kind,
                               .current_group = f.group,
                               .group = {},
                               .user_scope = false,
                               .reason = {},
                               .mean_length = f.mean_length,
                               .unchanged = f.unchanged});
  }
  return advice;
}

void add_groups(const SessionSample& sample, const InspectReport& report, Advice& advice) {
  std::vector<std::optional<ColumnKind>> kinds;
  std::vector<int> value_bytes;
  std::set<std::string> taken;
  for (const FeatureReport& f : report.features) {
    kinds.push_back(column_kind(f.kind));
    value_bytes.push_back(kinds.back() ? kinds.back()->value_bytes() : 8);
    taken.insert(f.name);
  }
  for (const auto& label : report.labels) taken.insert(label.name);
  const Grouping grouping = group_features(sample, kinds);
  const StageChunks chunks = stage_chunks(sample, advice.batch_size);
  if (chunks.requests && chunks.requests->begins.size() > 1) {
    advice.request_samples = static_cast<double>(sample.num_samples()) /
                             static_cast<double>(chunks.requests->begins.size() - 1);
  }
  for (const FeatureGroupChoice& choice : grouping.groups) {
    GroupAdvice group;
    for (int f : choice.features) group.features.push_back(report.features[f].name);
    std::vector<std::string> lists;
    for (int f : choice.features) {
      if (kinds[f]->is_list()) lists.push_back(report.features[f].name);
    }
    group.name = group_name(lists.empty() ? group.features : lists, taken);
    taken.insert(group.name);
    group.windowed = choice.windowed;
    const GroupCosts costs = group_costs(choice, sample, value_bytes, chunks, report, advice);
    group.unchanged = costs.unchanged;
    group.costs = costs.costs;
    add_to(advice.all, costs.costs);
    for (int f : choice.features) advice.features[f].group = group.name;
    advice.groups.push_back(std::move(group));
  }
  for (size_t f = 0; f < advice.features.size(); ++f) {
    advice.features[f].user_scope = grouping.user_scope[f] && advice.knows_requests;
    if (!advice.features[f].group.empty()) continue;
    advice.features[f].reason = grouping.left[f];
    add_to(advice.all, unfolded_costs(static_cast<int>(f), sample, value_bytes, report));
  }
}

}  // namespace

const char* to_string(Stage stage) {
  constexpr const char* kNames[] = {"log", "table", "reader", "lookup"};
  return kNames[static_cast<size_t>(stage)];
}

Result<Advice> advise(const std::string& path, const AdviseOptions& options) {
  if (options.sample_sessions < 0) {
    return invalid_argument("sample of " + std::to_string(options.sample_sessions) +
                            " sessions, expected at least 0");
  }
  const InspectOptions inspected{.session = options.session,
                                 .user = options.user,
                                 .time = options.time,
                                 .label = {},
                                 .request = options.request,
                                 .skip = options.skip,
                                 .batch_size = options.batch_size};
  ONEFOLD_ASSIGN_OR_RETURN(const InspectReport report, inspect(path, inspected));
  ONEFOLD_ASSIGN_OR_RETURN(const std::unique_ptr<SampleSource> source,
                           open_source(path, inspected));
  ONEFOLD_ASSIGN_OR_RETURN(
      const SessionSample sample,
      take_sessions(*source, report.sessions, sessions_to_take(report, options.sample_sessions)));
  Advice advice = describe(report, sample);
  advice.session_column = options.session;
  advice.user_column = options.user;
  add_groups(sample, report, advice);
  return advice;
}

}  // namespace onefold
