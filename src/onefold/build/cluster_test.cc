// SPDX-License-Identifier: Apache-2.0
#include "onefold/build/cluster.h"

#include <algorithm>

#include "onefold/build/test_logs.h"

namespace onefold {
namespace {

constexpr int64_t kDay = int64_t{86400} * 1000000;

// A request with `count` candidates.
RequestSpec request(int64_t session, int64_t id, int64_t time_us, int count = 1) {
  return {.session = session,
          .user = session,
          .request = id,
          .time_us = time_us,
          .viewed = {},
          .items = std::vector<int64_t>(count, 1)};
}

// Row groups of requests, in blocks as a log has them.
std::vector<SampleRows> plan(const std::vector<std::vector<RequestSpec>>& blocks,
                             const ClusterOptions& options) {
  std::vector<SortedRequest> requests;
  for (const auto& block : blocks) {
    const auto records = std::make_shared<const FeatureRecords>(feature_records(block));
    for (int32_t row = 0; row < records->num_requests(); ++row) {
      requests.push_back(
          {request_key(options, records->session_id[row], records->time_us[row],
                       records->request_id[row], static_cast<int64_t>(requests.size())),
           records, row});
    }
  }
  std::sort(requests.begin(), requests.end(),
            [](const SortedRequest& a, const SortedRequest& b) { return a.key < b.key; });
  RowGroupCutter cutter(options);
  std::vector<SampleRows> row_groups;
  for (const SortedRequest& request : requests) {
    std::vector<int32_t> candidates;
    for (int32_t c = request.records->candidate_offsets[request.row];
         c < request.records->candidate_offsets[request.row + 1]; ++c) {
      candidates.push_back(c);
    }
    if (auto rows = cutter.add({request, candidates, {}})) row_groups.push_back(*std::move(rows));
  }
  while (auto rows = cutter.finish()) row_groups.push_back(*std::move(rows));
  return row_groups;
}

// Request ids of each row group.
std::vector<std::vector<int64_t>> ids(const std::vector<SampleRows>& row_groups) {
  std::vector<std::vector<int64_t>> all;
  for (const SampleRows& rows : row_groups) {
    std::vector<int64_t>& ids = all.emplace_back();
    for (const RowRef& ref : rows.requests) ids.push_back(rows.request_id(ref));
  }
  return all;
}

using Ids = std::vector<std::vector<int64_t>>;

TEST(ClusterTest, SessionOrderIsSessionThenTimeThenRequest) {
  const auto planned =
      plan({{request(2, 10, 5), request(1, 11, 9)},
            {request(1, 13, 2), request(2, 9, 5), request(1, 12, 2), request(-3, 8, 99)}},
           {.order = SampleOrder::kSession, .partition = PartitionBy::kNone});
  EXPECT_EQ(ids(planned), (Ids{{8, 12, 13, 11, 9, 10}}));
}

TEST(ClusterTest, ArrivalOrderIsTimeThenRequest) {
  const auto planned =
      plan({{request(2, 10, 5), request(1, 11, 9), request(1, 12, 2)}, {request(2, 9, 5)}},
           {.order = SampleOrder::kArrival, .partition = PartitionBy::kNone});
  EXPECT_EQ(ids(planned), (Ids{{12, 9, 10, 11}}));
}

TEST(ClusterTest, RowGroupsEndAtSessionBorders) {
  const std::vector<RequestSpec> requests = {request(1, 1, 0, 3),  request(1, 2, 1, 3),
                                             request(2, 3, 0, 4),  request(3, 4, 0, 1),
                                             request(4, 5, 0, 25), request(5, 6, 0, 10)};
  const auto planned = plan({requests}, {.partition = PartitionBy::kNone, .row_group_samples = 10});
  // 6 + 4 fit exactly; 1 + 25 do not; 25 alone is larger than a row group and keeps together.
  EXPECT_EQ(ids(planned), (Ids{{1, 2, 3}, {4}, {5}, {6}}));
}

TEST(ClusterTest, ArrivalRowGroupsEndAtRequestBorders) {
  const auto planned = plan(
      {{request(1, 1, 0, 4), request(1, 2, 1, 4), request(1, 3, 2, 4)}},
      {.order = SampleOrder::kArrival, .partition = PartitionBy::kNone, .row_group_samples = 8});
  EXPECT_EQ(ids(planned), (Ids{{1, 2}, {3}}));
}

TEST(ClusterTest, PartitionsComeInOrder) {
  const auto planned = plan(
      {{request(2, 1, 0), request(1, 2, kDay), request(1, 3, kDay - 1), request(3, 4, 3 * kDay)}},
      {.partition = PartitionBy::kDay});
  EXPECT_EQ(ids(planned), (Ids{{3, 1}, {2}, {4}}));
  EXPECT_EQ(planned[0].period, 0);
  EXPECT_EQ(planned[1].period, 1);
  EXPECT_EQ(planned[2].period, 3);
}

TEST(ClusterTest, SamplesFollowTheirRequests) {
  const auto planned =
      plan({{request(2, 1, 0, 2), request(1, 2, 0, 3)}}, {.partition = PartitionBy::kNone});
  ASSERT_EQ(planned.size(), 1u);
  EXPECT_EQ(planned[0].request_of, (std::vector<int32_t>{0, 0, 0, 1, 1}));
  EXPECT_EQ(planned[0].candidates.at(0).row, 2);  // the first two are of request 1
  EXPECT_EQ(planned[0].blocks.size(), 1u);
}

TEST(ClusterTest, NothingMakesNoRowGroup) { EXPECT_TRUE(plan({}, {}).empty()); }

}  // namespace
}  // namespace onefold
