// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/embedding_words.h"

#include <cstring>
#include <random>
#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace onefold {
namespace {

class EmbeddingWordsTest : public testing::TestWithParam<EmbeddingFormat> {};
INSTANTIATE_TEST_SUITE_P(Formats, EmbeddingWordsTest,
                         testing::Values(EmbeddingFormat::kInt4, EmbeddingFormat::kInt8,
                                         EmbeddingFormat::kFp16, EmbeddingFormat::kFp32),
                         [](const auto& info) { return std::string(to_string(info.param)); });

TEST_P(EmbeddingWordsTest, EqualsTheScalarReferenceBitForBit) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  for (const EmbeddingShape& shape :
       {EmbeddingShape{1, 1}, EmbeddingShape{3, 15}, EmbeddingShape{2, 16}, EmbeddingShape{2, 17},
        EmbeddingShape{58, 256}}) {
    const int64_t width = words_per_user(GetParam(), shape);
    for (const int64_t users : {0, 1, 9}) {
      const at::Tensor words = at::zeros({users, width}, at::kLong);
      std::vector<float> expected(users * shape.num_values());
      for (int64_t u = 0; u < users; ++u) {
        std::vector<float> values(shape.num_values());
        for (float& value : values) value = normal(random);
        const std::span<int64_t> row(words.mutable_data_ptr<int64_t>() + u * width, width);
        if (u != 4) {  // which stays zero
          ASSERT_TRUE(quantize(GetParam(), shape, values, row).ok());
        }
        dequantize(GetParam(), shape, row,
                   std::span(expected).subspan(u * shape.num_values(), shape.num_values()));
      }
      const at::Tensor out = dequantize_words(words, GetParam(), shape);
      ASSERT_EQ(out.sizes(), (std::vector<int64_t>{users, shape.tokens, shape.dim}));
      EXPECT_EQ(std::memcmp(out.const_data_ptr<float>(), expected.data(),
                            expected.size() * sizeof(float)),
                0)
          << users << " users of " << shape.tokens << "x" << shape.dim;
      if (users > 4) {
        EXPECT_EQ(out[4].abs().max().item<float>(), 0);
      }
    }
  }
}

}  // namespace
}  // namespace onefold
