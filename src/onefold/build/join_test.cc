// SPDX-License-Identifier: Apache-2.0
#include "onefold/build/join.h"

#include <algorithm>
#include <limits>

#include "onefold/build/test_logs.h"

namespace onefold {
namespace {

constexpr int64_t kHour = int64_t{3600} * 1000000;
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// One request at time 0 and its events.
class Joined {
 public:
  Joined(std::vector<LabelSpec> specs, const std::vector<int64_t>& items,
         const std::vector<EventSpec>& events)
      : actions_(std::move(specs)),
        join_((number_actions(events), actions_), kHour),
        labels(items.size() * actions_.labels().size()) {
    std::vector<RequestEvent> sorted;
    for (const EventSpec& event : events) {
      sorted.push_back({event.item, event.time_us, actions_.index_of(event.action), event.value});
    }
    std::stable_sort(
        sorted.begin(), sorted.end(),
        [](const RequestEvent& a, const RequestEvent& b) { return a.item_id < b.item_id; });
    join_.join(0, items, sorted, labels);
  }

  const EventJoin& join() const { return join_; }

 private:
  void number_actions(const std::vector<EventSpec>& events) {
    for (const EventSpec& event : events) actions_.index_of(event.action);
  }

  LabelActions actions_;
  EventJoin join_;

 public:
  std::vector<float> labels;
};

TEST(EventJoinTest, LabelsOfTheHeaderExample) {
  const Joined joined(
      {{"click", "click", false}, {"seconds", "watch", true}}, {10, 11, 12},
      {{7, 11, 1, "click", kNaN}, {7, 11, 2, "watch", 3.5f}, {7, 11, 3, "watch", 2}});
  EXPECT_EQ(joined.labels, (std::vector<float>{0, 0, 1, 5.5f, 0, 0}));
  EXPECT_EQ(joined.join().num_orphans(), 0);
}

TEST(EventJoinTest, TwoClicksAreOnePositiveAndAnItemShownTwiceIsPositiveTwice) {
  const Joined joined({{"click", "click", false}}, {5, 6, 5},
                      {{1, 5, 0, "click", 1}, {1, 5, 0, "click", 1}});
  EXPECT_EQ(joined.labels, (std::vector<float>{1, 0, 1}));
  EXPECT_EQ(joined.join().num_orphans(), 0);
  EXPECT_EQ(joined.join().label_events(), std::vector<int64_t>{2});
}

TEST(EventJoinTest, EventsOnOtherItemsAreOrphans) {
  const Joined joined({{"click", "click", false}}, {5},
                      {{1, 5, 0, "click", 1}, {1, 9, 0, "click", 1}});
  EXPECT_EQ(joined.labels, std::vector<float>{1});
  EXPECT_EQ(joined.join().num_orphans(), 1);
  EXPECT_EQ(joined.join().label_events(), std::vector<int64_t>{1});
}

TEST(EventJoinTest, ActionsWithoutALabelAndValuesThatAreMissing) {
  const Joined joined({{"seconds", "watch", true}}, {5},
                      {{1, 5, 0, "click", 8}, {1, 5, 0, "watch", kNaN}, {1, 5, 0, "watch", 2}});
  EXPECT_EQ(joined.labels, std::vector<float>{2});
  EXPECT_EQ(joined.join().num_orphans(), 0);
}

TEST(EventJoinTest, OneActionMayMakeSeveralLabels) {
  const Joined joined({{"watched", "watch", false}, {"seconds", "watch", true}}, {5},
                      {{1, 5, 0, "watch", 0.25f}});
  EXPECT_EQ(joined.labels, (std::vector<float>{1, 0.25f}));
}

TEST(EventJoinTest, LateAndEarlyEventsAreCountedAndLabelAllTheSame) {
  const Joined joined(
      {{"click", "click", false}}, {5, 6, 7},
      {{1, 5, kHour, "click", 1}, {1, 6, kHour + 1, "click", 1}, {1, 7, -1, "click", 1}});
  EXPECT_EQ(joined.labels, (std::vector<float>{1, 1, 1}));
  EXPECT_EQ(joined.join().num_late(), 1);
  EXPECT_EQ(joined.join().num_early(), 1);
}

TEST(EventJoinTest, NoEventsNoLabels) {
  EXPECT_TRUE(Joined({}, {5, 6}, {}).labels.empty());
  EXPECT_EQ(Joined({{"click", "click", false}}, {5, 6}, {}).labels, (std::vector<float>{0, 0}));
}

}  // namespace
}  // namespace onefold
