// SPDX-License-Identifier: Apache-2.0
#include "onefold/train/config_file.h"

#include <gtest/gtest.h>

namespace onefold {
namespace {

constexpr const char* kFull = R"(
[data]
table = "tables/a"
holdout = 0.25
batch_size = 512
shuffle = false
[model]
dim = 48
labels = ["click", "like"]
dense = []
top = [64]
[[table]]
name = "item"
rows = 1000
[[table]]
name = "topic"
rows = 10
dim = 4
[[feature]]
name = "item_id"
table = "item"
[[feature]]
name = "history"
table = "item"
pooling = "sum"
hash = false
truncate = 7
[[block]]
type = "din"
group = "user"
features = ["history"]
query = ["item_id"]
combine = "concat"
hidden = 64
[train]
epochs = 3
learning_rate = 1
seed = 9
dedup = false
group_auc_by = "session"
[checkpoint]
directory = "ckpt"
every = 10
)";

TEST(ConfigFile, ReadsEverySection) {
  const TrainConfig config = parse_config(kFull, "full.toml").value();
  EXPECT_EQ(config.data.table, "tables/a");
  EXPECT_EQ(config.data.holdout, 0.25);
  EXPECT_EQ(config.data.batch_size, 512);
  EXPECT_FALSE(config.data.shuffle);
  EXPECT_EQ(config.model.dim, 48);
  EXPECT_EQ(config.model.labels, (std::vector<std::string>{"click", "like"}));
  EXPECT_TRUE(config.model.dense.empty());
  EXPECT_EQ(config.model.top, (std::vector<int64_t>{64}));
  EXPECT_EQ(config.model.bottom, ModelConfig().bottom);
  ASSERT_EQ(config.model.tables.size(), 2u);
  EXPECT_EQ(config.model.tables[1], (TableConfig{"topic", 10, 4}));
  ASSERT_EQ(config.model.features.size(), 2u);
  EXPECT_EQ(config.model.features[1], (FeatureConfig{"history", "item", Pooling::kSum, false, 7}));
  ASSERT_EQ(config.model.blocks.size(), 1u);
  EXPECT_EQ(config.model.blocks[0].type, BlockType::kDin);
  EXPECT_EQ(config.model.blocks[0].combine, Combine::kConcat);
  EXPECT_EQ(config.model.blocks[0].hidden, 64);
  EXPECT_EQ(config.loop.learning_rate, 1.0);  // an integer where a number is wanted
  EXPECT_EQ(config.loop.seed, 9u);
  EXPECT_FALSE(config.loop.dedup);
  EXPECT_EQ(config.loop.group_auc_by, GroupAucBy::kSession);
  EXPECT_EQ(config.checkpoint.every, 10);
}

TEST(ConfigFile, OnlyTheTableIsNeeded) {
  const TrainConfig config = parse_config("data.table = 't'\n", "a.toml").value();
  EXPECT_EQ(config.data.table, "t");
  EXPECT_EQ(config.loop.epochs, 1);
}

struct BadToml {
  const char* text;
  const char* message;  // the whole of it
};

TEST(ConfigFile, MistakesNameFileLineAndKey) {
  const BadToml cases[] = {
      {"[data]\ntable = 't'\nbatch_sise = 3\n",
       "a.toml:3: [data] has no key 'batch_sise'; did you mean 'batch_size'?"},
      {"[data]\ntable = 't'\n[trian]\n",
       "a.toml:3: the file has no key 'trian'; did you mean 'train'?"},
      {"[data]\ntable = 't'\n\n[[table]]\nname = 'x'\nrow = 3\n",
       "a.toml:6: [[table]] has no key 'row'; did you mean 'rows'?"},
      {"[data]\ntable = 't'\n[[block]]\ntype = 'din'\ngroup = 'g'\nlayer = 3\n",
       "a.toml:6: [[block]] has no key 'layer'; did you mean 'layers'?"},
      {"[data]\ntable = 't'\nbatch_size = '3'\n",
       "a.toml:3: [data] batch_size: expected an integer"},
      {"[data]\ntable = 't'\nbatch_size = 1.5\n",
       "a.toml:3: [data] batch_size: expected an integer"},
      {"[data]\ntable = 7\n", "a.toml:2: [data] table: expected a string"},
      {"[data]\ntable = 't'\nshuffle = 1\n", "a.toml:3: [data] shuffle: expected true or false"},
      {"[data]\ntable = 't'\nholdout = 'x'\n", "a.toml:3: [data] holdout: expected a number"},
      {"[data]\ntable = 't'\n[model]\ntop = [1, 'x']\n",
       "a.toml:4: [model] top: expected a list of integers"},
      {"[data]\ntable = 't'\n[model]\ndense = 'x'\n",
       "a.toml:4: [model] dense: expected a list of strings"},
      {"[data]\ntable = 't'\n[train]\nseed = -1\n", "a.toml:4: [train] seed: must not be negative"},
      {"[data]\ntable = 't'\n[[block]]\ntype = 'lstm'\ngroup = 'g'\n",
       "a.toml:4: [[block]] type: 'lstm' is no block type; use pool, din or transformer"},
      {"[data]\ntable = 't'\n[[feature]]\nname = 'x'\n",
       "a.toml:3: [[feature]] table: is missing or empty"},
      {"[data]\nholdout = 0.1\n", "a.toml:1: [data] table: is missing or empty"},
      {"[data]\ntable = 't'\n[table]\nname = 'x'\n", "a.toml:3: write [[table]], once for each"},
      {"[[data]]\ntable = 't'\n", "a.toml:1: 'data' must be a section: [data]"},
  };
  for (const BadToml& bad : cases) {
    const auto result = parse_config(bad.text, "a.toml");
    ASSERT_FALSE(result.ok()) << bad.text;
    EXPECT_EQ(result.status().code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(result.status().message(), bad.message);
  }
}

TEST(ConfigFile, NotToml) {
  const Status status = parse_config("[data]\ntable = \n", "a.toml").status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("a.toml:2: not valid TOML"), std::string::npos)
      << status.message();
}

TEST(ConfigFile, MissingFile) {
  EXPECT_EQ(read_config_file("/nonexistent/x.toml").status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace onefold
