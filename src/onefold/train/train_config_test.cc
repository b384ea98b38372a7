// SPDX-License-Identifier: Apache-2.0
#include "onefold/train/train_config.h"

#include <functional>

#include <gtest/gtest.h>

#include "onefold/base/nearest_name.h"
#include "onefold/model/planted_batches.h"

namespace onefold {
namespace {

TEST(NearestName, Edits) {
  EXPECT_EQ(nearest_name("batchsize", {"table", "batch_size", "holdout"}), "batch_size");
  EXPECT_EQ(nearest_name("eopchs", {"seed", "epochs"}), "epochs");
  EXPECT_EQ(nearest_name("x", {}), "");
}

TEST(TrainConfig, DefaultConfigSuitsItsSchema) {
  for (BlockType type : {BlockType::kPool, BlockType::kDin, BlockType::kTransformer}) {
    const TrainConfig config = default_config(planted_schema(), type);
    const auto resolved = resolve(config, planted_schema());
    ASSERT_TRUE(resolved.ok()) << resolved.status().message();
    ASSERT_EQ(resolved->model.blocks.size(), 2u);  // history and profile
    EXPECT_EQ(resolved->model.blocks[0].features, (std::vector<std::string>{"history"}));
    EXPECT_EQ(resolved->model.blocks[0].floats, (std::vector<std::string>{"dwell"}));
    EXPECT_EQ(resolved->model.labels, (std::vector<std::string>{"click", "like"}));
  }
  const TrainConfig config = default_config(planted_schema(), BlockType::kTransformer,
                                            {.item_features = {"history"}, .item_rows = 77});
  EXPECT_EQ(config.model.blocks.size(), 1u);
  EXPECT_EQ(config.model.tables[0].rows, 77);
  EXPECT_EQ(config.model.features.size(), 7u);  // item_id and six id features
}

TEST(TrainConfig, NumbersOutOfRange) {
  const std::pair<std::function<void(TrainConfig&)>, const char*> cases[] = {
      {[](auto& c) { c.data.batch_size = 0; }, "batch_size"},
      {[](auto& c) { c.loop.epochs = -1; }, "epochs"},
      {[](auto& c) { c.loop.learning_rate = 0; }, "learning_rate"},
      {[](auto& c) { c.data.holdout = 1; }, "holdout"},
      {[](auto& c) { c.data.holdout = NAN; }, "holdout"},
      {[](auto& c) { c.checkpoint.keep = 0; }, "keep"},
      {[](auto& c) { c.loop.log_every = 0; }, "log_every"},
  };
  for (const auto& [make, key] : cases) {
    TrainConfig config;
    make(config);
    EXPECT_EQ(check_config(config).code(), StatusCode::kInvalidArgument);
    EXPECT_NE(check_config(config).message().find(key), std::string::npos);
  }
  TrainConfig both;
  both.data.eval_table = "x";
  both.data.holdout = 0.1;
  EXPECT_FALSE(check_config(both).ok());
}

TEST(TrainConfig, TransformsFollowTheModel) {
  ModelConfig model = planted_model(BlockType::kTransformer);
  model.features[0].hash = true;   // item_id
  model.features[4].truncate = 3;  // tags
  std::vector<std::string> all;
  for (const FeatureTransform& transform : make_transforms(model)) {
    all.push_back(transform.feature +
                  (transform.kind == FeatureTransform::Kind::kHash ? " hash " : " truncate ") +
                  std::to_string(transform.size));
  }
  EXPECT_EQ(all,
            (std::vector<std::string>{"history truncate 20", "history_topic truncate 20",
                                      "dwell truncate 20", "tags truncate 3", "item_id hash 200"}));
  EXPECT_EQ(columns_read(model),
            (std::vector<std::string>{"age", "click", "country", "dwell", "history",
                                      "history_topic", "interests", "price", "tags", "topic"}));
}

TEST(TrainConfig, HashCoversWhatDecidesTheWeights) {
  TrainConfig config = default_config(planted_schema(), BlockType::kDin);
  const std::string hash = config_hash(config);
  EXPECT_EQ(hash.size(), 16u);
  TrainConfig same = config;
  same.loop.threads = 7;
  same.loop.max_steps = 3;
  same.loop.dedup = false;
  same.data.table = "elsewhere";
  EXPECT_EQ(config_hash(same), hash);
  for (const std::function<void(TrainConfig&)>& change :
       std::vector<std::function<void(TrainConfig&)>>{
           [](auto& c) { c.loop.seed = 5; }, [](auto& c) { c.data.batch_size = 5; },
           [](auto& c) { c.model.blocks[0].hidden = 64; },
           [](auto& c) { c.model.tables[0].rows = 5; },
           [](auto& c) { c.loop.learning_rate = 0.5; }}) {
    TrainConfig other = config;
    change(other);
    EXPECT_NE(config_hash(other), hash);
  }
}

}  // namespace
}  // namespace onefold
