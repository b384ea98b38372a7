// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/batch_tensors.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "onefold/ops/gradient_check.h"

namespace onefold {
namespace {

// Two samples of one user (history [3, 5], dwell [0, NaN]) and one of another (empty history).
Batch small_batch() {
  Batch batch;
  batch.session_id = {1, 1, 2};
  batch.user_id = {1, 1, 2};
  batch.request_id = {1, 2, 3};
  batch.item_id = {5, 8, 3};
  batch.time_us = {1, 2, 3};
  const float nan = std::numeric_limits<float>::quiet_NaN();
  batch.dense = {{"age", "price"}, {1, nan, 2, -3, 4, 0}};
  batch.labels = {{"click", "like"}, {1, 0, 0, 0, 1, 1}};
  batch.features = KeyedJaggedTensor(3);
  batch.features.add("topic", JaggedTensor<int64_t>::make({2, 2}, {0, 1, 1, 2}).value());
  KeyedJaggedTensor unique(2);
  unique.add("history", JaggedTensor<int64_t>::make({3, 5}, {0, 2, 2}).value());
  unique.add("dwell", JaggedTensor<float>::make({1, nan}, {0, 2, 2}).value());
  batch.groups.push_back({"user", InverseKeyedJaggedTensor::make(unique, {0, 0, 1}).value()});
  return batch;
}

TensorPlan small_plan() {
  return {.dense = {"price", "age"},
          .labels = {"click"},
          .table_rows = {10, 4},
          .lookups = {{"history", 0}, {"item_id", 0}, {"topic", 1}},
          .float_lists = {"dwell"}};
}

TEST(BatchTensors, FeaturesOfOneTableShareItsDistinctIds) {
  BatchTensorizer tensorize(small_plan());
  for (int round = 0; round < 2; ++round) {  // nothing of the first batch is left in the second
    const BatchTensors tensors = tensorize(small_batch()).value();
    EXPECT_EQ(tensors.num_samples, 3);
    ASSERT_EQ(tensors.table_ids.size(), 2u);
    EXPECT_TRUE(at::equal(tensors.table_ids[0], at::tensor({3, 5, 8}, at::kLong)));
    EXPECT_TRUE(at::equal(tensors.table_ids[1], at::tensor({2}, at::kLong)));
    EXPECT_EQ(tensors.lookups[0].group, 0);
    EXPECT_TRUE(at::equal(tensors.lookups[0].ids.rows, int32_tensor({0, 1})));
    EXPECT_TRUE(at::equal(tensors.lookups[0].offsets, int32_tensor({0, 2, 2})));
    EXPECT_EQ(tensors.lookups[1].group, -1);
    EXPECT_TRUE(at::equal(tensors.lookups[1].ids.rows, int32_tensor({1, 2, 0})));
    EXPECT_TRUE(at::equal(tensors.lookups[1].offsets, int32_tensor({0, 1, 2, 3})));
    EXPECT_TRUE(at::equal(tensors.lookups[2].ids.rows, int32_tensor({0, 0})));
    EXPECT_TRUE(at::equal(tensors.lookups[2].offsets, int32_tensor({0, 1, 1, 2})));
    EXPECT_TRUE(at::equal(tensors.groups[0].fold.inverse_indices, int32_tensor({0, 0, 1})));
    EXPECT_EQ(tensors.groups[0].fold.num_unique(), 2);
    EXPECT_FALSE(tensors.groups[0].is_identity);
  }
}

TEST(BatchTensors, FloatsAreLoggedAndNaNIsZero) {
  BatchTensorizer tensorize(small_plan());
  const BatchTensors tensors = tensorize(small_batch()).value();
  const float log2 = std::log1p(1.0f);
  EXPECT_TRUE(at::equal(tensors.float_lists[0].values, at::tensor({log2, 0.0f})));
  EXPECT_TRUE(at::allclose(tensors.dense, at::tensor({0.0f, log2, -std::log1p(3.0f),
                                                      std::log1p(2.0f), 0.0f, std::log1p(4.0f)})
                                              .view({3, 2})));
  TensorPlan raw = small_plan();
  raw.dense_log1p = false;
  EXPECT_TRUE(at::equal(BatchTensorizer(raw)(small_batch()).value().dense,
                        at::tensor({0.f, 1.f, -3.f, 2.f, 0.f, 4.f}).view({3, 2})));
  EXPECT_TRUE(at::equal(tensors.labels, at::tensor({1.f, 0.f, 1.f}).view({3, 1})));
}

TEST(BatchTensors, UnfoldedBatchIsAnIdentity) {
  BatchTensorizer tensorize(small_plan());
  const BatchTensors tensors = tensorize(unfolded(small_batch())).value();
  EXPECT_TRUE(tensors.groups[0].is_identity);
  EXPECT_TRUE(at::equal(tensors.lookups[0].ids.rows, int32_tensor({0, 1, 0, 1})));
  EXPECT_TRUE(at::equal(tensors.table_ids[0], at::tensor({3, 5, 8}, at::kLong)));
}

TEST(BatchTensors, WhatTheDataCanGetWrong) {
  auto message = [](TensorPlan plan, const Batch& batch) {
    const auto result = BatchTensorizer(std::move(plan))(batch);
    EXPECT_FALSE(result.ok());
    EXPECT_EQ(result.status().code(), StatusCode::kSchema);
    return result.ok() ? "" : result.status().message();
  };
  TensorPlan plan = small_plan();
  plan.table_rows[0] = 8;
  EXPECT_NE(message(plan, small_batch()).find("'item_id' has id 8"), std::string::npos);
  plan = small_plan();
  plan.lookups.push_back({"dwell", 0});
  EXPECT_NE(message(plan, small_batch()).find("no id feature 'dwell'"), std::string::npos);
  plan = small_plan();
  plan.float_lists = {"history"};
  EXPECT_NE(message(plan, small_batch()).find("no float list 'history'"), std::string::npos);
  plan = small_plan();
  plan.dense = {"height"};
  EXPECT_NE(message(plan, small_batch()).find("no dense feature 'height'"), std::string::npos);
  Batch batch = small_batch();
  batch.labels.values[2] = 7;
  EXPECT_NE(message(small_plan(), batch).find("label 'click' of sample 1"), std::string::npos);
}

TEST(BatchTensors, RecoversAfterAnError) {
  BatchTensorizer tensorize(small_plan());
  Batch bad = small_batch();
  bad.item_id[1] = 99;
  EXPECT_FALSE(tensorize(bad).ok());
  EXPECT_TRUE(
      at::equal(tensorize(small_batch()).value().table_ids[0], at::tensor({3, 5, 8}, at::kLong)));
}

TEST(BatchTensors, EmptyBatch) {
  const std::vector<int32_t> none;
  BatchTensorizer tensorize(small_plan());
  const BatchTensors tensors = tensorize(select_samples(small_batch(), none)).value();
  EXPECT_EQ(tensors.num_samples, 0);
  EXPECT_EQ(tensors.table_ids[0].numel(), 0);
}

}  // namespace
}  // namespace onefold
