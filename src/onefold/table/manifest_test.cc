// SPDX-License-Identifier: Apache-2.0
#include "onefold/table/manifest.h"

#include <functional>

#include <nlohmann/json.hpp>

#include "onefold/base/files.h"
#include "onefold/table/test_tables.h"

namespace onefold {
namespace {

using nlohmann::json;

const json& sample_manifest() {
  static const json manifest = to_json(write_table(
      test_path("sample"), {random_batch(50, 1), random_batch(70, 2)}, {.part_rows = 50}));
  return manifest;
}

TEST(ManifestTest, JsonRoundTripIsExact) {
  for (const TableLayout layout : {TableLayout::kPlain, TableLayout::kFolded}) {
    const std::string path = test_path(to_string(layout));
    const Manifest written =
        write_table(path, {random_batch(50, 1), random_batch(70, 2)}, {.layout = layout});
    const auto read = read_manifest(path);
    ASSERT_TRUE(read.ok()) << read.status().message();
    EXPECT_EQ(to_json(*read), to_json(written));
    EXPECT_EQ(read->schema, test_schema());
    EXPECT_EQ(read->layout, layout);
    EXPECT_EQ(read->num_samples, 120);
  }
}

TEST(ManifestTest, NewerVersionIsUnsupportedAndNamesBothVersions) {
  json root = sample_manifest();
  root["format_version"] = kTableFormatVersion + 1;
  root["schema"] = "of the future";  // nothing after the version is looked at
  const auto manifest = manifest_from_json(root);
  ASSERT_FALSE(manifest.ok());
  EXPECT_EQ(manifest.status().code(), StatusCode::kUnsupported);
  EXPECT_NE(manifest.status().message().find("version 3"), std::string::npos);
  EXPECT_NE(manifest.status().message().find("version 2"), std::string::npos);
}

TEST(ManifestTest, FieldsThatAreMissingMistypedOrContradictoryAreSchemaErrors) {
  const std::vector<std::pair<const char*, std::function<void(json&)>>> damages = {
      {"no format", [](json& m) { m.erase("format"); }},
      {"other format", [](json& m) { m["format"] = "iceberg"; }},
      {"no version", [](json& m) { m.erase("format_version"); }},
      {"version 0", [](json& m) { m["format_version"] = 0; }},
      {"version in words", [](json& m) { m["format_version"] = "one"; }},
      {"unknown layout", [](json& m) { m["layout"] = "crumpled"; }},
      {"no schema", [](json& m) { m.erase("schema"); }},
      {"no parts", [](json& m) { m.erase("parts"); }},
      {"parts is a number", [](json& m) { m["parts"] = 3; }},
      {"not an object", [](json& m) { m = json::array(); }},
      {"samples do not add up", [](json& m) { m["num_samples"] = 121; }},
      {"row groups do not add up", [](json& m) { m["parts"][0]["samples"]["num_rows"] = 49; }},
      {"negative rows",
       [](json& m) {
         m["parts"][0]["samples"]["row_group_rows"] = {60, -10};
       }},
      {"more rows than a row group can have",
       [](json& m) {
         m["parts"][0]["samples"]["row_group_rows"] = {int64_t{1} << 31};
         m["parts"][0]["samples"]["num_rows"] = int64_t{1} << 31;
       }},
      {"rows in halves",
       [](json& m) {
         m["parts"][0]["samples"]["row_group_rows"] = {49.5, 0.5};
       }},
      {"negative bytes", [](json& m) { m["parts"][0]["samples"]["bytes"] = -1; }},
      {"bytes beyond all integers", [](json& m) { m["parts"][0]["samples"]["bytes"] = 1e300; }},
      {"sessions that would wrap", [](json& m) { m["num_sessions"] = ~uint64_t{0}; }},
      {"version beyond int", [](json& m) { m["format_version"] = -(int64_t{1} << 40); }},
      {"refs leave 64 bits",
       [](json& m) {
         m["parts"][0]["groups"][0]["first_ref"] = std::numeric_limits<int64_t>::max();
       }},
      {"a group is missing", [](json& m) { m["parts"][0]["groups"].erase(0); }},
      {"groups in another order",
       [](json& m) { std::swap(m["parts"][0]["groups"][0], m["parts"][0]["groups"][1]); }},
      {"row groups not aligned",
       [](json& m) {
         json& payload = m["parts"][0]["groups"][0];
         payload["row_group_rows"].push_back(0);
       }},
      {"a path leads out", [](json& m) { m["parts"][0]["samples"]["path"] = "../x.parquet"; }},
      {"an absolute path", [](json& m) { m["parts"][0]["samples"]["path"] = "/x.parquet"; }},
      {"no statistics", [](json& m) { m.erase("group_stats"); }},
  };
  ASSERT_TRUE(manifest_from_json(sample_manifest()).ok());
  for (const auto& [what, damage] : damages) {
    json root = sample_manifest();
    damage(root);
    const auto manifest = manifest_from_json(root);
    ASSERT_FALSE(manifest.ok()) << what;
    EXPECT_EQ(manifest.status().code(), StatusCode::kSchema)
        << what << ": " << manifest.status().message();
  }
}

TEST(ManifestTest, MissingManifestIsNotFoundWithAdvice) {
  const std::string path = test_path("t");
  std::filesystem::create_directories(path);
  const auto manifest = read_manifest(path);
  ASSERT_FALSE(manifest.ok());
  EXPECT_EQ(manifest.status().code(), StatusCode::kNotFound);
  EXPECT_NE(manifest.status().message().find("onefold build"), std::string::npos);
}

TEST(ManifestTest, DamagedJsonIsDataLossAndNamesTheFile) {
  const std::string path = test_path("t");
  write_table(path, {random_batch(50, 1)});
  const std::string file = path + "/" + kManifestName;
  const std::string bytes = read_file(file).value();
  ASSERT_TRUE(write_file_atomic(file, bytes.substr(0, bytes.size() / 2)).ok());
  const auto manifest = read_manifest(path);
  ASSERT_FALSE(manifest.ok());
  EXPECT_EQ(manifest.status().code(), StatusCode::kDataLoss);
  EXPECT_NE(manifest.status().message().find(file), std::string::npos);
}

TEST(ManifestTest, LayoutNames) {
  EXPECT_EQ(parse_table_layout("plain").value(), TableLayout::kPlain);
  EXPECT_EQ(parse_table_layout("folded").value(), TableLayout::kFolded);
  EXPECT_EQ(parse_table_layout("Folded").status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace onefold
