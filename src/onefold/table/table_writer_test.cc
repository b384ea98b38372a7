// SPDX-License-Identifier: Apache-2.0
#include "onefold/table/table_writer.h"

#include <bit>
#include <cmath>
#include <set>

#include "onefold/base/files.h"
#include "onefold/base/hash.h"
#include "onefold/table/test_tables.h"

namespace onefold {
namespace {

namespace fs = std::filesystem;

TEST(TableWriterTest, FilesAreNamedAsSpecified) {
  const std::string folded = test_path("folded"), plain = test_path("plain");
  auto writer = TableWriter::open(folded, test_schema()).value();
  ASSERT_TRUE(writer->write("dt=2023-05-18/hr=07", random_batch(20, 1)).ok());
  ASSERT_TRUE(writer->finish().ok());
  EXPECT_EQ(
      list_files(folded).value(),
      (std::vector<std::string>{"_onefold.json", "dt=2023-05-18/hr=07/part-00000.history.parquet",
                                "dt=2023-05-18/hr=07/part-00000.profile.parquet",
                                "dt=2023-05-18/hr=07/part-00000.samples.parquet"}));
  write_table(plain, {random_batch(20, 1)}, {.layout = TableLayout::kPlain});
  EXPECT_EQ(list_files(plain).value(),
            (std::vector<std::string>{"_onefold.json", "part-00000.parquet"}));
}

TEST(TableWriterTest, ManifestTellsRowsBytesChecksumsAndStatistics) {
  const Batch batch = random_batch(100, 1);
  const std::string path = test_path("t");
  const Manifest manifest = write_table(path, {batch, random_batch(50, 2)});
  ASSERT_EQ(manifest.parts.size(), 1u);
  const TablePart& part = manifest.parts[0];
  EXPECT_EQ(part.samples.row_group_rows, (std::vector<int64_t>{100, 50}));
  EXPECT_EQ(manifest.num_samples, 150);
  std::set<int64_t> sessions(batch.session_id.begin(), batch.session_id.end());
  const Batch other = random_batch(50, 2);
  sessions.insert(other.session_id.begin(), other.session_id.end());
  EXPECT_EQ(manifest.num_sessions, static_cast<int64_t>(sessions.size()));
  for (const TableFile* file : {&part.samples, &part.groups[0].file, &part.groups[1].file}) {
    EXPECT_EQ(file->bytes, static_cast<int64_t>(file_size(path + "/" + file->path).value()));
    EXPECT_EQ(file->xxh3, hash_file(path + "/" + file->path).value());
  }
  const GroupStats& stats = manifest.group_stats.at(0);
  EXPECT_EQ(stats.group, "history");
  EXPECT_EQ(stats.samples, 150);
  EXPECT_EQ(stats.unique,
            batch.groups[0].features.num_unique() + other.groups[0].features.num_unique());
  int64_t sample_values = 0, unique_values = 0;
  for (const Batch* b : {&batch, &other}) {
    const InverseKeyedJaggedTensor& history = b->groups[0].features;
    for (const char* key : {"viewed", "dwell"}) {
      unique_values += num_values(history.unique().column(key));
      sample_values += num_values(expand(history).column(key));
    }
  }
  EXPECT_EQ(stats.unique_values, unique_values);
  EXPECT_EQ(stats.sample_values, sample_values);
}

TEST(TableWriterTest, PartsRollAndRefsAreUniqueInTheTable) {
  const std::string path = test_path("t");
  std::vector<Batch> batches;
  for (uint64_t i = 0; i < 6; ++i) batches.push_back(random_batch(100, i));
  const Manifest manifest = write_table(path, batches, {.part_rows = 200});
  ASSERT_EQ(manifest.parts.size(), 3u);
  for (int64_t p = 0; p < 3; ++p) {
    for (const GroupFile& group : manifest.parts[p].groups) EXPECT_EQ(group.first_ref, p << 32);
    EXPECT_EQ(manifest.parts[p].samples.num_rows, 200);
  }
  EXPECT_EQ(read_table(path), batches);
}

TEST(TableWriterTest, PartitionsAreSortedAndMayBeWrittenInAnyOrder) {
  const std::string path = test_path("t");
  auto writer = TableWriter::open(path, test_schema()).value();
  // More partitions than may be open at once, round after round.
  constexpr int kPartitions = 40;
  for (uint64_t round = 0; round < 2; ++round) {
    for (int p = kPartitions - 1; p >= 0; --p) {
      const std::string name = "hr=" + std::string(p < 10 ? "0" : "") + std::to_string(p);
      ASSERT_TRUE(writer->write(name, random_batch(10, p + 100 * round)).ok());
    }
  }
  const Manifest manifest = writer->finish().value();
  EXPECT_EQ(manifest.num_samples, 20 * kPartitions);
  std::set<int64_t> first_refs;
  for (size_t p = 1; p < manifest.parts.size(); ++p) {
    EXPECT_LE(manifest.parts[p - 1].partition, manifest.parts[p].partition);
  }
  for (const TablePart& part : manifest.parts) first_refs.insert(part.groups[0].first_ref);
  EXPECT_EQ(first_refs.size(), manifest.parts.size());
  const std::vector<Batch> read = read_table(path);
  ASSERT_EQ(read.size(), 2u * kPartitions);
  for (int p = 0; p < kPartitions; ++p) {
    EXPECT_EQ(read[2 * p], random_batch(10, p)) << "partition " << p;
    EXPECT_EQ(read[2 * p + 1], random_batch(10, p + 100)) << "partition " << p;
  }
}

TEST(TableWriterTest, EmptyBatchesMakeNoRowGroup) {
  const std::string path = test_path("t");
  const Manifest manifest =
      write_table(path, {random_batch(0, 1), random_batch(10, 2), random_batch(0, 3)});
  ASSERT_EQ(manifest.parts.size(), 1u);
  EXPECT_EQ(manifest.parts[0].samples.row_group_rows, std::vector<int64_t>{10});
}

TEST(TableWriterTest, EveryBitOfAFloatSurvives) {
  Batch batch = random_batch(4, 1);
  const float odd[] = {std::bit_cast<float>(0x7fc12345u), std::bit_cast<float>(0xffc00001u), -0.0f,
                       std::bit_cast<float>(0x00000001u)};
  for (int i = 0; i < 4; ++i) batch.dense.values[2 * i] = batch.labels.values[2 * i] = odd[i];
  for (const TableLayout layout : {TableLayout::kPlain, TableLayout::kFolded}) {
    const std::string path = test_path(to_string(layout));
    write_table(path, {batch}, {.layout = layout});
    const Batch read = read_table(path).at(0);
    EXPECT_EQ(read.dense, batch.dense);
    EXPECT_EQ(read.labels, batch.labels);
  }
}

TEST(TableWriterTest, AnExistingTableIsReplacedAtOnceByFinish) {
  const std::string path = test_path("t");
  write_table(path, {random_batch(30, 1)});
  auto writer = TableWriter::open(path, test_schema(), {.layout = TableLayout::kPlain}).value();
  ASSERT_TRUE(writer->write("p=1", random_batch(20, 2)).ok());
  EXPECT_EQ(read_table(path).at(0), random_batch(30, 1));  // the old table, until
  ASSERT_TRUE(writer->finish().ok());
  EXPECT_EQ(unfolded(read_table(path).at(0)), unfolded(random_batch(20, 2)));
  EXPECT_EQ(list_files(path).value(),
            (std::vector<std::string>{"_onefold.json", "p=1/part-00000.parquet"}));
}

TEST(TableWriterTest, WhatIsNotATableIsNeverOverwritten) {
  const std::string directory = test_path("thesis"), file = test_path("file");
  fs::create_directories(directory);
  ASSERT_TRUE(write_file_atomic(directory + "/chapter1.tex", "x").ok());
  ASSERT_TRUE(write_file_atomic(file, "x").ok());
  for (const std::string& path : {directory, file}) {
    const auto writer = TableWriter::open(path, test_schema());
    ASSERT_FALSE(writer.ok());
    EXPECT_EQ(writer.status().code(), StatusCode::kInvalidArgument);
    EXPECT_NE(writer.status().message().find(path), std::string::npos);
  }
  EXPECT_EQ(read_file(directory + "/chapter1.tex").value(), "x");
  EXPECT_EQ(read_file(file).value(), "x");

  const std::string empty = test_path("empty");
  fs::create_directories(empty);
  write_table(empty, {random_batch(10, 1)});
  EXPECT_EQ(read_table(empty).size(), 1u);
}

TEST(TableWriterTest, WithoutFinishNothingIsLeft) {
  const std::string path = test_path("t");
  {
    auto writer = TableWriter::open(path, test_schema()).value();
    ASSERT_TRUE(writer->write("", random_batch(10, 1)).ok());
  }
  EXPECT_FALSE(path_exists(path));
  for (const auto& entry : fs::directory_iterator(fs::path(path).parent_path())) {
    EXPECT_EQ(entry.path().string().find(path), std::string::npos) << entry.path();
  }
}

TEST(TableWriterTest, NamesThatCannotBeColumnsOrFilesAreRefused) {
  for (const char* name : {"ref", "a/b", "samples", "a.b"}) {
    Schema schema = test_schema();
    schema.features[7].group = name;
    const auto writer = TableWriter::open(test_path("t"), schema);
    ASSERT_FALSE(writer.ok()) << name;
    EXPECT_EQ(writer.status().code(), StatusCode::kSchema) << name;
  }
}

TEST(TableWriterTest, PartsWithoutRowsOrWithMoreThanRefsAreRefused) {
  for (const int64_t part_rows : {int64_t{0}, int64_t{-1}, int64_t{1} << 32}) {
    const auto writer = TableWriter::open(test_path("t"), test_schema(), {.part_rows = part_rows});
    ASSERT_FALSE(writer.ok());
    EXPECT_EQ(writer.status().code(), StatusCode::kInvalidArgument);
  }
}

TEST(TableWriterTest, TheSameBatchesGiveTheSameBytes) {
  const std::string a = test_path("a"), b = test_path("b");
  const std::vector<Batch> batches = {random_batch(100, 1), random_batch(2000, 2)};
  write_table(a, batches);
  write_table(b, batches);
  const std::vector<std::string> files = list_files(a).value();
  ASSERT_EQ(files, list_files(b).value());
  for (const std::string& file : files) {
    EXPECT_EQ(read_file(a + "/" + file).value(), read_file(b + "/" + file).value()) << file;
  }
}

}  // namespace
}  // namespace onefold
