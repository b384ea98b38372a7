// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/admission.h"

#include <gtest/gtest.h>

namespace onefold {
namespace {

Event event_at(int64_t time_us, int64_t id) {
  Event event;
  event.at(EventColumn::kTime) = time_us;
  event.at(EventColumn::kEventId) = id;
  return event;
}

std::vector<EventKey> keys_of(const std::vector<Event>& events) {
  std::vector<EventKey> keys;
  for (const Event& event : events) keys.push_back(key_of(event));
  return keys;
}

using Keys = std::vector<EventKey>;

TEST(NewestEvents, KeepsTheNewestAndNoIdTwice) {
  NewestEvents newest(3);
  for (const auto& [time, id] : Keys{{1, 10}, {2, 11}, {2, 11}, {3, 12}, {4, 13}, {5, 12}}) {
    newest.push(event_at(time, id));
  }
  EXPECT_EQ(newest.duplicates(), 2);  // id 11 at once, id 12 later
  EXPECT_EQ(newest.over_cap(), 1);
  EXPECT_EQ(keys_of(newest.take()), (Keys{{2, 11}, {3, 12}, {4, 13}}));
  EXPECT_TRUE(newest.take().empty());
}

TEST(NewestEvents, CopyOfAnEventThatLeftIsNew) {
  NewestEvents newest(2);
  for (const auto& [time, id] : Keys{{1, 10}, {2, 11}, {3, 12}, {4, 10}}) {
    newest.push(event_at(time, id));
  }
  EXPECT_EQ(newest.duplicates(), 0);
  EXPECT_EQ(newest.over_cap(), 2);
  EXPECT_EQ(keys_of(newest.take()), (Keys{{3, 12}, {4, 10}}));
}

TEST(NewestEvents, ManyEventsInBoundedMemory) {
  NewestEvents newest(100);
  for (int64_t i = 0; i < 100000; ++i) newest.push(event_at(i, i));
  EXPECT_EQ(newest.over_cap(), 99900);
  const auto keys = keys_of(newest.take());
  ASSERT_EQ(keys.size(), 100u);
  EXPECT_EQ(keys.front(), (EventKey{99900, 99900}));
}

TEST(NewestEvents, CapOfZeroKeepsNothing) {
  NewestEvents newest(0);
  newest.push(event_at(1, 1));
  newest.push(event_at(2, 1));
  EXPECT_EQ(newest.over_cap(), 2);
  EXPECT_TRUE(newest.take().empty());
}

TEST(Admit, FreshIntoEmpty) {
  const Admission admission = admit({event_at(1, 1), event_at(2, 2)}, {}, 10);
  EXPECT_EQ(keys_of(admission.events), (Keys{{1, 1}, {2, 2}}));
  EXPECT_EQ(admission.num_visible, 2);
  EXPECT_EQ(admission.duplicates, 0);
  EXPECT_EQ(admission.over_cap, 0);
}

TEST(Admit, StoredIdsAreDuplicatesWhateverTheirTime) {
  const Admission admission = admit({event_at(1, 1), event_at(7, 2)}, {{5, 2}, {6, 3}}, 10);
  EXPECT_EQ(keys_of(admission.events), (Keys{{1, 1}}));
  EXPECT_EQ(admission.duplicates, 1);
  EXPECT_EQ(admission.num_visible, 3);
}

TEST(Admit, NewEventsPushOldOnesOut) {
  const Admission admission = admit({event_at(8, 8), event_at(9, 9)}, {{3, 3}, {1, 1}, {2, 2}}, 3);
  EXPECT_EQ(keys_of(admission.events), (Keys{{8, 8}, {9, 9}}));
  EXPECT_EQ(admission.over_cap, 2);  // 1 and 2
  EXPECT_EQ(admission.num_visible, 3);
}

TEST(Admit, LateEventsBelowTheCapAreNotWritten) {
  const Admission admission = admit({event_at(1, 9), event_at(5, 8)}, {{2, 2}, {3, 3}, {4, 4}}, 3);
  EXPECT_EQ(keys_of(admission.events), (Keys{{5, 8}}));
  EXPECT_EQ(admission.over_cap, 2);  // the late one, and stored 2
}

TEST(Admit, StoredEventsBelowTheCapNeitherCountNorMakeDuplicates) {
  // Of four stored, an earlier append had pushed {1, 1} and {2, 2} out.
  const Admission admission = admit({event_at(9, 1)}, {{1, 1}, {2, 2}, {3, 3}, {4, 4}}, 2);
  EXPECT_EQ(keys_of(admission.events), (Keys{{9, 1}}));
  EXPECT_EQ(admission.duplicates, 0);
  EXPECT_EQ(admission.over_cap, 1);  // {3, 3}
  EXPECT_EQ(admission.num_visible, 2);
}

TEST(Admit, TiesAreDecidedById) {
  const Admission admission = admit({event_at(5, 1), event_at(5, 9)}, {{5, 5}}, 2);
  EXPECT_EQ(keys_of(admission.events), (Keys{{5, 9}}));
  EXPECT_EQ(admission.over_cap, 1);
}

}  // namespace
}  // namespace onefold
