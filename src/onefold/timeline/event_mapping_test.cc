// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/event_mapping.h"

#include <gtest/gtest.h>

namespace onefold {
namespace {

constexpr const char* kColumns = R"([columns]
user = { column = "uuid", hash = true }
item = "video"
time = { column = "ms", unit = "ms" }
event_id = ["a", "b"]
)";
constexpr const char* kAction = R"([action]
every_row = "impression"
flags = { is_like = "like" }
)";
constexpr const char* kTimelines = R"([timelines]
explicit = ["like"]
implicit = ["impression"]
ignore = ["hover"]
)";

Result<EventMapping> parse(const std::string& text) {
  return EventMapping::from_toml(text, "m.toml", "/data/maps");
}

// The error of `text`, which must be an invalid argument.
std::string error_of(const std::string& text) {
  const auto mapping = parse(text);
  EXPECT_EQ(mapping.status().code(), StatusCode::kInvalidArgument) << text;
  return mapping.status().message();
}

TEST(EventMapping, ReadsEverything) {
  const auto mapping = parse(std::string(kColumns) + kAction + kTimelines + R"([items]
path = "../items.csv"
item = "id"
duration = { column = "length", unit = "ms" }
)");
  ASSERT_TRUE(mapping.ok()) << mapping.status().message();
  EXPECT_EQ(mapping->user.column, "uuid");
  EXPECT_TRUE(mapping->user.hash);
  EXPECT_EQ(mapping->source(EventColumn::kTime).unit, TimeUnit::kMillis);
  EXPECT_FALSE(mapping->source(EventColumn::kAuthor).given());
  EXPECT_EQ(mapping->event_id, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(mapping->every_row, "impression");
  ASSERT_EQ(mapping->flags.size(), 1u);
  EXPECT_EQ(mapping->flags[0].second, "like");
  EXPECT_EQ(mapping->items->path, "/data/items.csv");
  EXPECT_EQ(mapping->items->columns[static_cast<int>(EventColumn::kDuration)].unit,
            TimeUnit::kMillis);
  EXPECT_EQ(mapping->fate("like"), ActionFate::kExplicit);
  EXPECT_EQ(mapping->fate("impression"), ActionFate::kImplicit);
  EXPECT_EQ(mapping->fate("hover"), ActionFate::kIgnore);
  EXPECT_EQ(mapping->fate("other"), ActionFate::kDrop);
}

TEST(EventMapping, LogsHaveADefault) {
  const EventMapping mapping = EventMapping::for_log();
  EXPECT_EQ(mapping.fate("watch"), ActionFate::kImplicit);
  EXPECT_EQ(mapping.fate("anything"), ActionFate::kExplicit);
}

TEST(EventMapping, ErrorsNameFileLineAndKey) {
  EXPECT_EQ(error_of("[columns]\nuser = \"u\"\nitme = \"i\"\n"),
            "m.toml:3: [columns]: unknown key 'itme'; known are user, item, author, topic, time, "
            "surface, media_type, duration, watch_time, event_id");
  EXPECT_EQ(error_of("[columns]\nuser = \"u\"\nitem = \"i\"\n"),
            "m.toml:1: [columns]: 'time' is missing");
  EXPECT_EQ(error_of("[columns]\nuser = 7\n"),
            "m.toml:2: [columns]: 'user' should be a column's name, or { column = \"...\" }");
  EXPECT_EQ(error_of("[columns]\nuser = \"u\"\nitem = \"i\"\n"
                     "time = { column = \"t\", unit = \"min\" }\n"),
            "m.toml:4: [columns] time: unit 'min' should be s, ms, us, ns or iso");
  EXPECT_EQ(error_of("[columns\n").substr(0, 9), "m.toml:1:");
  EXPECT_NE(error_of(std::string(kColumns) + kTimelines).find("needs [action]"), std::string::npos);
  EXPECT_NE(error_of(std::string(kColumns) + "[action]\ncolumn = \"a\"\nevery_row = \"b\"\n")
                .find("either 'column', or"),
            std::string::npos);
  EXPECT_NE(error_of(std::string(kColumns) + kAction).find("[timelines] is missing"),
            std::string::npos);
  EXPECT_EQ(error_of("[timelines]\nexplicit = [\"a\"]\nimplicit = [\"a\"]\n"),
            "m.toml:1: [timelines]: action 'a' is listed twice");
  EXPECT_EQ(error_of("[timelines]\nother = \"both\"\n"),
            "m.toml:2: [timelines]: 'other' should be explicit, implicit, ignore or drop");
  EXPECT_NE(error_of(std::string(kTimelines) + "[items]\npath = \"x.csv\"\n").find("'path' and"),
            std::string::npos);
}

}  // namespace
}  // namespace onefold
