// SPDX-License-Identifier: Apache-2.0
#include "onefold/build/cluster.h"

#include <iterator>
#include <unordered_map>
#include <utility>

namespace onefold {
namespace {

SampleRows sample_rows(std::vector<LabelledRequest>&& requests) {
  SampleRows rows{.period = requests.front().request.key.period};
  std::unordered_map<const FeatureRecords*, int32_t> block_of;
  for (LabelledRequest& labelled : requests) {
    const RecordsPtr& records = labelled.request.records;
    const auto [it, is_new] =
        block_of.try_emplace(records.get(), static_cast<int32_t>(rows.blocks.size()));
    if (is_new) rows.blocks.push_back(records);
    const auto request = static_cast<int32_t>(rows.requests.size());
    rows.requests.push_back({it->second, labelled.request.row});
    for (const int32_t candidate : labelled.candidates) {
      rows.request_of.push_back(request);
      rows.candidates.push_back({it->second, candidate});
    }
    rows.labels.insert(rows.labels.end(), labelled.labels.begin(), labelled.labels.end());
  }
  return rows;
}

}  // namespace

Result<SampleOrder> parse_sample_order(const std::string& name) {
  if (name == "session") return SampleOrder::kSession;
  if (name == "arrival") return SampleOrder::kArrival;
  return invalid_argument("unknown order '" + name + "': expected session or arrival");
}

RequestKey request_key(const ClusterOptions& options, int64_t session_id, int64_t time_us,
                       int64_t request_id, int64_t position) {
  return {.period = period_of(time_us, options.partition),
          .cluster = options.order == SampleOrder::kSession ? session_id : 0,
          .time_us = time_us,
          .request_id = request_id,
          .position = position};
}

bool RowGroupCutter::belongs_to_unit(const RequestKey& key) const {
  if (unit_.empty()) return true;
  const RequestKey& last = unit_.requests.back().request.key;
  return options_.order == SampleOrder::kSession && last.period == key.period &&
         last.cluster == key.cluster;
}

std::optional<SampleRows> RowGroupCutter::add(LabelledRequest&& request) {
  std::optional<SampleRows> closed;
  if (!belongs_to_unit(request.request.key)) closed = close_unit();
  unit_.samples += static_cast<int64_t>(request.candidates.size());
  unit_.requests.push_back(std::move(request));
  return closed;
}

// The unit joins the row group, or the row group is complete and the unit begins the next one.
std::optional<SampleRows> RowGroupCutter::close_unit() {
  std::optional<SampleRows> closed;
  const bool fits =
      !row_group_.empty() &&
      row_group_.requests.front().request.key.period == unit_.requests.front().request.key.period &&
      row_group_.samples + unit_.samples <= options_.row_group_samples;
  if (!fits && !row_group_.empty()) {
    closed = sample_rows(std::move(row_group_.requests));
    row_group_ = {};
  }
  row_group_.samples += unit_.samples;
  std::move(unit_.requests.begin(), unit_.requests.end(), std::back_inserter(row_group_.requests));
  unit_ = {};
  return closed;
}

std::optional<SampleRows> RowGroupCutter::finish() {
  if (!unit_.empty()) {
    if (auto closed = close_unit()) return closed;
  }
  if (row_group_.empty()) return std::nullopt;
  return sample_rows(std::move(std::exchange(row_group_, {}).requests));
}

}  // namespace onefold
