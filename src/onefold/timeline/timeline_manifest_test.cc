// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/timeline_manifest.h"

#include <fstream>
#include <limits>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "onefold/timeline/test_timelines.h"

namespace onefold {
namespace {

TimelineManifest example() {
  TimelineManifest manifest;
  manifest.version = {.id = "abc", .generation = 3};
  manifest.range_events = 1000;
  manifest.range_starts[0] = {std::numeric_limits<int64_t>::min(), -10, 10};
  manifest.max_events = {35000, 35000};
  manifest.vocabularies.action = Vocabulary::make({"like", "view"}).value();
  manifest.mapping = "[columns]\n";
  manifest.num_users = 2;
  manifest.num_events = {5, 6};
  manifest.parts.push_back({.path = "explicit/g000003-00000.parquet",
                            .timeline = TimelineKind::kExplicit,
                            .generation = 3,
                            .num_users = 2,
                            .num_events = 5,
                            .bytes = 100,
                            .xxh3 = "00",
                            .first_user = -9,
                            .last_user = 9,
                            .oldest_time_us = 1,
                            .newest_time_us = 2});
  manifest.changes.push_back({.generation = 3, .path = "changes/g000003.parquet", .num_users = 1});
  IntakeReport report{.rows_read = 9, .events_read = 9};
  report.drops[DropReason::kOverCap] = 4;
  report.blanked[static_cast<int>(EventColumn::kAuthor)] = 2;
  manifest.history.push_back({.generation = 3, .kind = "append", .report = report});
  return manifest;
}

TEST(TimelineManifest, RoundTrip) {
  const nlohmann::json json = to_json(example());
  const auto read = timeline_manifest_from_json(nlohmann::json::parse(json.dump()));
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(to_json(*read), json);
  EXPECT_EQ(read->parts_of(TimelineKind::kExplicit, 1), (std::vector<int>{0}));
  EXPECT_TRUE(read->parts_of(TimelineKind::kImplicit, 1).empty());
  EXPECT_EQ(read->history[0].report, example().history[0].report);
}

TEST(TimelineManifest, RefusesWhatItDoesNotKnow) {
  nlohmann::json json = to_json(example());
  json["format_version"] = kTimelineFormatVersion + 1;
  EXPECT_EQ(timeline_manifest_from_json(json).status().code(), StatusCode::kUnsupported);
  json = to_json(example());
  json["parts"][0]["last_user"] = 10;  // of the next range
  EXPECT_EQ(timeline_manifest_from_json(json).status().code(), StatusCode::kSchema);
  json = to_json(example());
  json["range_starts"]["explicit"] = {5, 4};
  EXPECT_EQ(timeline_manifest_from_json(json).status().code(), StatusCode::kSchema);
  json = to_json(example());
  json["vocabularies"]["action"] = {"like", "like"};
  EXPECT_FALSE(timeline_manifest_from_json(json).ok());
  // Numbers that are no integers of 64 bits: converting them would be undefined, or wrap.
  const std::vector<nlohmann::json> numbers = {-9.3e18, 0.5, ~uint64_t{0}};
  for (const char* key : {"num_users", "newest_time_us", "generation", "format_version"}) {
    for (const nlohmann::json& number : numbers) {
      json = to_json(example());
      json[key] = number;
      EXPECT_EQ(timeline_manifest_from_json(json).status().code(), StatusCode::kSchema) << key;
    }
  }
  json = to_json(example());
  json["range_starts"]["explicit"] = {-9.3e18};
  EXPECT_EQ(timeline_manifest_from_json(json).status().code(), StatusCode::kSchema);
  // Every field is needed.
  const nlohmann::json good = to_json(example());
  for (const auto& [key, value] : good.items()) {
    json = good;
    json.erase(key);
    EXPECT_EQ(timeline_manifest_from_json(json).status().code(), StatusCode::kSchema) << key;
  }
}

TEST(TimelineManifest, DirectoriesThatAreNoTimelines) {
  const std::string directory = fresh_directory("t");
  EXPECT_EQ(read_timeline_manifest(directory).status().code(), StatusCode::kNotFound);
  std::ofstream(directory + "/_timeline.json") << "{ \"format\": ";
  EXPECT_EQ(read_timeline_manifest(directory).status().code(), StatusCode::kDataLoss);
}

TEST(TimelineManifest, Ranges) {
  TimelineManifest manifest;
  manifest.range_starts[1] = {std::numeric_limits<int64_t>::min(), 0, 100};
  EXPECT_EQ(manifest.num_ranges(TimelineKind::kExplicit), 0);
  EXPECT_EQ(manifest.range_of(TimelineKind::kImplicit, -5), 0);
  EXPECT_EQ(manifest.range_of(TimelineKind::kImplicit, 0), 1);
  EXPECT_EQ(manifest.range_of(TimelineKind::kImplicit, 99), 1);
  EXPECT_EQ(manifest.range_of(TimelineKind::kImplicit, 1000), 2);
}

}  // namespace
}  // namespace onefold
