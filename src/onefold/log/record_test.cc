// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/record.h"

#include <gtest/gtest.h>

#include "onefold/log/random_records.h"
#include "onefold/log/record_buffer.h"

namespace onefold {
namespace {

TEST(RecordTest, EmptyRecordsFollowTheSchema) {
  const Schema schema = every_kind_schema();
  const FeatureRecords records = empty_feature_records(schema);
  check_records(records, schema);
  EXPECT_EQ(records.user_dense.names, (std::vector<std::string>{"age", "height"}));
  EXPECT_EQ(records.user_features.keys(),
            (std::vector<std::string>{"history", "dwell", "country"}));
  EXPECT_EQ(records.item_features.keys(), (std::vector<std::string>{"tag", "topic", "scores"}));
  EXPECT_EQ(records.num_requests(), 0);
}

TEST(RecordTest, RandomRecordsPassAndSpoiltOnesThrow) {
  const Schema schema = every_kind_schema();
  RandomRecords random(schema, 4);
  const FeatureRecords good = random.requests(30);
  check_records(good, schema);

  FeatureRecords bad = good;
  bad.candidate_offsets.back() += 1;
  EXPECT_THROW(check_records(bad, schema), CheckError);
  bad = good;
  bad.candidate_offsets[1] = bad.candidate_offsets[2] + 1;
  EXPECT_THROW(check_records(bad, schema), CheckError);
  bad = good;
  bad.user_dense.values.pop_back();
  EXPECT_THROW(check_records(bad, schema), CheckError);
  bad = good;
  bad.user_features = KeyedJaggedTensor(30);
  EXPECT_THROW(check_records(bad, schema), CheckError);
  Schema other = schema;
  other.features[0].kind = FeatureKind::kFloatList;
  EXPECT_THROW(check_records(good, other), CheckError);
  other = schema;
  other.features[0].kind = FeatureKind::kId;  // the lists are longer than one id
  EXPECT_THROW(check_records(good, other), CheckError);

  EventRecords events = random.events(3);
  check_records(events);
  events.value.pop_back();
  EXPECT_THROW(check_records(events), CheckError);
}

TEST(RecordTest, EventsCompareBitForBit) {
  const Schema schema = every_kind_schema();
  EventRecords a = RandomRecords(schema, 5).events(40);
  a.value[7] = std::numeric_limits<float>::quiet_NaN();
  EventRecords b = a;
  EXPECT_EQ(a, b);
  b.value[7] = 1;
  EXPECT_NE(a, b);
}

TEST(RecordTest, BufferCopiesRequestsWithTheirCandidates) {
  const Schema schema = every_kind_schema();
  const FeatureRecords records = RandomRecords(schema, 6).requests(50);
  FeatureBuffer buffer(schema);
  for (int64_t row = 0; row < 50; ++row) {
    const int64_t before = buffer.bytes();
    buffer.append(records, row);
    EXPECT_GT(buffer.bytes(), before);
  }
  EXPECT_EQ(buffer.take(), records);
  EXPECT_EQ(buffer.num_records(), 0);
  EXPECT_EQ(buffer.bytes(), 0);
  buffer.append(records, 49);
  EXPECT_EQ(buffer.take().request_id, std::vector<int64_t>{49});
}

}  // namespace
}  // namespace onefold
