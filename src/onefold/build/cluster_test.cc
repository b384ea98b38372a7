// SPDX-License-Identifier: Apache-2.0
#include "onefold/build/cluster.h"

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

struct Planned {
  RequestStore store;
  ClusterPlan plan;

  // Request ids of each row group.
  std::vector<std::vector<int64_t>> row_groups() const {
    std::vector<std::vector<int64_t>> all;
    for (const PlannedRowGroup& row_group : plan.row_groups) {
      std::vector<int64_t>& ids = all.emplace_back();
      for (const RowRef& ref : plan.requests_of(row_group)) ids.push_back(store.request_id(ref));
    }
    return all;
  }
};

Planned plan(const std::vector<std::vector<RequestSpec>>& blocks, const ClusterOptions& options) {
  Planned planned;
  for (const auto& block : blocks) planned.store.add(feature_records(block));
  planned.plan = plan_clusters(planned.store, options);
  return planned;
}

using Ids = std::vector<std::vector<int64_t>>;

TEST(ClusterTest, SessionOrderIsSessionThenTimeThenRequest) {
  const auto planned =
      plan({{request(2, 10, 5), request(1, 11, 9)},
            {request(1, 13, 2), request(2, 9, 5), request(1, 12, 2), request(-3, 8, 99)}},
           {.order = SampleOrder::kSession, .partition = PartitionBy::kNone});
  EXPECT_EQ(planned.row_groups(), (Ids{{8, 12, 13, 11, 9, 10}}));
  EXPECT_EQ(planned.plan.num_sessions, 3);
  EXPECT_EQ(planned.plan.num_users, 3);
}

TEST(ClusterTest, ArrivalOrderIsTimeThenRequest) {
  const auto planned =
      plan({{request(2, 10, 5), request(1, 11, 9), request(1, 12, 2)}, {request(2, 9, 5)}},
           {.order = SampleOrder::kArrival, .partition = PartitionBy::kNone});
  EXPECT_EQ(planned.row_groups(), (Ids{{12, 9, 10, 11}}));
}

TEST(ClusterTest, RowGroupsEndAtSessionBorders) {
  const std::vector<RequestSpec> requests = {request(1, 1, 0, 3),  request(1, 2, 1, 3),
                                             request(2, 3, 0, 4),  request(3, 4, 0, 1),
                                             request(4, 5, 0, 25), request(5, 6, 0, 10)};
  const auto planned = plan({requests}, {.partition = PartitionBy::kNone, .row_group_samples = 10});
  // 6 + 4 fit exactly; 1 + 25 do not; 25 alone is larger than a row group and keeps together.
  EXPECT_EQ(planned.row_groups(), (Ids{{1, 2, 3}, {4}, {5}, {6}}));
}

TEST(ClusterTest, ArrivalRowGroupsEndAtRequestBorders) {
  const auto planned = plan(
      {{request(1, 1, 0, 4), request(1, 2, 1, 4), request(1, 3, 2, 4)}},
      {.order = SampleOrder::kArrival, .partition = PartitionBy::kNone, .row_group_samples = 8});
  EXPECT_EQ(planned.row_groups(), (Ids{{1, 2}, {3}}));
}

TEST(ClusterTest, PartitionsComeInOrderAndSplitSessionsAreCounted) {
  const auto planned = plan(
      {{request(2, 1, 0), request(1, 2, kDay), request(1, 3, kDay - 1), request(3, 4, 3 * kDay)}},
      {.partition = PartitionBy::kDay});
  EXPECT_EQ(planned.row_groups(), (Ids{{3, 1}, {2}, {4}}));
  EXPECT_EQ(planned.plan.row_groups[0].period, 0);
  EXPECT_EQ(planned.plan.row_groups[1].period, 1);
  EXPECT_EQ(planned.plan.row_groups[2].period, 3);
  EXPECT_EQ(planned.plan.num_split_sessions, 1);
  EXPECT_EQ(planned.plan.num_sessions, 3);
}

TEST(ClusterTest, DuplicateAndEmptyRequestsAreLeftOutAndCounted) {
  const auto planned = plan({{request(1, 1, 7), request(1, 2, 8, 0)}, {request(1, 1, 3)}},
                            {.partition = PartitionBy::kNone});
  EXPECT_EQ(planned.row_groups(), (Ids{{1}}));
  EXPECT_EQ(planned.store.time_us(planned.plan.requests.at(0)), 7);  // the first one
  EXPECT_EQ(planned.store.num_duplicates(), 1);
  EXPECT_EQ(planned.store.num_empty(), 1);
}

TEST(ClusterTest, NothingMakesNoRowGroup) { EXPECT_TRUE(plan({}, {}).plan.row_groups.empty()); }

}  // namespace
}  // namespace onefold
