// SPDX-License-Identifier: Apache-2.0
#include "onefold/inspect/inspect.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include <arrow/io/file.h>
#include <arrow/json/from_string.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <parquet/arrow/writer.h>
#include <unistd.h>

#include "onefold/base/files.h"
#include "onefold/build/build.h"
#include "onefold/jagged/fold.h"
#include "onefold/log/ebnerd.h"
#include "onefold/table/table_writer.h"

namespace onefold {
namespace {

namespace fs = std::filesystem;

// Column name, type, JSON.
using Columns = std::vector<std::tuple<std::string, std::shared_ptr<arrow::DataType>, std::string>>;

class Inspect : public testing::Test {
 protected:
  Inspect() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    directory_ = fs::path(testing::TempDir()) /
                 ("onefold_inspect_" + std::to_string(getpid()) + "_" + test->name());
    fs::remove_all(directory_);
    fs::create_directories(directory_);
  }
  ~Inspect() override { fs::remove_all(directory_); }

  std::string path(const std::string& name) const { return (directory_ / name).string(); }

  std::string write_parquet(const std::string& name, const Columns& columns) const {
    arrow::FieldVector fields;
    arrow::ArrayVector arrays;
    for (const auto& [column, type, json] : columns) {
      fields.push_back(arrow::field(column, type));
      arrays.push_back(arrow::json::ArrayFromJSONString(type, json).ValueOrDie());
    }
    const auto table = arrow::Table::Make(arrow::schema(fields), arrays);
    auto file = arrow::io::FileOutputStream::Open(path(name)).ValueOrDie();
    // Row groups of two rows: a session crosses their borders.
    EXPECT_TRUE(parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), file, 2).ok());
    EXPECT_TRUE(file->Close().ok());
    return path(name);
  }

  fs::path directory_;
};

// Sessions "a" (3 samples) and "b" (2), interleaved as they arrived; item ids shift in "a".
const Columns kClicks = {
    {"sid", arrow::utf8(), R"(["a", "b", "a", "b", "a"])"},
    {"uid", arrow::int32(), "[1, 1, 1, null, 1]"},
    {"ts", arrow::timestamp(arrow::TimeUnit::MILLI), "[1, 2, 3, 4, 5]"},
    {"clicked", arrow::boolean(), "[true, false, null, false, true]"},
    {"items", arrow::list(arrow::int32()), "[[1, 2, 3], [9], [2, 3, 4], [9], [2, 3, 4]]"},
    {"city", arrow::utf8(), R"(["x", "x", "x", null, "x"])"},
};

const FeatureReport& feature(const InspectReport& report, const std::string& name) {
  return *std::find_if(report.features.begin(), report.features.end(),
                       [&](const FeatureReport& f) { return f.name == name; });
}

TEST_F(Inspect, AnyParquetFile) {
  const std::string file = write_parquet("clicks.parquet", kClicks);
  const InspectReport report =
      inspect(file,
              {.session = "sid", .user = "uid", .time = "ts", .label = "clicked", .batch_size = 5})
          .value();
  EXPECT_EQ(report.layout, "parquet");
  EXPECT_EQ(report.samples, 5);
  EXPECT_EQ(report.sessions, 2);
  EXPECT_EQ(report.users, 1);
  EXPECT_EQ(report.positives(), 2);
  EXPECT_EQ(report.samples_per_session.max, 3);
  ASSERT_EQ(report.features.size(), 2u);
  // As in statistics_test.cc, ShiftAndInterleavedArrival.
  const FeatureReport& items = feature(report, "items");
  EXPECT_EQ(items.kind, "list<element: int32>");
  EXPECT_DOUBLE_EQ(items.mean_length, 11.0 / 5);
  EXPECT_DOUBLE_EQ(items.exact_duplicates, 2.0 / 5);
  EXPECT_DOUBLE_EQ(items.partial_duplicates, 6.0 / 11);
  EXPECT_DOUBLE_EQ(items.unchanged, 2.0 / 3);
  EXPECT_DOUBLE_EQ(items.session_order.measured, 5.0 / 3);
  // x x x in "a", then x and a missing value in "b": 2 of 5 repeat, 2 of the 4 values.
  const FeatureReport& city = feature(report, "city");
  EXPECT_DOUBLE_EQ(city.mean_length, 4.0 / 5);
  EXPECT_DOUBLE_EQ(city.exact_duplicates, 2.0 / 5);
  EXPECT_DOUBLE_EQ(city.partial_duplicates, 2.0 / 4);
  EXPECT_EQ(report.columns.size(), 6u);
  for (const StoredColumn& column : report.columns) {
    EXPECT_EQ(column.file, "parquet");
    EXPECT_GT(column.bytes, 0);
  }
}

TEST_F(Inspect, WithoutTimeTheFileIsTheOrder) {
  const std::string file = write_parquet("clicks.parquet", kClicks);
  const InspectReport report = inspect(file, {.session = "sid", .batch_size = 2}).value();
  EXPECT_FALSE(report.has_time);
  EXPECT_EQ(report.users, std::nullopt);
  EXPECT_EQ(report.positives(), std::nullopt);
  // The file is in the order of time: (a b) (a b) (a).
  EXPECT_DOUBLE_EQ(report.arrival_order_samples, 1);
  EXPECT_DOUBLE_EQ(report.session_order_samples, 5.0 / 4);
  EXPECT_DOUBLE_EQ(feature(report, "items").unchanged, 2.0 / 3);
  EXPECT_EQ(report.features.size(), 5u);  // uid, ts and clicked are features now
}

TEST_F(Inspect, DirectoryIsOneTable) {
  fs::create_directories(directory_ / "day=1");
  write_parquet("day=1/b.parquet", kClicks);
  write_parquet("a.parquet", kClicks);
  write_file_atomic(path("notes.txt"), "not Parquet").ok();
  const InspectReport report = inspect(directory_.string(), {.session = "sid"}).value();
  EXPECT_EQ(report.samples, 10);
  EXPECT_EQ(report.sessions, 2);
  // The second file repeats the first: everything but the first [1,2,3] [9] [2,3,4].
  EXPECT_DOUBLE_EQ(feature(report, "items").exact_duplicates, 7.0 / 10);
  const int64_t one_file = inspect(path("a.parquet"), {.session = "sid"}).value().columns[0].bytes;
  EXPECT_EQ(report.columns[0].bytes, 2 * one_file);
}

TEST_F(Inspect, BadInputIsOneClearError) {
  const std::string file = write_parquet("clicks.parquet", kClicks);
  auto error = [](const std::string& path, const InspectOptions& options) {
    auto report = inspect(path, options);
    return report.ok() ? Status() : report.status();
  };
  EXPECT_EQ(error(path("absent.parquet"), {.session = "sid"}).code(), StatusCode::kNotFound);

  const Status no_session = error(file, {});
  EXPECT_EQ(no_session.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(no_session.message().find("--session"), std::string::npos);
  EXPECT_NE(no_session.message().find("sid"), std::string::npos);

  const Status wrong_session = error(file, {.session = "session_id"});
  EXPECT_EQ(wrong_session.code(), StatusCode::kNotFound);
  EXPECT_NE(wrong_session.message().find("'session_id'; there are sid, uid, ts"), std::string::npos)
      << wrong_session.message();

  const Status list_session = error(file, {.session = "items"});
  EXPECT_EQ(list_session.code(), StatusCode::kSchema);
  EXPECT_NE(list_session.message().find("clicks.parquet: column 'items'"), std::string::npos);
  EXPECT_EQ(error(file, {.session = "uid"}).code(), StatusCode::kSchema);  // has nulls
  EXPECT_EQ(error(file, {.session = "sid", .time = "city"}).code(), StatusCode::kSchema);
  EXPECT_EQ(error(file, {.session = "sid", .label = "city"}).code(), StatusCode::kSchema);
  EXPECT_EQ(error(file, {.session = "sid", .batch_size = 0}).code(), StatusCode::kInvalidArgument);

  const std::string bytes = read_file(file).value();
  for (size_t size : {size_t{0}, size_t{3}, bytes.size() / 2, bytes.size() - 1}) {
    ASSERT_TRUE(write_file_atomic(path("cut.parquet"), bytes.substr(0, size)).ok());
    const Status cut = error(path("cut.parquet"), {.session = "sid"});
    EXPECT_EQ(cut.code(), StatusCode::kDataLoss) << size;
    EXPECT_NE(cut.message().find("cut.parquet"), std::string::npos);
  }

  fs::create_directories(directory_ / "empty");
  EXPECT_EQ(error(path("empty"), {.session = "sid"}).code(), StatusCode::kNotFound);

  fs::create_directories(directory_ / "mixed");
  write_parquet("mixed/a.parquet", kClicks);
  write_parquet("mixed/b.parquet", {{"sid", arrow::utf8(), R"(["a"])"}});
  const Status mixed = error(path("mixed"), {.session = "sid"});
  EXPECT_EQ(mixed.code(), StatusCode::kSchema);
  EXPECT_NE(mixed.message().find("b.parquet"), std::string::npos);
}

TEST_F(Inspect, DamagedParquetNeverCrashes) {
  const std::string bytes = read_file(write_parquet("clicks.parquet", kClicks)).value();
  for (size_t i = 0; i < bytes.size(); i += 11) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0xff);
    std::ofstream(path("damaged.parquet"), std::ios::binary) << damaged;
    (void)inspect(path("damaged.parquet"), {.session = "sid", .time = "ts"});  // any answer
  }
}

Schema click_schema() {
  Schema schema;
  schema.features = {{"items", FeatureKind::kIdList, FeatureScope::kUser, "history"},
                     {"dwell", FeatureKind::kFloatList, FeatureScope::kUser, "history"},
                     {"tag", FeatureKind::kId, FeatureScope::kItem, ""},
                     {"price", FeatureKind::kDense, FeatureScope::kItem, ""}};
  schema.labels = {{"click", "click", false}, {"buy", "buy", false}};
  return schema;
}

// Sessions 1 (3 samples; its history shifts after the first) and 2 (2 samples, no history).
Batch click_samples() {
  Batch batch;
  batch.session_id = {1, 1, 1, 2, 2};
  batch.user_id = {7, 7, 7, 7, 7};
  batch.request_id = {1, 2, 3, 4, 5};
  batch.item_id = {1, 2, 3, 4, 5};
  batch.time_us = {10, 30, 50, 20, 40};
  batch.dense = {{"price"}, {0.5f, 0.5f, NAN, 1, 2}};
  batch.labels = {{"click", "buy"}, {1, 0, 0, 0, 1, 1, 0, 0, 1, 0}};
  const std::vector<std::vector<int64_t>> items = {{1, 2, 3}, {2, 3, 4}, {2, 3, 4}, {}, {}};
  JaggedTensor<int64_t> item_rows, tags;
  JaggedTensor<float> dwell;
  for (const auto& row : items) {
    item_rows.push_row(row);
    dwell.push_row(std::vector<float>(row.begin(), row.end()));
    const std::vector<int64_t> tag = {8};
    tags.push_row(tag);
  }
  KeyedJaggedTensor history(5);
  history.add("items", std::move(item_rows));
  history.add("dwell", std::move(dwell));
  batch.groups.push_back({"history", fold(history)});
  batch.features = KeyedJaggedTensor(5);
  batch.features.add("tag", std::move(tags));
  return batch;
}

class InspectTable : public Inspect {
 protected:
  InspectReport inspect_layout(TableLayout layout, int64_t batch_size) const {
    const std::string table = path(to_string(layout));
    auto writer = TableWriter::open(table, click_schema(), {.layout = layout}).value();
    EXPECT_TRUE(writer->write("", click_samples()).ok());
    EXPECT_TRUE(writer->finish().ok());
    return inspect(table, {.batch_size = batch_size}).value();
  }
};

TEST_F(InspectTable, PositivesAreEventsWhereTheTableKnowsThem) {
  auto writer = TableWriter::open(path("counted"), click_schema(), {}).value();
  ASSERT_TRUE(writer->write("", click_samples()).ok());
  writer->set_label_events({{"click", 4}, {"buy", 1}});  // one of the 3 samples was clicked twice
  ASSERT_TRUE(writer->finish().ok());
  const InspectReport report = inspect(path("counted"), {}).value();
  EXPECT_EQ(report.positives(), 4);
  EXPECT_EQ(report.labels[0].positives, 3);
  EXPECT_EQ(report.labels[1].events, 1);
}

TEST_F(InspectTable, FoldedAndPlain) {
  for (TableLayout layout : {TableLayout::kFolded, TableLayout::kPlain}) {
    const InspectReport report = inspect_layout(layout, 2);
    EXPECT_EQ(report.layout, to_string(layout));
    EXPECT_EQ(report.samples, 5);
    EXPECT_EQ(report.sessions, 2);
    EXPECT_EQ(report.users, 1);
    EXPECT_EQ(report.positives(), 3);
    ASSERT_EQ(report.labels.size(), 2u);
    EXPECT_EQ(report.labels[1].name, "buy");
    EXPECT_EQ(report.labels[1].positives, 1);
    EXPECT_EQ(report.out_of_order, 0);
    ASSERT_EQ(report.features.size(), 4u);
    for (const char* name : {"items", "dwell"}) {
      const FeatureReport& f = feature(report, name);
      EXPECT_EQ(f.group, "history");
      EXPECT_DOUBLE_EQ(f.mean_length, 9.0 / 5);
      EXPECT_DOUBLE_EQ(f.exact_duplicates, 2.0 / 5);    // third and fifth sample
      EXPECT_DOUBLE_EQ(f.partial_duplicates, 5.0 / 9);  // 2 of the shifted list, 3, 0
      EXPECT_DOUBLE_EQ(f.unchanged, 2.0 / 3);
      // Session order (1 1) (1 2) (2): 2 + 2 + 1 rows; arrival (1 2) (1 2) (1): the same.
      EXPECT_DOUBLE_EQ(f.session_order.measured, 1);
      EXPECT_DOUBLE_EQ(f.arrival_order.measured, 1);
    }
    // price 0.5 0.5 - | 1 2: one exact duplicate of 5 samples, one of 4 values.
    EXPECT_EQ(feature(report, "price").kind, "dense");
    EXPECT_DOUBLE_EQ(feature(report, "price").mean_length, 4.0 / 5);
    EXPECT_DOUBLE_EQ(feature(report, "price").exact_duplicates, 1.0 / 5);
    EXPECT_DOUBLE_EQ(feature(report, "price").partial_duplicates, 1.0 / 4);
    EXPECT_DOUBLE_EQ(feature(report, "tag").exact_duplicates, 3.0 / 5);
    EXPECT_DOUBLE_EQ(feature(report, "tag").session_order.measured, 5.0 / 3);  // batches of 2, 2, 1

    ASSERT_EQ(report.groups.size(), 1u);
    const GroupReport& history = report.groups[0];
    EXPECT_EQ(history.sample_values, 18);  // two features of 9
    if (layout == TableLayout::kFolded) {
      EXPECT_EQ(history.rows, 3);  // [1,2,3] [2,3,4] []
      EXPECT_EQ(history.stored_values, 12);
      EXPECT_DOUBLE_EQ(history.values_ratio(), 1.5);
    } else {
      EXPECT_EQ(history.rows, 5);
      EXPECT_EQ(history.stored_values, 18);
    }
  }
}

TEST_F(InspectTable, ColumnsOfEveryFile) {
  const InspectReport report = inspect_layout(TableLayout::kFolded, 4096);
  std::map<std::string, std::vector<std::string>> columns;
  int64_t bytes = 0;
  for (const StoredColumn& column : report.columns) {
    columns[column.file].push_back(column.name);
    bytes += column.bytes;
  }
  EXPECT_EQ(columns.size(), 2u);
  auto has = [&](const char* file, const char* name) {
    return std::count(columns[file].begin(), columns[file].end(), name) == 1;
  };
  EXPECT_TRUE(has("samples", "session_id"));
  EXPECT_TRUE(has("samples", "price"));
  EXPECT_TRUE(has("samples", "history.ref"));
  EXPECT_TRUE(has("history", "items"));
  EXPECT_FALSE(has("samples", "items"));
  int64_t file_bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(path("folded"))) {
    if (entry.path().extension() == ".parquet") file_bytes += fs::file_size(entry.path());
  }
  EXPECT_LT(bytes, file_bytes);  // footers and page indexes come on top
  EXPECT_GT(bytes, file_bytes / 20);
}

TEST_F(InspectTable, KnowsItsColumns) {
  inspect_layout(TableLayout::kFolded, 10);
  const auto result = inspect(path("folded"), {.session = "session_id"});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.status().code(), StatusCode::kInvalidArgument);
}

TEST_F(InspectTable, ReportAsJsonAndText) {
  const InspectReport report = inspect_layout(TableLayout::kFolded, 4096);
  const auto json = to_json(report);
  EXPECT_EQ(json["samples"], 5);
  EXPECT_EQ(json["positives"], 3);
  EXPECT_EQ(json["labels"]["buy"]["positive_samples"], 1);
  EXPECT_EQ(json["sessions"], 2);
  EXPECT_EQ(json["users"], 1);
  EXPECT_EQ(json["samples_per_session"]["mean"], 2.5);
  EXPECT_EQ(json["samples_per_session"]["max"], 3);
  EXPECT_EQ(json["features"].size(), 4u);
  EXPECT_EQ(json["features"][0]["name"], "items");
  EXPECT_EQ(json["features"][0]["fold_factor"]["session_order"]["measured"], 5.0 / 3);
  EXPECT_EQ(json["groups"][0]["values_ratio"], 1.5);
  EXPECT_TRUE(json["columns"][0].contains("bytes"));

  const std::string text = to_text(report);
  EXPECT_NE(text.find("(folded Onefold table)"), std::string::npos);
  EXPECT_NE(text.find("items"), std::string::npos);
  EXPECT_NE(text.find("3 click (60.0 %), 1 buy (20.0 %)"), std::string::npos) << text;
  EXPECT_EQ(text.find(" \n"), std::string::npos) << "no space at the end of a line";

  const InspectReport unknown =
      inspect(write_parquet("clicks.parquet", kClicks), {.session = "sid"}).value();
  EXPECT_TRUE(to_json(unknown)["users"].is_null());
  EXPECT_TRUE(to_json(unknown)["positives"].is_null());
}

// The published demo bundle: 24,724 impressions of 1,590 users in 12,944 sessions, with 278,139
// candidates and 24,888 clicks, 59 of them on an article that was clicked already.
class InspectEbnerd : public Inspect {
 protected:
  void SetUp() override {
    if (!fs::exists(bundle_)) GTEST_SKIP() << "needs the EB-NeRD demo bundle at " << bundle_;
  }
  const std::string bundle_ = std::string(ONEFOLD_SHARED_DATA) + "/ebnerd_demo";
};

TEST_F(InspectEbnerd, Tables) {
  ASSERT_TRUE(import_ebnerd(bundle_, path("logs"), EbnerdSplit::kTrain).ok());
  std::vector<InspectReport> reports;
  for (TableLayout layout : {TableLayout::kFolded, TableLayout::kPlain}) {
    ASSERT_TRUE(build_table(path("logs"), path("table"), {.layout = layout}).ok());
    const InspectReport report = reports.emplace_back(inspect(path("table"), {}).value());
    EXPECT_EQ(report.samples, 278'139);
    EXPECT_EQ(report.positives(), 24'888);
    EXPECT_EQ(report.labels.front().positives, 24'829);
    EXPECT_EQ(report.sessions, 12'944);
    EXPECT_EQ(report.users, 1'590);
    EXPECT_EQ(report.samples_per_session.p50, 15);
    EXPECT_EQ(report.samples_per_session.p99, 94);
    EXPECT_EQ(report.samples_per_session.max, 205);
    EXPECT_EQ(report.out_of_order, 0);
    EXPECT_FALSE(report.forgot_sessions);
  }
  for (size_t f = 0; f < reports[0].features.size(); ++f) {
    const FeatureReport &folded = reports[0].features[f], &plain = reports[1].features[f];
    EXPECT_EQ(folded.name, plain.name);
    EXPECT_EQ(folded.mean_length, plain.mean_length);
    EXPECT_EQ(folded.exact_duplicates, plain.exact_duplicates);
    EXPECT_EQ(folded.partial_duplicates, plain.partial_duplicates);
    EXPECT_EQ(folded.session_order.measured, plain.session_order.measured);
    EXPECT_EQ(folded.arrival_order.measured, plain.arrival_order.measured);
  }
  const FeatureReport& history = feature(reports[0], "history_article_id");
  EXPECT_NEAR(history.mean_length, 288, 0.5);
  // A history changes never within a session: all but the session's first sample repeat.
  EXPECT_DOUBLE_EQ(history.exact_duplicates, (278'139 - 12'944) / 278'139.0);
  EXPECT_GT(reports[0].groups[0].values_ratio(), 21);
  EXPECT_EQ(reports[0].groups[0].sample_values, reports[1].groups[0].sample_values);
}

TEST_F(InspectEbnerd, Behaviors) {
  const std::string file = bundle_ + "/train/behaviors.parquet";
  const InspectReport report =
      inspect(file, {.session = "session_id", .user = "user_id", .time = "impression_time"})
          .value();
  EXPECT_EQ(report.samples, 24'724);
  EXPECT_EQ(report.sessions, 12'944);
  EXPECT_EQ(report.users, 1'590);
  EXPECT_EQ(report.features.size(), 14u);
  // The user's profile never changes within a session: all but each session's first sample repeat.
  EXPECT_DOUBLE_EQ(feature(report, "is_subscriber").exact_duplicates, (24'724 - 12'944) / 24'724.0);
  EXPECT_DOUBLE_EQ(feature(report, "is_subscriber").unchanged, 1);
}

}  // namespace
}  // namespace onefold
