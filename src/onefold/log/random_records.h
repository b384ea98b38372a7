// SPDX-License-Identifier: Apache-2.0
// For the tests of log/: a schema with every kind in every scope, random records of it, a fresh
// directory per test, and a whole log read at once.
#pragma once

#include <filesystem>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "onefold/log/log_reader.h"
#include "onefold/log/log_writer.h"
#include "onefold/log/record.h"

namespace onefold {

inline Schema every_kind_schema() {
  using enum FeatureKind;
  using enum FeatureScope;
  return {{{"history", kIdList, kUser, "seen"},
           {"tag", kIdList, kItem, ""},
           {"dwell", kFloatList, kUser, "seen"},
           {"price", kDense, kItem, ""},
           {"country", kId, kUser, ""},
           {"age", kDense, kUser, ""},
           {"topic", kId, kItem, ""},
           {"height", kDense, kUser, ""},
           {"scores", kFloatList, kItem, ""}},
          {{"click", "click", false}, {"watch", "watch", true}}};
}

class RandomRecords {
 public:
  RandomRecords(Schema schema, uint64_t seed) : schema_(std::move(schema)), random_(seed) {}

  // Some lists are empty, some requests have no candidates, some floats are NaN.
  FeatureRecords requests(int64_t num_requests) {
    FeatureRecords records = empty_feature_records(schema_);
    for (int64_t i = 0; i < num_requests; ++i) {
      records.session_id.push_back(below(7));
      records.user_id.push_back(below(5));
      records.request_id.push_back(next_request_++);
      records.time_us.push_back(1'684'000'000'000'000 + below(1'000'000'000));
      const int64_t num_candidates = below(4);
      for (int64_t c = 0; c < num_candidates; ++c) records.item_id.push_back(below(1000) - 500);
      records.candidate_offsets.push_back(static_cast<int32_t>(records.item_id.size()));
    }
    fill(FeatureScope::kUser, num_requests, &records.user_dense, &records.user_features);
    fill(FeatureScope::kItem, records.num_candidates(), &records.item_dense,
         &records.item_features);
    return records;
  }

  EventRecords events(int64_t num_events) {
    EventRecords records;
    for (int64_t i = 0; i < num_events; ++i) {
      records.session_id.push_back(below(7));
      records.user_id.push_back(below(5));
      records.request_id.push_back(below(100));
      records.item_id.push_back(below(1000));
      records.time_us.push_back(-1'000 + below(2'000));
      records.action.push_back(i % 3 == 0 ? "" : i % 3 == 1 ? "click" : "gefällt");
      records.value.push_back(number());
    }
    return records;
  }

 private:
  int64_t below(int64_t bound) { return static_cast<int64_t>(random_() % bound); }
  float number() {
    return below(4) == 0 ? std::numeric_limits<float>::quiet_NaN() : below(1000) / 8.0f - 60;
  }

  JaggedColumn column(FeatureKind kind, int64_t num_rows) {
    JaggedColumn made = empty_column(kind);
    for (int64_t row = 0; row < num_rows; ++row) {
      const int64_t length = kind == FeatureKind::kId ? below(2) : below(5);
      if (auto* floats = std::get_if<JaggedTensor<float>>(&made)) {
        std::vector<float> values(length);
        for (float& value : values) value = number();
        floats->push_row(values);
      } else {
        std::vector<int64_t> values(length);
        for (int64_t& value : values) value = below(1 << 20) - (1 << 19);
        std::get<JaggedTensor<int64_t>>(made).push_row(values);
      }
    }
    return made;
  }

  void fill(FeatureScope scope, int64_t num_rows, DenseColumns* dense, KeyedJaggedTensor* jagged) {
    const size_t num_dense = num_rows * dense->names.size();
    for (size_t i = 0; i < num_dense; ++i) dense->values.push_back(number());
    std::vector<JaggedColumn> columns;
    const auto features = jagged_features(schema_, scope);
    for (const FeatureSpec& feature : features) columns.push_back(column(feature.kind, num_rows));
    *jagged = keyed(features, num_rows, std::move(columns));
  }

  Schema schema_;
  std::mt19937_64 random_;
  int64_t next_request_ = 0;
};

// An empty directory of the running test's own.
inline std::string fresh_directory() {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  std::string name = std::string(test->test_suite_name()) + "." + test->name();
  for (char& c : name) c = c == '/' ? '_' : c;
  const std::string path =
      testing::TempDir() + "onefold-" + std::to_string(::getpid()) + "-" + name;
  std::filesystem::remove_all(path);
  std::filesystem::create_directories(path);
  return path;
}

struct WholeLog {
  std::vector<FeatureRecords> features;  // one per block
  std::vector<EventRecords> events;
  std::vector<TornTail> torn_tails;

  int64_t num_requests() const {
    int64_t sum = 0;
    for (const FeatureRecords& block : features) sum += block.num_requests();
    return sum;
  }
  int64_t num_events() const {
    int64_t sum = 0;
    for (const EventRecords& block : events) sum += block.num_events();
    return sum;
  }
};

inline WholeLog read_whole_log(const std::string& directory) {
  LogReader reader = LogReader::open(directory).value();
  WholeLog whole;
  const Status features = reader.read_features([&](FeatureRecords&& block) -> Status {
    whole.features.push_back(std::move(block));
    return {};
  });
  const Status events = reader.read_events([&](EventRecords&& block) -> Status {
    whole.events.push_back(std::move(block));
    return {};
  });
  EXPECT_TRUE(features.ok()) << features.message();
  EXPECT_TRUE(events.ok()) << events.message();
  whole.torn_tails = reader.torn_tails();
  return whole;
}

}  // namespace onefold
