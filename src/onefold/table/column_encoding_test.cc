// SPDX-License-Identifier: Apache-2.0
#include "onefold/table/column_encoding.h"

#include <numeric>

#include "onefold/table/test_tables.h"

namespace onefold {
namespace {

ColumnEncoding choose(const TableColumn& column, const std::shared_ptr<arrow::Array>& array) {
  EncodingChooser chooser(3);
  return chooser.choose("x", {column}, {array}).at(0);
}

ColumnEncoding choose_ids(const JaggedTensor<int64_t>& rows) {
  const JaggedColumn column(rows);
  return choose({"x", ColumnType::kIdList}, to_arrow(column, FeatureKind::kIdList));
}

TEST(ColumnEncodingTest, FewDistinctIdsInNoOrderGetADictionary) {
  std::mt19937_64 random(1);
  std::vector<int64_t> vocabulary(200), row(20000);
  for (int64_t& id : vocabulary) id = static_cast<int64_t>(random());
  for (int64_t& id : row) id = vocabulary[random() % vocabulary.size()];
  JaggedTensor<int64_t> rows;
  rows.push_row(row);
  EXPECT_EQ(choose_ids(rows), ColumnEncoding::kDictionary);
}

TEST(ColumnEncodingTest, RandomIdsStayPlain) {
  std::mt19937_64 random(2);
  std::vector<int64_t> row(20000);
  for (int64_t& id : row) id = static_cast<int64_t>(random());
  JaggedTensor<int64_t> rows;
  rows.push_row(row);
  EXPECT_EQ(choose_ids(rows), ColumnEncoding::kPlain);
}

TEST(ColumnEncodingTest, ConsecutiveNumbersAreDeltas) {
  std::vector<int64_t> refs(20000);
  std::iota(refs.begin(), refs.end(), int64_t{1} << 40);
  EXPECT_EQ(choose({"ref", ColumnType::kInt64}, to_arrow(refs)), ColumnEncoding::kDelta);
}

TEST(ColumnEncodingTest, RandomFloatsOfOneScaleAreSplitByByte) {
  std::mt19937_64 random(3);
  std::normal_distribution<float> normal;
  JaggedTensor<float> rows;
  std::vector<float> row(400000);  // several zstd blocks: each has statistics of its own
  for (float& value : row) value = normal(random);
  rows.push_row(row);
  const JaggedColumn column(rows);
  EXPECT_EQ(choose({"x", ColumnType::kFloatList}, to_arrow(column, FeatureKind::kFloatList)),
            ColumnEncoding::kByteStreamSplit);
}

TEST(ColumnEncodingTest, AChoiceFromFewValuesIsMadeAgain) {
  const std::vector<TableColumn> columns = {{"x", ColumnType::kInt64}};
  std::mt19937_64 random(4);
  std::vector<int64_t> consecutive(70000), noise(20), more_noise(80000);
  std::iota(consecutive.begin(), consecutive.end(), 0);
  for (int64_t& value : noise) value = static_cast<int64_t>(random());
  for (int64_t& value : more_noise) value = static_cast<int64_t>(random());
  EncodingChooser chooser(3);
  EXPECT_EQ(chooser.choose("a", columns, {to_arrow(noise)})[0], ColumnEncoding::kPlain);
  EXPECT_EQ(chooser.choose("a", columns, {to_arrow(consecutive)})[0], ColumnEncoding::kDelta);
  // Now there were enough values: the choice stays, but only for this kind.
  EXPECT_EQ(chooser.choose("a", columns, {to_arrow(more_noise)})[0], ColumnEncoding::kDelta);
  EXPECT_EQ(chooser.choose("b", columns, {to_arrow(more_noise)})[0], ColumnEncoding::kPlain);
}

}  // namespace
}  // namespace onefold
