// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/slice_set.h"

#include <fstream>

#include <gtest/gtest.h>

#include "onefold/timeline/slice_parser.h"
#include "onefold/timeline/test_timelines.h"

namespace onefold {
namespace {

SliceSet parse(const std::string& text) {
  auto set = SliceSet::from_toml(text, "s.toml");
  EXPECT_TRUE(set.ok()) << set.status().message();
  return set.ok() ? *set : SliceSet();
}

std::string error_of(const std::string& text) {
  const auto set = SliceSet::from_toml(text, "s.toml");
  EXPECT_EQ(set.status().code(), StatusCode::kInvalidArgument) << text;
  return set.status().message();
}

std::vector<std::string> names_of(const SliceSet& set) {
  std::vector<std::string> names;
  for (const Slice& slice : set.slices()) names.push_back(slice.name);
  return names;
}

TEST(SliceSet, CrossProductsLastAxisFastest) {
  const SliceSet set = parse(R"(
[[slice]]
name = "liked"
timeline = "explicit"
action = "like"
id = ["item", "author"]
window = ["full", "7d"]
)");
  EXPECT_EQ(names_of(set), (std::vector<std::string>{"liked.item.full", "liked.item.7d",
                                                     "liked.author.full", "liked.author.7d"}));
  EXPECT_EQ(set.slices()[3].id, EventColumn::kAuthor);
  EXPECT_EQ(set.slices()[3].window_us, int64_t{7} * 86400 * 1000000);
  EXPECT_EQ(set.table_groups(), (std::vector<std::string>{"explicit_item", "explicit_author"}));
  EXPECT_EQ(set.table_group(2), 1);
  EXPECT_EQ(set.group_id(1), EventColumn::kAuthor);
}

TEST(SliceSet, ListsAreAlternativesInnerListsAreAnyOf) {
  const SliceSet set = parse(R"(
[defaults]
timeline = "explicit"
[[slice]]
name = "a"
action = ["like", ["share", "comment"]]
)");
  ASSERT_EQ(names_of(set), (std::vector<std::string>{"a.like", "a.share+comment"}));
  EXPECT_EQ(set.slices()[1].actions, (std::vector<std::string>{"comment", "share"}));
}

TEST(SliceSet, RangesScoresAndLabels) {
  const SliceSet set = parse(R"(
[[slice]]
name = "a"
timeline = "implicit"
dwell = [{ min = 3, max = 15 }, { min = 15 }, { max = 3, label = "short" }]
[[slice]]
name = "b"
timeline = "implicit"
score = [{ gamma = 0.5, min = 0.7 }, { gamma = 1 }]
weight = "score"
)");
  EXPECT_EQ(names_of(set), (std::vector<std::string>{"a.dwell3-15", "a.dwell>=15", "a.short",
                                                     "b.score>=0.7@0.5", "b.scored@1"}));
  EXPECT_TRUE(set.slices()[0].dwell.has(3));
  EXPECT_FALSE(set.slices()[0].dwell.has(15));
  EXPECT_EQ(set.slices()[4].weight, SliceWeight::kScore);
  EXPECT_EQ(set.gammas(), (std::vector<double>{0.5, 1}));
}

TEST(SliceSet, ErrorsNameSliceAndLine) {
  const std::string head = "[[slice]]\nname = \"a\"\ntimeline = \"implicit\"\n";
  EXPECT_EQ(error_of("[[slice]]\nname = \"a\"\n"), "s.toml:1: slice 'a': 'timeline' is missing");
  EXPECT_EQ(error_of("[[slice]]\n\ntimeline = \"implicit\"\n"),
            "s.toml:1: [[slice]]: 'name' is missing");
  EXPECT_EQ(
      error_of(head + "windows = \"7d\"\n"),
      "s.toml:4: slice 'a': unknown key 'windows'; known are name, timeline, action, surface, "
      "media_type, dwell, watch_ratio, score, weight, id, window, table_group");
  EXPECT_EQ(
      error_of(head + "window = [\"full\",\n  \"7w\"]\n"),
      "s.toml:5: slice 'a': window '7w' should be full, or a number of days, hours or minutes "
      "such as 7d, 12h, 30m");
  EXPECT_EQ(error_of(head + "timeline2 = 1\n").substr(0, 20), "s.toml:4: slice 'a':");
  EXPECT_EQ(error_of(head + "id = \"user\"\n"),
            "s.toml:4: slice 'a': 'id' should be item, author or topic, not 'user'");
  EXPECT_EQ(error_of(head + "dwell = { min = 5, max = 5 }\n"),
            "s.toml:4: slice 'a': 'dwell' selects nothing: min 5 is not below max 5");
  EXPECT_EQ(error_of(head + "dwell = {}\n"),
            "s.toml:4: slice 'a': 'dwell' has neither min nor max");
  EXPECT_EQ(error_of(head + "score = { min = 1 }\n"),
            "s.toml:4: slice 'a': 'score' needs a gamma above 0");
  EXPECT_EQ(error_of(head + "weight = \"score\"\n"),
            "s.toml:4: slice 'a': weight = \"score\" needs score = { gamma = ... }");
  EXPECT_EQ(error_of(head + "action = []\n"), "s.toml:4: slice 'a': 'action' has an empty list");
  EXPECT_EQ(error_of(head + "table_group = \"{user}\"\n"),
            "s.toml:4: slice 'a': 'table_group' knows {timeline} and {id}, not {user}");
  EXPECT_EQ(error_of(head + head), "s.toml:4: slice 'a': line 1 declares this name, too");
  EXPECT_EQ(error_of(head + "[[slice]]\nname = \"b\"\ntimeline = \"implicit\"\n"),
            "s.toml:4: slice 'b': selects the same as 'a' (line 1)");
  EXPECT_EQ(
      error_of(head + "table_group = \"g\"\nid = [\"item\", \"author\"]\n"),
      "s.toml:1: slice 'a.author': table group 'g' holds author ids, but item ids of 'a.item' "
      "(line 1)");
  EXPECT_EQ(error_of("").substr(0, 9), "s.toml:1:");
  EXPECT_EQ(error_of("[[slice]\n").substr(0, 9), "s.toml:1:");
}

TEST(SliceSet, AtMost256) {
  std::string windows;
  for (int i = 1; i <= 257; ++i) windows += "\"" + std::to_string(i) + "h\", ";
  const std::string text =
      "[[slice]]\nname = \"a\"\ntimeline = \"implicit\"\nwindow = [" + windows + "]\n";
  EXPECT_EQ(error_of(text),
            "s.toml:1: slice 'a.257h': is number 257; 257 declared, at most 256 possible");
}

TEST(SliceSet, VersionFollowsMeaningNotLayout) {
  const SliceSet crossed =
      parse("[[slice]]\nname = \"a\"\ntimeline = \"explicit\"\nwindow = [\"full\", \"7d\"]\n");
  const SliceSet written = parse(R"(# the same, written out
[defaults]
timeline = "explicit"
[[slice]]
window = "full"
name   = "a.full"
[[slice]]
name   = "a.7d"
window = "168h"
)");
  EXPECT_EQ(crossed.version(), written.version());
  EXPECT_EQ(crossed.version().size(), 16u);
  // Order, names, rules and groups are meaning.
  for (const char* other :
       {"[[slice]]\nname = \"a\"\ntimeline = \"explicit\"\nwindow = [\"7d\", \"full\"]\n",
        "[[slice]]\nname = \"b\"\ntimeline = \"explicit\"\nwindow = [\"full\", \"7d\"]\n",
        "[[slice]]\nname = \"a\"\ntimeline = \"implicit\"\nwindow = [\"full\", \"7d\"]\n",
        "[[slice]]\nname = \"a\"\ntimeline = \"explicit\"\nwindow = [\"full\", \"7d\"]\n"
        "table_group = \"g\"\n"}) {
    EXPECT_NE(parse(other).version(), crossed.version()) << other;
  }
}

TEST(SliceSet, VersionsAreStable) {
  // A change here makes published models and embeddings unusable with their slices.
  EXPECT_EQ(SliceSet::load("short_video")->version(), "eb50f67d99e7430d");
}

TEST(SliceSet, RefusesToMixVersions) {
  const SliceSet set = SliceSet::load("news").value();
  EXPECT_TRUE(check_slice_version("model m", set.version(), set).ok());
  const Status status = check_slice_version("model m", "0123456789abcdef", set);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("model m was made with slices 0123456789abcdef"),
            std::string::npos);
  EXPECT_NE(status.message().find(set.version()), std::string::npos);
}

TEST(SliceSet, BuiltinSetsAreTheShippedFiles) {
  for (const std::string& name : SliceSet::builtin_names()) {
    const auto builtin = SliceSet::load(name);
    ASSERT_TRUE(builtin.ok()) << builtin.status().message();
    const auto file =
        SliceSet::load(std::string(ONEFOLD_SOURCE_DIR) + "/examples/slices/" + name + ".toml");
    ASSERT_TRUE(file.ok()) << file.status().message();
    EXPECT_EQ(builtin->version(), file->version());
  }
  EXPECT_EQ(SliceSet::load("short_video")->size(), 204);
  EXPECT_EQ(SliceSet::load("news")->size(), 81);
  const auto missing = SliceSet::load("short_vidoe");
  EXPECT_EQ(missing.status().code(), StatusCode::kNotFound);
  EXPECT_NE(missing.status().message().find("short_video, news"), std::string::npos);
}

}  // namespace
}  // namespace onefold
