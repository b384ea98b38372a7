// SPDX-License-Identifier: Apache-2.0
// For the tests of this folder: small logs written down by hand.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "onefold/build/build.h"
#include "onefold/jagged/fold.h"
#include "onefold/log/log_writer.h"
#include "onefold/table/table_reader.h"

namespace onefold {

// A fresh path below the test's temporary directory; nothing is there yet.
inline std::string test_path(const std::string& name) {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  std::string unique = std::string(test->test_suite_name()) + "." + test->name() + "." + name;
  for (char& c : unique) c = c == '/' ? '_' : c;
  const std::string path = testing::TempDir() + "onefold_build/" + unique;
  std::filesystem::remove_all(path);
  return path;
}

// A feature of every kind and scope; "history" is folded per request, "content" per candidate.
inline Schema log_schema() {
  Schema schema;
  schema.features = {
      {"age", FeatureKind::kDense, FeatureScope::kUser, ""},
      {"price", FeatureKind::kDense, FeatureScope::kItem, ""},
      {"country", FeatureKind::kId, FeatureScope::kUser, ""},
      {"topic", FeatureKind::kId, FeatureScope::kItem, ""},
      {"viewed", FeatureKind::kIdList, FeatureScope::kUser, "history"},
      {"dwell", FeatureKind::kFloatList, FeatureScope::kUser, "history"},
      {"words", FeatureKind::kIdList, FeatureScope::kItem, "content"},
  };
  schema.labels = {{"click", "click", false}, {"seconds", "watch", true}};
  return schema;
}

struct RequestSpec {
  int64_t session = 0, user = 0, request = 0, time_us = 0;
  std::vector<int64_t> viewed;  // dwell is half of each
  std::vector<int64_t> items;
};

struct EventSpec {
  int64_t request = 0, item = 0, time_us = 0;
  std::string action;
  float value = 0;
};

// Features follow from the ids, so that a test can tell a misplaced value: age = user, price =
// item / 2, country = user + 100 (none for odd users), topic = item + 200, words = {item, request}.
inline FeatureRecords feature_records(const std::vector<RequestSpec>& requests) {
  FeatureRecords records;
  records.user_dense.names = {"age"};
  records.item_dense.names = {"price"};
  JaggedTensor<int64_t> country, viewed, topic, words;
  JaggedTensor<float> dwell;
  for (const RequestSpec& r : requests) {
    records.session_id.push_back(r.session);
    records.user_id.push_back(r.user);
    records.request_id.push_back(r.request);
    records.time_us.push_back(r.time_us);
    records.user_dense.values.push_back(static_cast<float>(r.user));
    const std::vector<int64_t> some = {r.user + 100};
    country.push_row(r.user % 2 == 0 ? std::span(some) : std::span<const int64_t>());
    viewed.push_row(r.viewed);
    std::vector<float> halves;
    for (const int64_t id : r.viewed) halves.push_back(static_cast<float>(id) / 2);
    dwell.push_row(halves);
    for (const int64_t item : r.items) {
      records.item_id.push_back(item);
      records.item_dense.values.push_back(static_cast<float>(item) / 2);
      topic.push_row(std::vector<int64_t>{item + 200});
      words.push_row(std::vector<int64_t>{item, r.request});
    }
    records.candidate_offsets.push_back(static_cast<int32_t>(records.item_id.size()));
  }
  records.user_features = KeyedJaggedTensor(records.num_requests());
  records.user_features.add("country", country);
  records.user_features.add("viewed", viewed);
  records.user_features.add("dwell", dwell);
  records.item_features = KeyedJaggedTensor(records.num_candidates());
  records.item_features.add("topic", topic);
  records.item_features.add("words", words);
  return records;
}

inline EventRecords event_records(const std::vector<EventSpec>& events) {
  EventRecords records;
  for (const EventSpec& e : events) {
    records.session_id.push_back(0);
    records.user_id.push_back(0);
    records.request_id.push_back(e.request);
    records.item_id.push_back(e.item);
    records.time_us.push_back(e.time_us);
    records.action.push_back(e.action);
    records.value.push_back(e.value);
  }
  return records;
}

inline void expect_ok(const Status& status) {
  if (!status.ok()) throw std::runtime_error(status.message());
}

template <typename T>
T expect_ok(Result<T> result) {
  expect_ok(result.status());
  return *std::move(result);
}

inline void write_log(const std::string& path, const std::vector<RequestSpec>& requests,
                      const std::vector<EventSpec>& events, const LogOptions& options = {}) {
  auto writer = expect_ok(LogWriter::open(path, log_schema(), options));
  for (const RequestSpec& request : requests) expect_ok(writer->append(feature_records({request})));
  expect_ok(writer->append(event_records(events)));
  expect_ok(writer->close());
}

// All row groups of a table, in order.
inline std::vector<Batch> read_table(const std::string& path, const ReadOptions& options = {}) {
  auto reader = expect_ok(TableReader::open(path, options));
  std::vector<Batch> batches;
  for (const RowGroupRef& row_group : reader->row_groups()) {
    batches.push_back(expect_ok(reader->read(row_group)));
  }
  return batches;
}

}  // namespace onefold
