// SPDX-License-Identifier: Apache-2.0
// For tests: a table in memory, so that the reader's stages run without files.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <vector>

#include "onefold/jagged/fold.h"
#include "onefold/table/table_reader.h"

namespace onefold {

inline Schema fake_schema() {
  Schema schema;
  schema.features = {
      {"items", FeatureKind::kIdList, FeatureScope::kUser, "history"},
      {"read_times", FeatureKind::kFloatList, FeatureScope::kUser, "history"},
      {"city", FeatureKind::kId, FeatureScope::kUser, "profile"},
      {"age", FeatureKind::kDense, FeatureScope::kUser, ""},
      {"position", FeatureKind::kDense, FeatureScope::kItem, ""},
      {"tags", FeatureKind::kIdList, FeatureScope::kItem, ""},
  };
  schema.labels = {{"click", "click", false}};
  return schema;
}

// `num_sessions` sessions of 1 to 7 samples (request_id: 0, 1, 2, ... over the table), U == B.
// A user has about three sessions and one history, of 0 to 19 items, which changes in the middle of
// every fifth session.
inline Batch fake_samples(int num_sessions) {
  Batch batch;
  batch.dense.names = {"age", "position"};
  batch.labels.names = {"click"};
  JaggedTensor<int64_t> items, city, tags;
  JaggedTensor<float> read_times;
  for (int64_t session = 0; session < num_sessions; ++session) {
    const int64_t user = session / 3, length = 1 + session * 5 % 7;
    for (int64_t i = 0; i < length; ++i) {
      const int64_t sample = batch.num_samples();
      batch.session_id.push_back(1000 + session);
      batch.user_id.push_back(user);
      batch.request_id.push_back(sample);
      batch.item_id.push_back(sample * 31 % 97);
      batch.time_us.push_back(session * 1'000'000 + i);
      batch.dense.values.insert(batch.dense.values.end(), {20.0f + user, static_cast<float>(i)});
      batch.labels.values.push_back(sample % 5 == 0 ? 1.0f : 0.0f);
      std::vector<int64_t> history;
      std::vector<float> times;
      for (int64_t h = 0; h < user * 7 % 20; ++h) {
        history.push_back(user * 100 + h + (session % 5 == 0 && i > length / 2));
        times.push_back(0.5f * h);
      }
      items.push_row(history);
      read_times.push_row(times);
      const std::vector<int64_t> home = {user % 4};
      city.push_row(std::span(home).first(user % 6 != 0));
      const std::vector<int64_t> some = {sample, sample + 1, sample + 2};
      tags.push_row(std::span(some).first(sample % 4));
    }
  }
  KeyedJaggedTensor history(batch.num_samples()), profile(batch.num_samples());
  history.add("items", std::move(items));
  history.add("read_times", std::move(read_times));
  profile.add("city", std::move(city));
  batch.features = KeyedJaggedTensor(batch.num_samples());
  batch.features.add("tags", std::move(tags));
  batch.groups.push_back({"history", InverseKeyedJaggedTensor::identity(std::move(history))});
  batch.groups.push_back({"profile", InverseKeyedJaggedTensor::identity(std::move(profile))});
  return batch;
}

// Samples [begin, end) of `batch`.
inline Batch sample_range(const Batch& batch, int64_t begin, int64_t end) {
  std::vector<int32_t> indices;
  for (int64_t i = begin; i < end; ++i) indices.push_back(static_cast<int32_t>(i));
  return select_samples(batch, indices);
}

class FakeTable : public TableReader {
 public:
  enum class Form { kUnfolded, kFolded };

  // Row groups of `row_group_rows` samples, which cut sessions; the last one may be smaller.
  FakeTable(const Batch& samples, int64_t row_group_rows, Form form) {
    for (int64_t begin = 0; begin < samples.num_samples(); begin += row_group_rows) {
      const int64_t end = std::min(begin + row_group_rows, samples.num_samples());
      const Batch rows = sample_range(samples, begin, end);
      batches_.push_back(form == Form::kFolded ? refolded(rows) : unfolded(rows));
      row_groups_.push_back({0, static_cast<int32_t>(row_groups_.size()), end - begin});
    }
  }

  const Manifest& manifest() const override { return manifest_; }
  const Schema& schema() const override { return schema_; }
  const std::vector<RowGroupRef>& row_groups() const override { return row_groups_; }
  int64_t bytes_read() const override { return 100 * static_cast<int64_t>(num_reads_); }

  Result<Batch> read(const RowGroupRef& ref) override {
    ++num_reads_;
    {
      std::lock_guard lock(mutex_);
      rows_read_.insert(ref.row_group);
    }
    if (ref.row_group == fail_at) return data_loss("row group " + std::to_string(ref.row_group));
    if (ref.row_group == throw_at) throw std::runtime_error("a bug");
    return batches_[ref.row_group];
  }

  std::set<int32_t> row_groups_read() const {
    std::lock_guard lock(mutex_);
    return rows_read_;
  }

  int32_t fail_at = -1;   // this row group cannot be read
  int32_t throw_at = -1;  // reading this row group throws

 private:
  Manifest manifest_;
  Schema schema_ = fake_schema();
  std::vector<Batch> batches_;
  std::vector<RowGroupRef> row_groups_;
  std::atomic<int64_t> num_reads_ = 0;
  mutable std::mutex mutex_;
  std::set<int32_t> rows_read_;  // guarded by mutex_
};

}  // namespace onefold
