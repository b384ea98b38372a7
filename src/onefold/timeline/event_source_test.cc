// SPDX-License-Identifier: Apache-2.0
// From files and logs to events: what arrives, and what is counted instead.
#include "onefold/timeline/event_source.h"

#include <cmath>
#include <fstream>
#include <set>

#include <arrow/builder.h>
#include <arrow/io/compressed.h>
#include <arrow/io/file.h>
#include <arrow/table.h>
#include <arrow/util/compression.h>
#include <gtest/gtest.h>
#include <parquet/arrow/writer.h>

#include "onefold/log/log_writer.h"
#include "onefold/timeline/test_timelines.h"

namespace onefold {
namespace {

struct Taken {
  Status status;
  std::vector<Event> events;
  IntakeReport report;
  Vocabularies names;

  int64_t dropped(DropReason reason) const { return report.drops[reason]; }
  std::string action(size_t i) const {
    return names.action.name(events[i].at(EventColumn::kAction));
  }
};

Taken take(const std::vector<std::string>& paths, const EventMapping& mapping) {
  Taken taken;
  EventIntake intake(mapping, taken.names, taken.report, [&](const Event& event) {
    taken.events.push_back(event);
    return Status();
  });
  auto inputs = find_inputs(paths);
  EXPECT_TRUE(inputs.ok()) << inputs.status().message();
  taken.status = read_events(*inputs, mapping, taken.names, intake);
  EXPECT_EQ(taken.report.events_read,
            static_cast<int64_t>(taken.events.size()) + taken.report.drops.total());
  return taken;
}

EventMapping mapping_of(const std::string& toml, const std::string& directory = ".") {
  auto mapping = EventMapping::from_toml(toml, "test", directory);
  EXPECT_TRUE(mapping.ok()) << mapping.status().message();
  return *mapping;
}

constexpr const char* kWide = R"([columns]
user = "user"
item = "video"
time = { column = "ms", unit = "ms" }
author = "author"
surface = "tab"
watch_time = { column = "play_ms", unit = "ms" }
[action]
every_row = "impression"
flags = { is_like = "like", is_hate = "hate" }
[timelines]
explicit = ["like"]
implicit = ["impression"]
ignore = ["hate"]
)";

constexpr const char* kWideCsv =
    "user,video,ms,author,tab,play_ms,is_like,is_hate\n"
    "1,10,1000,7,feed,2500,1,0\n"    // impression and like
    "2,11,2000,,reels,-4,0,1\n"      // no author, watch time unreadable, hate ignored
    ",12,3000,7,feed,1,0,0\n"        // no user
    "3,x,3000,7,feed,1,0,0\n"        // item is no number
    "4,13,,7,feed,1,0,0\n"           // no time
    "5,14,4000,zz,feed,1,maybe,0\n"  // author and flag unreadable
    "6,15\n";                        // cut

void check_wide(const Taken& taken) {
  ASSERT_TRUE(taken.status.ok()) << taken.status.message();
  ASSERT_EQ(taken.events.size(), 4u);
  EXPECT_EQ(taken.action(0), "impression");
  EXPECT_EQ(taken.events[0].timeline, TimelineKind::kImplicit);
  EXPECT_EQ(taken.events[0].at(EventColumn::kTime), 1000000);
  EXPECT_EQ(taken.events[0].at(EventColumn::kAuthor), 7);
  EXPECT_EQ(taken.events[0].seconds(EventColumn::kWatchTime), 2.5f);
  EXPECT_EQ(taken.action(1), "like");
  EXPECT_EQ(taken.events[1].timeline, TimelineKind::kExplicit);
  EXPECT_NE(taken.events[0].at(EventColumn::kEventId), taken.events[1].at(EventColumn::kEventId));
  EXPECT_EQ(taken.events[2].at(EventColumn::kAuthor), kMissing);
  EXPECT_EQ(taken.names.surface.name(taken.events[2].at(EventColumn::kSurface)), "reels");
  EXPECT_TRUE(std::isnan(taken.events[2].seconds(EventColumn::kWatchTime)));
  EXPECT_EQ(taken.events[3].at(EventColumn::kAuthor), kMissing);
  EXPECT_EQ(taken.report.rows_read, 7);
  EXPECT_EQ(taken.dropped(DropReason::kNoUser), 1);
  EXPECT_EQ(taken.dropped(DropReason::kNoTime), 1);
  EXPECT_EQ(taken.dropped(DropReason::kIgnoredAction), 1);
  EXPECT_EQ(taken.dropped(DropReason::kUnparsable), 3);  // item, flag, cut row
  EXPECT_EQ(taken.report.blanked[static_cast<int>(EventColumn::kAuthor)], 1);
  EXPECT_EQ(taken.report.blanked[static_cast<int>(EventColumn::kWatchTime)], 1);
  EXPECT_EQ(taken.report.examples.size(), 5u);
}

void write_compressed(const std::string& path, const std::string& text,
                      arrow::Compression::type type) {
  auto codec = arrow::util::Codec::Create(type).ValueOrDie();
  auto file = arrow::io::FileOutputStream::Open(path).ValueOrDie();
  auto out = arrow::io::CompressedOutputStream::Make(codec.get(), file).ValueOrDie();
  ASSERT_TRUE(out->Write(text.data(), static_cast<int64_t>(text.size())).ok());
  ASSERT_TRUE(out->Close().ok());
  ASSERT_TRUE(file->Close().ok());
}

TEST(EventSource, WideCsvPlainAndCompressed) {
  const std::string directory = fresh_directory("in");
  std::ofstream(directory + "/a.csv") << kWideCsv;
  check_wide(take({directory}, mapping_of(kWide)));
  write_compressed(directory + "/b.csv.zst", kWideCsv, arrow::Compression::ZSTD);
  check_wide(take({directory + "/b.csv.zst"}, mapping_of(kWide)));
  write_compressed(directory + "/c.csv.gz", kWideCsv, arrow::Compression::GZIP);
  check_wide(take({directory + "/c.csv.gz"}, mapping_of(kWide)));
}

TEST(EventSource, TabsAndQuotes) {
  const std::string directory = fresh_directory("in");
  std::ofstream(directory + "/a.tsv") << "user\titem\ttime\taction\n1\t2\t3\t\"say\thi\"\n";
  const Taken taken = take({directory}, mapping_of(R"([columns]
user = "user"
item = "item"
time = "time"
[action]
column = "action"
[timelines]
other = "explicit"
)"));
  ASSERT_EQ(taken.events.size(), 1u);
  EXPECT_EQ(taken.action(0), "say\thi");
}

TEST(EventSource, MissingColumnsAreNamed) {
  const std::string directory = fresh_directory("in");
  std::ofstream(directory + "/a.csv") << "user,video,ms\n1,2,3\n";
  const Taken taken = take({directory}, mapping_of(kWide));
  EXPECT_EQ(taken.status.code(), StatusCode::kSchema);
  EXPECT_NE(taken.status.message().find("a.csv"), std::string::npos);
  EXPECT_NE(taken.status.message().find("author"), std::string::npos);
}

TEST(EventSource, RowsThatAreLeftOutAreNumberedAsInTheFile) {
  const std::string path = fresh_directory("in") + "/a.csv";
  std::ofstream(path) << "user,item,time\n1,2\n1,2,3\n1,2,noon\n1,2,4,5\n";
  const Taken taken = take({path}, mapping_of(R"([columns]
user = "user"
item = "item"
time = "time"
[action]
every_row = "view"
[timelines]
implicit = ["view"]
)"));
  EXPECT_EQ(taken.events.size(), 1u);
  EXPECT_EQ(taken.report.rows_read, 4);
  const std::set<std::string> examples(taken.report.examples.begin(), taken.report.examples.end());
  EXPECT_EQ(examples, (std::set<std::string>{path + ": row 1: 2 cells instead of 3",
                                             path + ": row 3: the time cannot be read",
                                             path + ": row 4: 4 cells instead of 3"}));
  EXPECT_EQ(find_inputs({"rows.jsonl"}).status().code(), StatusCode::kNotFound);
  const std::string other = fresh_directory("in") + "/rows.jsonl";
  std::ofstream(other) << "{}\n";
  EXPECT_EQ(find_inputs({other}).status().code(), StatusCode::kInvalidArgument);
}

TEST(EventSource, FilesNeedAMapping) {
  const std::string directory = fresh_directory("in");
  std::ofstream(directory + "/a.csv") << kWideCsv;
  const Taken taken = take({directory}, EventMapping::for_log());
  EXPECT_EQ(taken.status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(taken.status.message().find("--mapping"), std::string::npos);
  EXPECT_EQ(find_inputs({directory + "/none"}).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(find_inputs({fresh_directory("empty")}).status().code(), StatusCode::kNotFound);
}

TEST(EventSource, ParquetWithTypesOfItsOwn) {
  const std::string path = fresh_directory("in") + "/a.parquet";
  arrow::StringBuilder users;
  arrow::Int32Builder items;
  arrow::TimestampBuilder times(arrow::timestamp(arrow::TimeUnit::SECOND),
                                arrow::default_memory_pool());
  arrow::StringBuilder actions;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(users.Append("user-" + std::to_string(i % 2)).ok());
    ASSERT_TRUE(items.Append(i).ok());
    ASSERT_TRUE(times.Append(100 + i).ok());
    ASSERT_TRUE(i == 2 ? actions.AppendNull().ok() : actions.Append("like").ok());
  }
  const auto table = arrow::Table::Make(
      arrow::schema({arrow::field("uuid", arrow::utf8()), arrow::field("item", arrow::int32()),
                     arrow::field("at", arrow::timestamp(arrow::TimeUnit::SECOND)),
                     arrow::field("action", arrow::utf8())}),
      {users.Finish().ValueOrDie(), items.Finish().ValueOrDie(), times.Finish().ValueOrDie(),
       actions.Finish().ValueOrDie()});
  auto file = arrow::io::FileOutputStream::Open(path).ValueOrDie();
  ASSERT_TRUE(parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), file, 2).ok());
  ASSERT_TRUE(file->Close().ok());
  const Taken taken = take({path}, mapping_of(R"([columns]
user = { column = "uuid", hash = true }
item = "item"
time = "at"
[action]
column = "action"
[timelines]
explicit = ["like"]
)"));
  ASSERT_TRUE(taken.status.ok()) << taken.status.message();
  ASSERT_EQ(taken.events.size(), 2u);
  EXPECT_NE(taken.events[0].user_id, taken.events[1].user_id);
  EXPECT_EQ(taken.events[1].at(EventColumn::kTime), 101000000);
  EXPECT_EQ(taken.dropped(DropReason::kNoAction), 1);
}

TEST(EventSource, EventIdsFromColumnsOrFromTheEvent) {
  const std::string directory = fresh_directory("in");
  // Rows 1 and 2 differ in `commit` alone.
  std::ofstream(directory + "/a.csv") << "user,item,time,commit\n1,2,3,9\n1,2,3,8\n1,2,3,9\n";
  const std::string rest = "[action]\nevery_row = \"view\"\n[timelines]\nimplicit = [\"view\"]\n";
  const std::string columns = "[columns]\nuser = \"user\"\nitem = \"item\"\ntime = \"time\"\n";
  const auto id = [](const Taken& taken, size_t i) {
    return taken.events[i].at(EventColumn::kEventId);
  };
  const Taken derived = take({directory}, mapping_of(columns + rest));
  EXPECT_EQ(id(derived, 0), id(derived, 1));
  const Taken given = take({directory}, mapping_of(columns + "event_id = \"commit\"\n" + rest));
  EXPECT_EQ(id(given, 0), 9);
  EXPECT_EQ(id(given, 1), 8);
  const Taken both =
      take({directory}, mapping_of(columns + "event_id = [\"commit\", \"item\"]\n" + rest));
  EXPECT_NE(id(both, 0), id(both, 1));
  EXPECT_EQ(id(both, 0), id(both, 2));
}

TEST(EventSource, ItemAttributesFromAFile) {
  const std::string directory = fresh_directory("in");
  std::ofstream(directory + "/events.csv") << "user,item,time\n1,2,3\n1,5,4\n";
  std::ofstream(directory + "/videos.csv")
      << "id,who,kind,length\n2,77,photo,1500\n2,88,video,9\nx,1,video,1\n";
  const Taken taken = take({directory + "/events.csv"}, mapping_of(R"([columns]
user = "user"
item = "item"
time = "time"
[action]
every_row = "view"
[timelines]
implicit = ["view"]
[items]
path = "videos.csv"
item = "id"
author = "who"
media_type = "kind"
duration = { column = "length", unit = "ms" }
)",
                                                                   directory));
  ASSERT_TRUE(taken.status.ok()) << taken.status.message();
  ASSERT_EQ(taken.events.size(), 2u);
  EXPECT_EQ(taken.events[0].at(EventColumn::kAuthor), 77);
  EXPECT_EQ(taken.events[0].seconds(EventColumn::kDuration), 1.5f);
  EXPECT_EQ(taken.names.media_type.name(taken.events[0].at(EventColumn::kMediaType)), "photo");
  EXPECT_EQ(taken.events[1].at(EventColumn::kAuthor), kMissing);
  ASSERT_EQ(taken.report.notes.size(), 1u);  // the row of item x
}

// A log of one request with two candidates (authors 70 and 71) and three events.
void write_log(const std::string& directory) {
  Schema schema;
  schema.features = {{.name = "author", .kind = FeatureKind::kId, .scope = FeatureScope::kItem},
                     {.name = "length", .kind = FeatureKind::kDense, .scope = FeatureScope::kItem}};
  auto writer = LogWriter::open(directory, schema, {.num_shards = 1});
  ASSERT_TRUE(writer.ok()) << writer.status().message();
  FeatureRecords requests;
  requests.session_id = {1};
  requests.user_id = {5};
  requests.request_id = {100};
  requests.time_us = {1000};
  requests.user_features = KeyedJaggedTensor(1);
  requests.candidate_offsets = {0, 2};
  requests.item_id = {10, 11};
  requests.item_dense = {.names = {"length"}, .values = {30.0f, 60.0f}};
  requests.item_features = KeyedJaggedTensor(2);
  requests.item_features.add("author", JaggedTensor<int64_t>::make({70, 71}, {0, 1, 2}).value());
  ASSERT_TRUE((*writer)->append(requests).ok());
  EventRecords events;
  events.session_id = {1, 1, 1};
  events.user_id = {5, 5, 5};
  events.request_id = {100, 100, 100};
  events.item_id = {10, 11, 11};
  events.time_us = {2000, 3000, 3500};
  events.action = {"watch", "like", "rate"};
  events.value = {12.5f, NAN, 4.0f};
  ASSERT_TRUE((*writer)->append(events).ok());
  ASSERT_TRUE((*writer)->close().ok());
}

TEST(EventSource, EventLogWithItsOwnItemFeatures) {
  const std::string directory = fresh_directory("log");
  write_log(directory);
  EventMapping mapping = EventMapping::for_log();
  mapping.items = mapping_of(
                      "[timelines]\nother = \"explicit\"\n[items]\nauthor = \"author\"\n"
                      "duration = \"length\"\n")
                      .items;
  const Taken taken = take({directory}, mapping);
  ASSERT_TRUE(taken.status.ok()) << taken.status.message();
  ASSERT_EQ(taken.events.size(), 3u);
  EXPECT_EQ(taken.events[0].timeline, TimelineKind::kImplicit);
  EXPECT_EQ(taken.events[0].seconds(EventColumn::kWatchTime), 12.5f);
  EXPECT_EQ(taken.events[0].at(EventColumn::kAuthor), 70);
  EXPECT_EQ(taken.events[0].seconds(EventColumn::kDuration), 30.0f);
  EXPECT_EQ(taken.events[1].timeline, TimelineKind::kExplicit);
  EXPECT_EQ(taken.events[1].at(EventColumn::kAuthor), 71);
  // A rating is no watch time.
  EXPECT_TRUE(std::isnan(taken.events[2].seconds(EventColumn::kWatchTime)));

  mapping.items = mapping_of("[timelines]\n[items]\nauthor = \"writer\"\n").items;
  EXPECT_EQ(take({directory}, mapping).status.code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace onefold
