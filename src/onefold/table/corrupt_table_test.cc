// SPDX-License-Identifier: Apache-2.0
// Tables that are damaged or contradict their manifest: an error that names the file, never a
// wrong batch, never a crash.
#include <fstream>
#include <numeric>

#include "onefold/table/foreign_files.h"

namespace onefold {
namespace {

constexpr const char* kSamples = "part-00000.samples.parquet";
constexpr const char* kHistory = "part-00000.history.parquet";

void expect_error(const std::string& path, StatusCode code, const std::string& mention) {
  const Status status = read_status(path);
  EXPECT_EQ(to_string(status.code()), std::string(to_string(code))) << status.message();
  EXPECT_NE(status.message().find(mention), std::string::npos) << status.message();
}

class CorruptTableTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = test_path("t");
    write_table(path_, {random_batch(60, 1), random_batch(40, 2)});
  }
  // Replaces a file's bytes without telling the manifest.
  void damage(const std::string& file, const std::function<std::string(std::string)>& edit) {
    const std::string full = path_ + "/" + file;
    ASSERT_TRUE(write_file_atomic(full, edit(read_file(full).value())).ok());
  }
  // As above, and the manifest is told the new size, so that the Parquet reader sees the bytes.
  void damage_unnoticed(const std::string& file,
                        const std::function<std::string(std::string)>& edit) {
    damage(file, edit);
    edit_manifest(path_, [&](nlohmann::json& root) {
      nlohmann::json& part = root["parts"][0];
      for (nlohmann::json* entry : {&part["samples"], &part["groups"][0], &part["groups"][1]}) {
        if ((*entry)["path"] == file) (*entry)["bytes"] = file_size(path_ + "/" + file).value();
      }
    });
  }

  std::string path_;
};

TEST_F(CorruptTableTest, TruncatedFile) {
  for (const char* file : {kSamples, kHistory}) {
    SetUp();
    damage(file, [](std::string bytes) { return bytes.substr(0, bytes.size() - 1); });
    expect_error(path_, StatusCode::kDataLoss, file);
  }
}

TEST_F(CorruptTableTest, TruncatedFileThatTheManifestDoesNotBetray) {
  for (const double part : {0.0, 0.3, 0.9, 0.999}) {
    SetUp();
    damage_unnoticed(kHistory, [&](std::string bytes) {
      return bytes.substr(0, static_cast<size_t>(part * static_cast<double>(bytes.size())));
    });
    expect_error(path_, StatusCode::kDataLoss, kHistory);
  }
}

TEST_F(CorruptTableTest, MissingFile) {
  std::filesystem::remove(path_ + "/" + kHistory);
  expect_error(path_, StatusCode::kNotFound, kHistory);
}

TEST_F(CorruptTableTest, NotParquet) {
  damage_unnoticed(kSamples, [](std::string) { return std::string(5000, 'x'); });
  expect_error(path_, StatusCode::kDataLoss, kSamples);
}

TEST_F(CorruptTableTest, NewerFormatVersion) {
  edit_manifest(path_, [](nlohmann::json& root) { root["format_version"] = 99; });
  expect_error(path_, StatusCode::kUnsupported, "99");
}

TEST_F(CorruptTableTest, ColumnOfAnotherType) {
  const std::vector<std::pair<std::string, std::shared_ptr<arrow::DataType>>> changes = {
      {"session_id", arrow::int32()},
      {"session_id", arrow::float64()},
      {"time", arrow::int64()},
      {"time", arrow::timestamp(arrow::TimeUnit::MILLI, "UTC")},
      {"click", arrow::float64()},
      {"price", arrow::int64()},
      {"topic", arrow::uint64()},
      {"topic", arrow::list(arrow::int64())},
      {"tags", arrow::int64()},
      {"tags", arrow::list(arrow::float32())},
      {"scores", arrow::list(arrow::float64())},
      {"history.ref", arrow::int32()},
  };
  for (const auto& [column, type] : changes) {
    SetUp();
    rewrite_file(path_, kSamples, [&](int, std::shared_ptr<arrow::Table> table) {
      return with_column(table, column,
                         arrow::MakeArrayOfNull(type, table->num_rows()).ValueOrDie());
    });
    expect_error(path_, StatusCode::kSchema, kSamples);
    expect_error(path_, StatusCode::kSchema, "'" + column + "'");
  }
}

TEST_F(CorruptTableTest, MissingColumn) {
  rewrite_file(path_, kHistory, [](int, std::shared_ptr<arrow::Table> table) {
    return table->RemoveColumn(table->schema()->GetFieldIndex("dwell")).ValueOrDie();
  });
  expect_error(path_, StatusCode::kSchema, "'dwell'");
  expect_error(path_, StatusCode::kSchema, kHistory);
  EXPECT_TRUE(read_status(path_, {.columns = {"viewed", "click"}}).ok());
}

TEST_F(CorruptTableTest, NullsInAKey) {
  rewrite_file(path_, kSamples, [](int, std::shared_ptr<arrow::Table> table) {
    return with_column(table, "user_id",
                       arrow::MakeArrayOfNull(arrow::int64(), table->num_rows()).ValueOrDie());
  });
  expect_error(path_, StatusCode::kDataLoss, "'user_id'");
}

TEST_F(CorruptTableTest, RefOutsideItsRowGroup) {
  const int64_t num_rows = read_manifest(path_)->parts[0].groups[0].file.row_group_rows[0];
  for (const int64_t ref : {int64_t{-1}, num_rows, std::numeric_limits<int64_t>::min(),
                            std::numeric_limits<int64_t>::max()}) {
    SetUp();
    rewrite_file(path_, kSamples, [&](int i, std::shared_ptr<arrow::Table> table) {
      std::vector<int64_t> refs = int64_column(*table, "history.ref");
      if (i == 0) refs[7] = ref;
      return with_column(table, "history.ref", int64_array(refs));
    });
    expect_error(path_, StatusCode::kDataLoss, kSamples);
    expect_error(path_, StatusCode::kDataLoss, "sample 7");
    expect_error(path_, StatusCode::kDataLoss, std::to_string(ref));
    EXPECT_TRUE(read_status(path_, {.columns = {"country", "click"}}).ok());
  }
}

TEST_F(CorruptTableTest, PayloadRefsThatAreNotConsecutive) {
  rewrite_file(path_, kHistory, [](int, std::shared_ptr<arrow::Table> table) {
    std::vector<int64_t> refs = int64_column(*table, "ref");
    std::swap(refs[0], refs[1]);
    return with_column(table, "ref", int64_array(refs));
  });
  expect_error(path_, StatusCode::kDataLoss, kHistory);
}

TEST_F(CorruptTableTest, OtherRowsThanTheManifestSays) {
  edit_manifest(path_, [](nlohmann::json& root) {
    root["parts"][0]["groups"][0]["row_group_rows"][0] =
        root["parts"][0]["groups"][0]["row_group_rows"][0].get<int64_t>() - 1;
    root["parts"][0]["groups"][0]["num_rows"] =
        root["parts"][0]["groups"][0]["num_rows"].get<int64_t>() - 1;
  });
  expect_error(path_, StatusCode::kDataLoss, kHistory);
}

// A table of few columns, so that its bytes are soon flipped.
Schema small_schema() {
  Schema schema;
  schema.features = {{"tags", FeatureKind::kIdList, FeatureScope::kItem, ""},
                     {"viewed", FeatureKind::kIdList, FeatureScope::kUser, "history"}};
  schema.labels = {{"click", "click", false}};
  return schema;
}

Batch small_batch() {
  const Batch all = random_batch(12, 1, 6);
  Batch batch = all;
  batch.dense = {};
  batch.labels = {{"click"}, {}};
  for (int i = 0; i < 12; ++i) batch.labels.values.push_back(static_cast<float>(i % 3));
  batch.features = KeyedJaggedTensor(12);
  batch.features.add("tags", all.features.column("tags"));
  KeyedJaggedTensor viewed(all.groups[0].features.num_unique());
  viewed.add("viewed", all.groups[0].features.unique().column("viewed"));
  batch.groups = {
      {"history",
       InverseKeyedJaggedTensor::make(viewed, all.groups[0].features.inverse_indices()).value()}};
  return batch;
}

// Every byte of a small table, one bit of each: an error or the same batch. Values are guarded by
// page checksums; what is left to chance are fields of the footer that nothing reads.
TEST(FlippedByteTest, NeverAWrongBatch) {
  const std::string path = test_path("t");
  const Batch expected = small_batch();
  auto writer = TableWriter::open(path, small_schema()).value();
  ASSERT_TRUE(writer->write("", expected).ok());
  ASSERT_TRUE(writer->finish().ok());
  int64_t refused = 0, flips = 0;
  for (const char* file : {kSamples, kHistory}) {
    const std::string full = path + "/" + file;
    const std::string bytes = read_file(full).value();
    std::fstream stream(full, std::ios::binary | std::ios::in | std::ios::out);
    auto put = [&](size_t i, int byte) {
      stream.seekp(static_cast<std::streamoff>(i)).put(static_cast<char>(byte)).flush();
    };
    for (size_t i = 0; i < bytes.size(); ++i) {
      put(i, bytes[i] ^ (1 << (i % 8)));
      ++flips;
      auto reader = TableReader::open(path).value();
      const auto batch = reader->read(reader->row_groups().at(0));
      if (!batch.ok()) {
        ++refused;
        EXPECT_NE(batch.status().message().find(file), std::string::npos)
            << batch.status().message();
      } else {
        ASSERT_EQ(*batch, expected) << file << ", byte " << i << " of " << bytes.size();
      }
      put(i, bytes[i]);
    }
  }
  EXPECT_GT(refused, flips / 2);
}

}  // namespace
}  // namespace onefold
