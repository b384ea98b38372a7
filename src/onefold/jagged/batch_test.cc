// SPDX-License-Identifier: Apache-2.0
#include "onefold/jagged/batch.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "onefold/jagged/fold.h"
#include "onefold/jagged/random_rows.h"

namespace onefold {
namespace {

Schema schema() {
  Schema schema;
  schema.features = {
      {"d0", FeatureKind::kDense, FeatureScope::kUser, ""},
      {"d1", FeatureKind::kDense, FeatureScope::kItem, ""},
      {"s0", FeatureKind::kId, FeatureScope::kItem, ""},
      {"k0", FeatureKind::kIdList, FeatureScope::kUser, "g0"},
      {"k1", FeatureKind::kFloatList, FeatureScope::kUser, "g0"},
      {"h0", FeatureKind::kIdList, FeatureScope::kUser, "g1"},
  };
  schema.labels = {{"click", "click", false}};
  return schema;
}

std::vector<int64_t> random_ids(std::mt19937_64& random, int64_t size) {
  std::vector<int64_t> ids(size);
  for (int64_t& id : ids) id = static_cast<int64_t>(random() % 5);
  return ids;
}

std::vector<float> random_floats(std::mt19937_64& random, int64_t size) {
  std::vector<float> floats(size);
  for (float& value : floats) value = random_value(random, 0.0f);
  return floats;
}

KeyedJaggedTensor with_key(const std::string& key, const JaggedColumn& column) {
  KeyedJaggedTensor kjt(num_rows(column));
  kjt.add(key, column);
  return kjt;
}

// Groups as a reader may deliver them: valid, but with equal unique rows left unshared.
InverseKeyedJaggedTensor half_folded(std::mt19937_64& random, const KeyedJaggedTensor& rows) {
  if (rows.num_rows() == 0) return InverseKeyedJaggedTensor::identity(rows);
  InverseKeyedJaggedTensor folded = fold(rows);
  std::vector<int32_t> refs;
  for (int64_t i = 0; i < rows.num_rows(); ++i) {
    const bool own_copy = random() % 3 == 0;
    refs.push_back(own_copy ? static_cast<int32_t>(folded.num_unique() + i)
                            : folded.inverse_indices()[i]);
  }
  // Payload: the unique rows, then every row once more.
  std::vector<int32_t> payload;
  for (int64_t u = 0; u < folded.num_unique(); ++u) payload.push_back(static_cast<int32_t>(u));
  for (int32_t u : folded.inverse_indices()) payload.push_back(u);
  return from_refs(select_rows(folded.unique(), payload), refs).value();
}

Batch random_batch(uint64_t seed, int64_t num_samples) {
  std::mt19937_64 random(seed);
  Batch batch;
  for (auto* ids :
       {&batch.session_id, &batch.user_id, &batch.request_id, &batch.item_id, &batch.time_us}) {
    *ids = random_ids(random, num_samples);
  }
  batch.dense = {{"d0", "d1"}, random_floats(random, 2 * num_samples)};
  batch.labels = {{"click"}, random_floats(random, num_samples)};
  const RandomRows one_id = {
      .num_rows = num_samples, .num_distinct = 3, .max_length = 1, .kinds = "i"};
  const RandomRows lists = {.num_rows = num_samples, .num_distinct = 4, .kinds = "if"};
  const RandomRows list = {.num_rows = num_samples, .num_distinct = 2, .kinds = "i"};
  batch.features = with_key("s0", random_rows(seed + 1, one_id).column(0));
  batch.groups.push_back({"g0", half_folded(random, random_rows(seed + 2, lists))});
  const auto h0 = with_key("h0", random_rows(seed + 3, list).column(0));
  batch.groups.push_back({"g1", half_folded(random, h0)});
  return batch;
}

template <typename T>
std::string bytes_of(const T* values, size_t size) {
  return {reinterpret_cast<const char*>(values), size * sizeof(T)};
}

// The model: everything that sample i holds, as a list of byte strings.
ByteRows samples_of(const Batch& batch) {
  ByteRows samples = byte_rows(batch.features);
  for (int64_t i = 0; i < batch.num_samples(); ++i) {
    for (const auto* ids :
         {&batch.session_id, &batch.user_id, &batch.request_id, &batch.item_id, &batch.time_us}) {
      samples[i].push_back(bytes_of(&ids->at(i), 1));
    }
    for (const DenseColumns* columns : {&batch.dense, &batch.labels}) {
      const size_t width = columns->names.size();
      samples[i].push_back(bytes_of(columns->values.data() + i * width, width));
    }
    for (const FeatureGroup& group : batch.groups) {
      const ByteRows unique = byte_rows(group.features.unique());
      const auto& row = unique.at(group.features.inverse_indices().at(i));
      samples[i].insert(samples[i].end(), row.begin(), row.end());
    }
  }
  return samples;
}

void expect_valid(const Batch& batch) {
  ASSERT_NO_THROW(check_batch(batch, schema()));
  for (const FeatureGroup& group : batch.groups) {
    const auto& ikjt = group.features;
    ASSERT_TRUE(InverseKeyedJaggedTensor::make(ikjt.unique(), ikjt.inverse_indices()).ok());
  }
}

TEST(Batch, EqualityIsBitForBit) {
  EXPECT_EQ(random_batch(1, 20), random_batch(1, 20));
  Batch batch = random_batch(1, 20);
  batch.dense.values[7] = std::nanf("1");
  Batch same = batch;
  EXPECT_EQ(batch, same);
  same.dense.values[7] = std::nanf("2");
  EXPECT_FALSE(batch == same);
  EXPECT_EQ(batch.find_group("g1"), &batch.groups[1]);
  EXPECT_EQ(batch.find_group("k0"), nullptr);
}

TEST(SelectSamples, IsTheObviousLoop) {
  std::mt19937_64 random(3);
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const Batch batch = random_batch(seed, 1 + seed % 17);
    const ByteRows from = samples_of(batch);
    std::vector<int32_t> indices(seed % 23);
    ByteRows expected;
    for (int32_t& index : indices) {
      index = static_cast<int32_t>(random() % batch.num_samples());
      expected.push_back(from[index]);
    }
    const Batch selected = select_samples(batch, indices);
    expect_valid(selected);
    ASSERT_EQ(samples_of(selected), expected) << "seed " << seed;
    for (size_t g = 0; g < batch.groups.size(); ++g) {  // no unique row that nobody uses
      std::set<int32_t> used;
      for (int32_t i : indices) used.insert(batch.groups[g].features.inverse_indices()[i]);
      ASSERT_EQ(selected.groups[g].features.num_unique(), static_cast<int64_t>(used.size()));
    }
  }
}

TEST(SelectSamples, AllInOrderIsTheSameBatch) {
  const Batch batch = random_batch(5, 9);
  EXPECT_EQ(select_samples(batch, std::vector<int32_t>{0, 1, 2, 3, 4, 5, 6, 7, 8}), batch);
}

TEST(Concatenate, IsTheObviousLoop) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    std::vector<Batch> parts;
    ByteRows expected;
    for (uint64_t part = 0; part < 1 + seed % 4; ++part) {
      parts.push_back(random_batch(10 * seed + part, static_cast<int64_t>((seed + part) % 6)));
      for (const auto& sample : samples_of(parts.back())) expected.push_back(sample);
    }
    const Batch all = concatenate(parts);
    expect_valid(all);
    ASSERT_EQ(samples_of(all), expected) << "seed " << seed;
    for (size_t g = 0; g < all.groups.size(); ++g) {
      int64_t num_unique = 0;
      for (const Batch& part : parts) num_unique += part.groups[g].features.num_unique();
      ASSERT_EQ(all.groups[g].features.num_unique(), num_unique);
    }
    if (parts.size() == 1) {
      ASSERT_EQ(all, parts[0]);
    }
  }
}

TEST(Concatenate, RefusesOtherColumns) {
  const Batch batch = random_batch(1, 4);
  std::vector<Batch> others(6, batch);
  others[0].dense.names[1] = "other";
  others[1].labels.names[0] = "other";
  others[2].features = with_key("other", batch.features.column(0));
  others[3].groups.pop_back();
  others[4].groups[0].name = "other";
  others[5].features =
      with_key("s0", random_rows(1, {.num_rows = 4, .kinds = "f"}).column(0));  // floats, not ids
  for (const Batch& other : others) {
    EXPECT_THROW(concatenate(std::vector<Batch>{batch, other}), CheckError);
    EXPECT_THROW(concatenate(std::vector<Batch>{other, batch}), CheckError);
  }
  EXPECT_THROW(concatenate({}), CheckError);
}

TEST(Unfolded, HasOneRowPerSample) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    const Batch batch = random_batch(seed, static_cast<int64_t>(seed % 11));
    const Batch plain = unfolded(batch);
    expect_valid(plain);
    ASSERT_EQ(samples_of(plain), samples_of(batch)) << "seed " << seed;
    for (const FeatureGroup& group : plain.groups) {
      ASSERT_EQ(group.features.num_unique(), batch.num_samples());
    }
  }
}

TEST(Refolded, HasTheSmallestNumberOfUniqueRows) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const Batch batch = concatenate(std::vector<Batch>{
        random_batch(seed, static_cast<int64_t>(seed % 11)), random_batch(seed + 1, 7)});
    const Batch folded = refolded(batch);
    expect_valid(folded);
    ASSERT_EQ(samples_of(folded), samples_of(batch)) << "seed " << seed;
    for (size_t g = 0; g < batch.groups.size(); ++g) {
      const ByteRows rows = byte_rows(batch.groups[g].features.unique());
      const std::set<std::vector<std::string>> distinct(rows.begin(), rows.end());
      ASSERT_EQ(folded.groups[g].features.num_unique(), static_cast<int64_t>(distinct.size()));
      // The same as folding all B rows from scratch.
      ASSERT_EQ(folded.groups[g].features, fold(expand(batch.groups[g].features)));
    }
    ASSERT_EQ(refolded(unfolded(batch)), folded) << "seed " << seed;
  }
}

TEST(CheckBatch, AcceptsValidBatches) {
  EXPECT_NO_THROW(check_batch(random_batch(1, 0), schema()));
  EXPECT_NO_THROW(check_batch(random_batch(1, 8), schema()));
}

TEST(CheckBatch, RefusesEachViolation) {
  const std::vector<std::function<void(Batch&)>> violations = {
      [](Batch& b) { b.time_us.pop_back(); },
      [](Batch& b) { b.session_id.push_back(1); },
      [](Batch& b) { b.dense.values.pop_back(); },
      [](Batch& b) { std::swap(b.dense.names[0], b.dense.names[1]); },
      [](Batch& b) { b.labels.names.clear(); },
      [](Batch& b) { b.labels.values.push_back(0); },
      [](Batch& b) { b.features = KeyedJaggedTensor(b.num_samples()); },
      [](Batch& b) { b.features = with_key("s0", jagged<int64_t>({{1}})); },
      [](Batch& b) {
        b.features.mutable_column("s0") = jagged<float>({{}, {}, {}, {}});
      },
      [](Batch& b) {
        b.features.mutable_column("s0") = jagged<int64_t>({{1}, {}, {1, 2}, {}});
      },
      [](Batch& b) { b.groups.pop_back(); },
      [](Batch& b) { std::swap(b.groups[0], b.groups[1]); },
      [](Batch& b) { b.groups[0].name = "g9"; },
      [](Batch& b) {
        b.groups[1] = {"g1", random_batch(1, 3).groups[1].features};
      },
      [](Batch& b) {
        b.groups[1] = {"g1", random_batch(1, 4).groups[0].features};
      },
  };
  for (size_t i = 0; i < violations.size(); ++i) {
    Batch batch = random_batch(1, 4);
    violations[i](batch);
    EXPECT_THROW(check_batch(batch, schema()), CheckError) << "violation " << i;
  }
}

}  // namespace
}  // namespace onefold
