// SPDX-License-Identifier: Apache-2.0
#include "onefold/table/verify_table.h"

#include <fstream>

#include "onefold/table/foreign_files.h"

namespace onefold {
namespace {

constexpr const char* kSamples = "part-00000.samples.parquet";
constexpr const char* kHistory = "part-00000.history.parquet";

class VerifyTableTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = test_path("t");
    write_table(path_, {random_batch(60, 1), random_batch(40, 2)});
  }
  // The one problem that there must be, apart from a manifest whose checksum a test took away.
  void expect_problem(const std::string& file, const std::string& mention) {
    const TableVerification report = verify_table(path_).value();
    for (const TableProblem& problem : report.problems) {
      if (problem.file == kManifestName && problem.what.find("no \"checksum\"") == 4) continue;
      EXPECT_EQ(problem.file, file) << problem.what;
      if (problem.what.find(mention) != std::string::npos) return;
    }
    ADD_FAILURE() << "nothing says '" << mention << "' of " << file << ": "
                  << to_json(report).dump();
  }

  std::string path_;
};

TEST_F(VerifyTableTest, SoundTable) {
  const TableVerification report = verify_table(path_).value();
  EXPECT_TRUE(report.problems.empty()) << to_json(report).dump();
  EXPECT_EQ(report.samples, 100);
  EXPECT_EQ(report.row_groups, 2);
  EXPECT_EQ(report.files, 3);
  EXPECT_EQ(report.unchecked_files, 0);
}

TEST_F(VerifyTableTest, PlainTable) {
  path_ = test_path("plain");
  write_table(path_, {random_batch(60, 1)}, {.layout = TableLayout::kPlain});
  EXPECT_TRUE(verify_table(path_)->problems.empty());
}

TEST_F(VerifyTableTest, NoTable) {
  EXPECT_EQ(verify_table(test_path("none")).status().code(), StatusCode::kNotFound);
}

TEST_F(VerifyTableTest, FilesThatAreMissingOrTooMany) {
  std::filesystem::copy_file(path_ + "/" + kHistory, path_ + "/old.parquet");
  expect_problem("old.parquet", "not listed");
  std::filesystem::remove(path_ + "/old.parquet");
  std::filesystem::remove(path_ + "/" + kHistory);
  expect_problem(kHistory, "missing");
}

TEST_F(VerifyTableTest, ManifestWithoutChecksum) {
  edit_manifest(path_, [](nlohmann::json&) {});
  const TableVerification report = verify_table(path_).value();
  ASSERT_EQ(report.problems.size(), 1u);
  EXPECT_EQ(report.problems[0].file, kManifestName);
}

// Another writer's: no checksums at all. They are counted, and everything else is still checked.
TEST_F(VerifyTableTest, NoChecksumsAtAll) {
  edit_manifest(path_, [](nlohmann::json& root) {
    nlohmann::json& part = root["parts"][0];
    part["samples"].erase("xxh3");
    for (nlohmann::json& group : part["groups"]) group.erase("xxh3");
  });
  const TableVerification report = verify_table(path_).value();
  EXPECT_TRUE(report.problems.empty()) << to_json(report).dump();
  EXPECT_EQ(report.unchecked_files, 4);
  EXPECT_EQ(report.samples, 100);
  edit_manifest(path_, [](nlohmann::json& root) { root["num_sessions"] = 12345; });
  expect_problem(kManifestName, "num_sessions is 12345");
}

TEST_F(VerifyTableTest, WrongCounts) {
  edit_manifest(path_, [](nlohmann::json& root) { root["num_sessions"] = 12345; });
  // Counts are checked in tables that are sound otherwise.
  const Manifest manifest = read_manifest(path_).value();
  ASSERT_TRUE(write_manifest(path_, manifest).ok());
  expect_problem(kManifestName, "num_sessions is 12345");
}

TEST_F(VerifyTableTest, RefOutsideItsRowGroup) {
  rewrite_file(path_, kSamples, [&](int i, std::shared_ptr<arrow::Table> table) {
    std::vector<int64_t> refs = int64_column(*table, "history.ref");
    if (i == 1) refs[7] = 0;
    return with_column(table, "history.ref", int64_array(refs));
  });
  expect_problem(kSamples, "sample 7: ref 0 leaves");
}

TEST_F(VerifyTableTest, UnusedRowsAreCounted) {
  rewrite_file(path_, kSamples, [&](int i, std::shared_ptr<arrow::Table> table) {
    std::vector<int64_t> refs = int64_column(*table, "history.ref");
    if (i == 0) std::fill(refs.begin(), refs.end(), 0);
    return with_column(table, "history.ref", int64_array(refs));
  });
  const int64_t rows = read_manifest(path_)->parts[0].groups[0].file.row_group_rows[0];
  EXPECT_EQ(verify_table(path_)->unused_rows, rows - 1);
}

TEST_F(VerifyTableTest, ColumnOfAnotherType) {
  rewrite_file(path_, kSamples, [&](int, std::shared_ptr<arrow::Table> table) {
    return with_column(table, "price",
                       arrow::MakeArrayOfNull(arrow::utf8(), table->num_rows()).ValueOrDie());
  });
  // Types are what reading finds, in a table that is sound otherwise.
  const Manifest manifest = read_manifest(path_).value();
  ASSERT_TRUE(write_manifest(path_, manifest).ok());
  expect_problem(kSamples, "'price'");
}

// Bytes of a file and of the manifest, each replaced by another: verify names the file. The bytes
// of small files are all taken, several times, so that there are at least 5,000 flips.
TEST(FlippedByteVerifyTest, EveryFlipIsReported) {
  const std::string path = test_path("t");
  write_table(path, {random_batch(20, 1, 4)});
  std::mt19937_64 random(1);
  int64_t flips = 0, read_noticed = 0;
  for (const std::string file : {kSamples, kHistory, kManifestName}) {
    const std::string full = path + "/" + file;
    const std::string bytes = read_file(full).value();
    std::fstream stream(full, std::ios::binary | std::ios::in | std::ios::out);
    auto put = [&](size_t i, int byte) {
      stream.seekp(static_cast<std::streamoff>(i)).put(static_cast<char>(byte)).flush();
    };
    for (int flip = 0; flip < 1700; ++flip) {
      const size_t i = random() % bytes.size();
      put(i, bytes[i] ^ static_cast<int>(1 + random() % 255));
      ++flips;
      const auto report = verify_table(path);
      ASSERT_TRUE(report.ok()) << report.status().message();
      ASSERT_FALSE(report->problems.empty()) << file << ", byte " << i << " of " << bytes.size();
      EXPECT_EQ(report->problems.front().file, file) << report->problems.front().what;
      if (file == kManifestName && !read_manifest(path).ok()) ++read_noticed;
      put(i, bytes[i]);
    }
  }
  EXPECT_GE(flips, 5000);
  // All but those in the key "checksum" itself.
  EXPECT_GT(read_noticed, 1650);
  EXPECT_TRUE(verify_table(path)->problems.empty());
}

}  // namespace
}  // namespace onefold
