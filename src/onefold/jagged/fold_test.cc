// SPDX-License-Identifier: Apache-2.0
#include "onefold/jagged/fold.h"

#include <algorithm>
#include <bit>

#include <gtest/gtest.h>

#include "onefold/jagged/random_rows.h"

namespace onefold {
namespace {

using Indices = std::vector<int32_t>;

// The worked example of the RecD paper's tensor-format figure (arXiv 2211.05239): three samples,
// dedup_sparse_features [[b], [c, d]]. Offsets have our trailing total.
KeyedJaggedTensor golden_b() {
  KeyedJaggedTensor b(3);
  b.add("b", jagged<int64_t>({{3, 4, 5}, {4, 5, 6}, {3, 4, 5}}));
  return b;
}

KeyedJaggedTensor golden_cd() {
  KeyedJaggedTensor cd(3);
  cd.add("c", jagged<int64_t>({{7, 8}, {7, 8}, {10}}));
  cd.add("d", jagged<int64_t>({{9}, {9}, {11}}));
  return cd;
}

void expect_column(const KeyedJaggedTensor& kjt, const std::string& key,
                   const std::vector<int64_t>& values, const std::vector<int32_t>& offsets) {
  EXPECT_EQ(kjt.get<int64_t>(key).values(), values) << key;
  EXPECT_EQ(kjt.get<int64_t>(key).offsets(), offsets) << key;
}

void expect_golden_b(const InverseKeyedJaggedTensor& b) {
  expect_column(b.unique(), "b", {3, 4, 5, 4, 5, 6}, {0, 3, 6});
  EXPECT_EQ(b.inverse_indices(), (Indices{0, 1, 0}));  // A-B-A
  expect_column(expand(b), "b", {3, 4, 5, 4, 5, 6, 3, 4, 5}, {0, 3, 6, 9});
}

void expect_golden_cd(const InverseKeyedJaggedTensor& cd) {
  expect_column(cd.unique(), "c", {7, 8, 10}, {0, 2, 3});
  expect_column(cd.unique(), "d", {9, 11}, {0, 1, 2});
  EXPECT_EQ(cd.inverse_indices(), (Indices{0, 0, 1}));  // one for both keys
  expect_column(expand(cd), "c", {7, 8, 7, 8, 10}, {0, 2, 4, 5});
  expect_column(expand(cd), "d", {9, 9, 11}, {0, 1, 2, 3});
}

TEST(Fold, GoldenOfThePaper) {
  expect_golden_b(fold(golden_b()));
  expect_golden_cd(fold(golden_cd()));
}

TEST(FromRefs, GoldenOfThePaper) {
  // Payloads as a table may hold them: with rows of other samples, in another order.
  KeyedJaggedTensor b(3);
  b.add("b", jagged<int64_t>({{4, 5, 6}, {99}, {3, 4, 5}}));
  expect_golden_b(from_refs(b, Indices{2, 0, 2}).value());
  KeyedJaggedTensor cd(3);
  cd.add("c", jagged<int64_t>({{10}, {}, {7, 8}}));
  cd.add("d", jagged<int64_t>({{11}, {1, 2, 3}, {9}}));
  expect_golden_cd(from_refs(cd, Indices{2, 2, 0}).value());
}

TEST(Fold, ListBordersCount) {
  KeyedJaggedTensor rows(2);
  rows.add("c", jagged<int64_t>({{7}, {7, 8}}));
  rows.add("d", jagged<int64_t>({{8, 9}, {9}}));
  EXPECT_EQ(fold(rows).inverse_indices(), (Indices{0, 1}));
}

TEST(Fold, FloatsAreComparedByTheirBits) {
  const float nan = std::bit_cast<float>(0x7fc00000u);
  const float other_nan = std::bit_cast<float>(0x7fc00001u);
  KeyedJaggedTensor rows(7);
  rows.add("x", jagged<float>({{nan}, {other_nan}, {0.0f}, {-0.0f}, {nan}, {-0.0f}, {other_nan}}));
  EXPECT_EQ(fold(rows).inverse_indices(), (Indices{0, 1, 2, 3, 0, 3, 1}));
  EXPECT_EQ(expand(fold(rows)), rows);
}

TEST(Fold, NoRowsAndNoKeys) {
  EXPECT_EQ(fold(KeyedJaggedTensor()), InverseKeyedJaggedTensor());
  EXPECT_EQ(fold(random_rows(1, {.num_rows = 0, .kinds = "iff"})).num_unique(), 0);
  // Without keys all rows are equal.
  EXPECT_EQ(fold(KeyedJaggedTensor(3)).inverse_indices(), (Indices{0, 0, 0}));
  EXPECT_EQ(expand(fold(KeyedJaggedTensor(3))), KeyedJaggedTensor(3));
}

TEST(Fold, AllEqualAndNoneEqual) {
  KeyedJaggedTensor equal(100), different(100);
  std::vector<std::vector<int64_t>> same(100, {1, 2}), own;
  for (int64_t i = 0; i < 100; ++i) own.push_back({i});
  equal.add("a", jagged<int64_t>(same));
  different.add("a", jagged<int64_t>(own));
  EXPECT_EQ(fold(equal).num_unique(), 1);
  EXPECT_EQ(fold(equal).inverse_indices(), Indices(100, 0));
  EXPECT_EQ(fold(different), InverseKeyedJaggedTensor::identity(different));
}

// The obvious fold: a linear search over the rows kept so far.
Indices brute_force_inverse(const ByteRows& rows) {
  ByteRows kept;
  Indices inverse;
  for (const auto& row : rows) {
    const auto found = std::find(kept.begin(), kept.end(), row);
    inverse.push_back(static_cast<int32_t>(found - kept.begin()));
    if (found == kept.end()) kept.push_back(row);
  }
  return inverse;
}

class FoldProperties : public testing::TestWithParam<std::string> {};

std::vector<RandomRows> shapes(const std::string& kinds) {
  std::vector<RandomRows> shapes;
  for (int64_t num_rows : {0, 1, 2, 7, 64, 257}) {
    for (int num_distinct : {1, 2, 5, 300}) {
      for (int max_length : {0, 1, 4, 40}) {
        for (double stay : {0.0, 0.8}) {
          shapes.push_back({num_rows, num_distinct, max_length, stay, kinds});
        }
      }
    }
  }
  return shapes;
}

TEST_P(FoldProperties, FoldIsTheBruteForceFoldAndExpandsBack) {
  uint64_t seed = 0;
  for (const RandomRows& shape : shapes(GetParam())) {
    const KeyedJaggedTensor rows = random_rows(++seed, shape);
    const InverseKeyedJaggedTensor folded = fold(rows);
    ASSERT_EQ(folded.inverse_indices(), brute_force_inverse(byte_rows(rows))) << "seed " << seed;
    ASSERT_EQ(expand(folded), rows) << "seed " << seed;
    ASSERT_LE(folded.num_unique(), folded.num_samples());
    // Every invariant holds, and folding again changes nothing.
    ASSERT_TRUE(InverseKeyedJaggedTensor::make(folded.unique(), folded.inverse_indices()).ok());
    ASSERT_EQ(fold(expand(folded)), folded) << "seed " << seed;
    ASSERT_EQ(fold(folded.unique()), InverseKeyedJaggedTensor::identity(folded.unique()));
  }
}

TEST_P(FoldProperties, HashCollisionsDoNotMatter) {
  uint64_t seed = 0;
  for (const RandomRows& shape : shapes(GetParam())) {
    const KeyedJaggedTensor rows = random_rows(++seed, shape);
    for (uint64_t mask : {uint64_t{0}, uint64_t{1}, uint64_t{0xff} << 56}) {
      ASSERT_EQ(fold_by_hash(rows, mask), fold(rows)) << "seed " << seed << ", mask " << mask;
    }
  }
}

TEST_P(FoldProperties, FromRefsDropsUnusedRowsAndExpandsToThePayload) {
  std::mt19937_64 random(11);
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const KeyedJaggedTensor payload = random_rows(
        seed,
        {.num_rows = static_cast<int64_t>(1 + seed % 9), .num_distinct = 6, .kinds = GetParam()});
    Indices refs(seed % 13);
    for (int32_t& ref : refs) ref = static_cast<int32_t>(random() % payload.num_rows());
    const InverseKeyedJaggedTensor ikjt = from_refs(payload, refs).value();
    ASSERT_EQ(expand(ikjt), select_rows(payload, refs)) << "seed " << seed;
    Indices distinct = refs;
    std::sort(distinct.begin(), distinct.end());
    distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
    ASSERT_EQ(ikjt.num_unique(), static_cast<int64_t>(distinct.size()));
    ASSERT_TRUE(InverseKeyedJaggedTensor::make(ikjt.unique(), ikjt.inverse_indices()).ok());
  }
}

TEST_P(FoldProperties, SelectRowsIsTheObviousLoop) {
  std::mt19937_64 random(12);
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const KeyedJaggedTensor rows = random_rows(
        seed,
        {.num_rows = static_cast<int64_t>(1 + seed % 20), .num_distinct = 9, .kinds = GetParam()});
    Indices indices;
    ByteRows expected;
    const ByteRows from = byte_rows(rows);
    for (size_t i = 0; i < seed % 30; ++i) {
      // Runs of neighbours are copied in one piece, so let there be some.
      const bool next = i > 0 && indices.back() + 1 < rows.num_rows() && random() % 2;
      indices.push_back(next ? indices.back() + 1
                             : static_cast<int32_t>(random() % rows.num_rows()));
      expected.push_back(from[indices.back()]);
    }
    const KeyedJaggedTensor selected = select_rows(rows, indices);
    ASSERT_EQ(byte_rows(selected), expected) << "seed " << seed;
    ASSERT_EQ(selected.keys(), rows.keys());
  }
}

INSTANTIATE_TEST_SUITE_P(Keys, FoldProperties, testing::Values("i", "f", "ii", "if", "fiif"));

TEST(FromRefs, RefOutsideThePayloadIsDataLoss) {
  for (int32_t bad : {-1, 3, 1000}) {
    const auto ikjt = from_refs(golden_b(), Indices{0, bad});
    ASSERT_FALSE(ikjt.ok());
    EXPECT_EQ(ikjt.status().code(), StatusCode::kDataLoss);
    EXPECT_EQ(ikjt.status().message(),
              "sample 1 refers to payload row " + std::to_string(bad) + " of 3");
  }
  EXPECT_EQ(from_refs(golden_b(), {}).value().num_unique(), 0);
}

}  // namespace
}  // namespace onefold
