// SPDX-License-Identifier: Apache-2.0
#include "onefold/model/model_config.h"

#include <functional>

#include <gtest/gtest.h>

#include "onefold/model/planted_batches.h"

namespace onefold {
namespace {

TEST(ModelConfig, Defaults) {
  ModelConfig config;
  config.dim = 24;
  config.tables = {{"a", 10}, {"b", 10, 8}};
  config.blocks = {{.type = BlockType::kTransformer, .group = "history"}};
  config = with_defaults(config, planted_schema());
  EXPECT_EQ(config.tables[0].dim, 24);
  EXPECT_EQ(config.tables[1].dim, 8);
  EXPECT_EQ(config.blocks[0].dim, 24);
  EXPECT_EQ(config.blocks[0].ffn, 96);
  EXPECT_EQ(config.blocks[0].name, "transformer_history");
  EXPECT_EQ(config.labels, (std::vector<std::string>{"click", "like"}));  // "watch" is no 0 or 1
  EXPECT_EQ(config.dense, (std::vector<std::string>{"age", "price"}));
  EXPECT_EQ(with_defaults(config, planted_schema()), config);
}

TEST(ModelConfig, Names) {
  for (BlockType type : {BlockType::kPool, BlockType::kDin, BlockType::kTransformer}) {
    EXPECT_EQ(parse_block_type(to_string(type)).value(), type);
  }
  for (Combine combine : {Combine::kSum, Combine::kConcat}) {
    EXPECT_EQ(parse_combine(to_string(combine)).value(), combine);
  }
  for (Pooling pooling : {Pooling::kSum, Pooling::kMean}) {
    EXPECT_EQ(parse_pooling(to_string(pooling)).value(), pooling);
  }
  EXPECT_EQ(parse_block_type("hstu").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(parse_combine("").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(parse_pooling("max").status().code(), StatusCode::kInvalidArgument);
}

struct Mistake {
  const char* name;
  std::function<void(ModelConfig&)> make;
  StatusCode code;
  const char* message;  // part of it
};

class MistakeTest : public testing::TestWithParam<Mistake> {};

using enum StatusCode;
INSTANTIATE_TEST_SUITE_P(
    All, MistakeTest,
    testing::Values(
        Mistake{"no_table", [](auto& m) { m.features[0].table = "x"; }, kNotFound, "table 'x'"},
        Mistake{"no_feature", [](auto& m) { m.features[1].name = "histroy"; }, kNotFound,
                "'histroy'"},
        Mistake{"dense_as_id", [](auto& m) { m.features[1].name = "age"; }, kSchema,
                "'age' is dense"},
        Mistake{"floats_as_ids", [](auto& m) { m.features[1].name = "dwell"; }, kSchema, "'dwell'"},
        Mistake{"twice", [](auto& m) { m.features.push_back(m.features[0]); }, kInvalidArgument,
                "'item_id' is configured twice"},
        Mistake{"table_twice", [](auto& m) { m.tables.push_back(m.tables[0]); }, kInvalidArgument,
                "'item' is defined twice"},
        Mistake{"no_rows", [](auto& m) { m.tables[0].rows = 0; }, kInvalidArgument,
                "rows of table 'item'"},
        Mistake{"huge", [](auto& m) { m.tables[0].rows = 1LL << 31; }, kInvalidArgument, "at most"},
        Mistake{"label", [](auto& m) { m.labels = {"clik"}; }, kNotFound, "label 'clik'"},
        Mistake{"no_labels", [](auto& m) { m.labels = {}; }, kInvalidArgument, "labels is empty"},
        Mistake{"dense", [](auto& m) { m.dense = {"topic"}; }, kSchema,
                "'topic' is listed in dense"},
        Mistake{"no_dense", [](auto& m) { m.dense = {"x"}; }, kNotFound, "dense feature 'x'"},
        Mistake{"dim", [](auto& m) { m.dim = -1; }, kInvalidArgument, "dim of the model"},
        Mistake{"top", [](auto& m) { m.top = {0}; }, kInvalidArgument, "top"},
        Mistake{"truncate", [](auto& m) { m.features[1].truncate = -3; }, kInvalidArgument,
                "truncate"},
        Mistake{"group", [](auto& m) { m.blocks[0].group = "profile"; }, kSchema,
                "'history' is in group 'history', not in 'profile'"},
        Mistake{"kind", [](auto& m) { m.blocks[0].floats = {"history"}; }, kSchema,
                "'history' is id_list, not float_list"},
        Mistake{"unmapped", [](auto& m) { m.features.erase(m.features.begin() + 1); }, kNotFound,
                "no [[feature]] says which table 'history' looks up"},
        Mistake{"empty", [](auto& m) { m.blocks[0].features = {}; }, kInvalidArgument,
                "no features"},
        Mistake{"same_name", [](auto& m) { m.blocks.push_back(m.blocks[0]); }, kInvalidArgument,
                "two blocks are named 'din_history'"},
        Mistake{"sum_dim", [](auto& m) { m.blocks[0].dim = 32; }, kInvalidArgument,
                "dim 32 but table 'item' has dim 16"},
        Mistake{"no_query", [](auto& m) { m.blocks[0].query = {}; }, kInvalidArgument, "query"},
        Mistake{"grouped_query", [](auto& m) { m.blocks[0].query = {"history"}; }, kSchema,
                "a query is stored per sample"},
        Mistake{"hidden", [](auto& m) { m.blocks[0].hidden = 1; }, kInvalidArgument, "at least 2"},
        Mistake{"max_length", [](auto& m) { m.blocks[0].max_length = 0; }, kInvalidArgument,
                "max_length"},
        Mistake{"heads",
                [](auto& m) {
                  m.blocks[0].type = BlockType::kTransformer;
                  m.blocks[0].heads = 3;
                },
                kInvalidArgument, "dim 16 is not a multiple of heads 3"},
        Mistake{"nothing",
                [](auto& m) {
                  m.features = {};
                  m.dense = {};
                  m.blocks = {};
                },
                kInvalidArgument, "reads nothing"}),
    [](const auto& info) { return info.param.name; });

TEST_P(MistakeTest, IsOneClearLine) {
  ModelConfig config = planted_model(BlockType::kDin);
  ASSERT_TRUE(check_model(config, planted_schema()).ok());
  GetParam().make(config);
  const Status status = check_model(config, planted_schema());
  EXPECT_EQ(status.code(), GetParam().code) << status.message();
  EXPECT_NE(status.message().find(GetParam().message), std::string::npos) << status.message();
  EXPECT_EQ(status.message().find('\n'), std::string::npos);
}

}  // namespace
}  // namespace onefold
