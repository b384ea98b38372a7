// SPDX-License-Identifier: Apache-2.0
// For the tests of this folder: a schema with every kind of column, random batches of it, and
// directories of their own.
#pragma once

#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "onefold/jagged/batch.h"
#include "onefold/jagged/fold.h"
#include "onefold/table/table_reader.h"
#include "onefold/table/table_writer.h"

namespace onefold {

// A fresh path below the test's temporary directory; nothing is there yet.
inline std::string test_path(const std::string& name) {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  std::string unique = std::string(test->test_suite_name()) + "." + test->name() + "." + name;
  for (char& c : unique) c = c == '/' ? '_' : c;
  const std::string path = testing::TempDir() + "onefold_table/" + unique;
  std::filesystem::remove_all(path);
  return path;
}

inline Schema test_schema() {
  Schema schema;
  schema.features = {
      {"age", FeatureKind::kDense, FeatureScope::kUser, ""},
      {"price", FeatureKind::kDense, FeatureScope::kItem, ""},
      {"topic", FeatureKind::kId, FeatureScope::kItem, ""},
      {"tags", FeatureKind::kIdList, FeatureScope::kItem, ""},
      {"scores", FeatureKind::kFloatList, FeatureScope::kItem, ""},
      {"viewed", FeatureKind::kIdList, FeatureScope::kUser, "history"},
      {"dwell", FeatureKind::kFloatList, FeatureScope::kUser, "history"},
      {"country", FeatureKind::kId, FeatureScope::kUser, "profile"},
  };
  schema.labels = {{"click", "click", false}, {"watch", "watch", true}};
  return schema;
}

// Random rows, many of them empty, some long.
template <typename T>
JaggedTensor<T> random_lists(int64_t num_rows, int max_length, std::mt19937_64& random) {
  JaggedTensor<T> rows;
  for (int64_t i = 0; i < num_rows; ++i) {
    std::vector<T> row(random() % 3 == 0 ? 0 : random() % (max_length + 1));
    for (T& value : row) value = static_cast<T>(static_cast<int64_t>(random() % 2000) - 1000);
    rows.push_row(row);
  }
  return rows;
}

inline DenseColumns random_dense(std::vector<std::string> names, int64_t num_rows,
                                 std::mt19937_64& random) {
  DenseColumns dense{std::move(names), {}};
  for (size_t i = 0; i < num_rows * dense.names.size(); ++i) {
    const bool missing = random() % 5 == 0;
    dense.values.push_back(missing ? std::numeric_limits<float>::quiet_NaN()
                                   : random() % 100 / 7.0f);
  }
  return dense;
}

// Sessions of up to 6 samples; about as many unique rows as sessions; every run of the same
// arguments gives the same batch.
inline Batch random_batch(int64_t num_samples, uint64_t seed, int max_length = 40) {
  std::mt19937_64 random(seed);
  Batch batch;
  int64_t session = static_cast<int64_t>(seed) * 1000000;
  while (batch.num_samples() < num_samples) {
    ++session;
    const int64_t count = std::min<int64_t>(1 + random() % 6, num_samples - batch.num_samples());
    for (int64_t i = 0; i < count; ++i) {
      batch.session_id.push_back(session);
      batch.user_id.push_back(session % 17);
      batch.request_id.push_back(session * 10 + i / 3);
      batch.item_id.push_back(static_cast<int64_t>(random()));  // any 64 bits
      batch.time_us.push_back(1684393200000000 + session * 1000003 + i);
    }
  }
  batch.dense = random_dense({"age", "price"}, num_samples, random);
  batch.labels = random_dense({"click", "watch"}, num_samples, random);
  batch.features = KeyedJaggedTensor(num_samples);
  batch.features.add("topic", random_lists<int64_t>(num_samples, 1, random));
  batch.features.add("tags", random_lists<int64_t>(num_samples, max_length, random));
  batch.features.add("scores", random_lists<float>(num_samples, max_length, random));
  const int64_t num_rows = num_samples / 3 + 1;
  KeyedJaggedTensor history(num_rows), profile(num_rows);
  history.add("viewed", random_lists<int64_t>(num_rows, 4 * max_length, random));
  history.add("dwell", random_lists<float>(num_rows, 4 * max_length, random));
  profile.add("country", random_lists<int64_t>(num_rows, 1, random));
  std::vector<int32_t> refs;
  for (int64_t i = 0; i < num_samples; ++i)
    refs.push_back(static_cast<int32_t>(random() % num_rows));
  batch.groups.push_back({"history", from_refs(history, refs).value()});
  batch.groups.push_back({"profile", from_refs(profile, refs).value()});
  return batch;
}

// `batch` with other rows in its group "history": lists(user, i) gives the `viewed` and `dwell` of
// sample i.
template <typename Lists>
Batch with_history(Batch batch, Lists&& lists) {
  KeyedJaggedTensor rows(batch.num_samples());
  JaggedTensor<int64_t> viewed;
  JaggedTensor<float> dwell;
  for (int64_t i = 0; i < batch.num_samples(); ++i) {
    const std::pair<std::vector<int64_t>, std::vector<float>> row = lists(batch.user_id[i], i);
    viewed.push_row(row.first);
    dwell.push_row(row.second);
  }
  rows.add("viewed", std::move(viewed));
  rows.add("dwell", std::move(dwell));
  batch.groups[0].features = fold(rows);
  return batch;
}

// Writes `batches`, all to one partition.
inline Manifest write_table(const std::string& path, const std::vector<Batch>& batches,
                            const TableWriterOptions& options = {}) {
  auto writer = TableWriter::open(path, test_schema(), options);
  if (!writer.ok()) throw std::runtime_error(writer.status().message());
  for (const Batch& batch : batches) {
    const Status status = (*writer)->write("", batch);
    if (!status.ok()) throw std::runtime_error(status.message());
  }
  auto manifest = (*writer)->finish();
  if (!manifest.ok()) throw std::runtime_error(manifest.status().message());
  return *manifest;
}

inline std::vector<Batch> read_table(const std::string& path, const ReadOptions& options = {}) {
  auto reader = TableReader::open(path, options);
  if (!reader.ok()) throw std::runtime_error(reader.status().message());
  std::vector<Batch> batches;
  for (const RowGroupRef& row_group : (*reader)->row_groups()) {
    auto batch = (*reader)->read(row_group);
    if (!batch.ok()) throw std::runtime_error(batch.status().message());
    batches.push_back(*std::move(batch));
  }
  return batches;
}

// The first error of opening the table and reading all of it, or OK.
inline Status read_status(const std::string& path, const ReadOptions& options = {}) {
  auto reader = TableReader::open(path, options);
  if (!reader.ok()) return reader.status();
  for (const RowGroupRef& row_group : (*reader)->row_groups()) {
    auto batch = (*reader)->read(row_group);
    if (!batch.ok()) return batch.status();
  }
  return {};
}

}  // namespace onefold
