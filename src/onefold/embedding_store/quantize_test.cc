// SPDX-License-Identifier: Apache-2.0
#include "onefold/embedding_store/quantize.h"

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace onefold {
namespace {

constexpr std::array kFormats = {EmbeddingFormat::kInt4, EmbeddingFormat::kInt8,
                                 EmbeddingFormat::kFp16, EmbeddingFormat::kFp32};

std::vector<float> random_values(const EmbeddingShape& shape, uint32_t seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal(0.3f, 2.0f);
  std::vector<float> values(shape.num_values());
  for (float& value : values) value = normal(engine);
  return values;
}

std::vector<float> round_trip(EmbeddingFormat format, const EmbeddingShape& shape,
                              const std::vector<float>& values) {
  std::vector<int64_t> words(words_per_user(format, shape));
  EXPECT_TRUE(quantize(format, shape, values, words).ok());
  std::vector<float> back(values.size());
  dequantize(format, shape, words, back);
  return back;
}

TEST(Quantize, PublishedSizeOfAnInt4Embedding) {
  const EmbeddingShape shape;
  EXPECT_EQ(words_per_row(EmbeddingFormat::kInt4, 256), 17);
  EXPECT_EQ(words_per_user(EmbeddingFormat::kInt4, shape) * 8, 7888);
  EXPECT_EQ(words_per_row(EmbeddingFormat::kInt8, 256), 33);
  EXPECT_EQ(words_per_row(EmbeddingFormat::kFp16, 256), 64);
  EXPECT_EQ(words_per_row(EmbeddingFormat::kFp32, 256), 128);
}

TEST(Quantize, NibblesGoLittleEndFirstAndMetadataLast) {
  // Row 0, 1, ..., 15, 30: scale 2, bias 0, codes 0 0.5 1 ... rounded half away from zero.
  const EmbeddingShape shape{1, 17};
  std::vector<float> row;
  for (int i = 0; i < 16; ++i) row.push_back(2.0f * static_cast<float>(i));
  row.push_back(4.0f);
  std::vector<int64_t> words(words_per_user(EmbeddingFormat::kInt4, shape));
  ASSERT_EQ(words.size(), 3u);
  ASSERT_TRUE(quantize(EmbeddingFormat::kInt4, shape, row, words).ok());
  EXPECT_EQ(static_cast<uint64_t>(words[0]), 0xfedcba9876543210u);
  EXPECT_EQ(words[1], 2);                    // element 16 in the lowest nibble, the rest unused
  EXPECT_EQ(words[2], int64_t{0x40000000});  // scale 2.0f in the low half, bias 0 in the high half
}

TEST(Quantize, ErrorStaysWithinHalfAStep) {
  for (const EmbeddingShape shape : {EmbeddingShape{58, 256}, EmbeddingShape{3, 5},
                                     EmbeddingShape{1, 1}, EmbeddingShape{2, 16}}) {
    const std::vector<float> values = random_values(shape, 7);
    for (EmbeddingFormat format : kFormats) {
      const std::vector<float> back = round_trip(format, shape, values);
      for (int32_t token = 0; token < shape.tokens; ++token) {
        const auto begin = values.begin() + static_cast<int64_t>(token) * shape.dim;
        const auto [low, high] = std::minmax_element(begin, begin + shape.dim);
        for (int32_t d = 0; d < shape.dim; ++d) {
          const size_t i = static_cast<size_t>(token) * shape.dim + d;
          float bound = 0;  // fp32 is exact
          if (format == EmbeddingFormat::kInt4) bound = (*high - *low) / 15 / 2 * 1.0001f;
          if (format == EmbeddingFormat::kInt8) bound = (*high - *low) / 255 / 2 * 1.001f;
          if (format == EmbeddingFormat::kFp16) bound = std::abs(values[i]) / 2048;
          ASSERT_LE(std::abs(back[i] - values[i]), bound) << to_string(format) << " element " << i;
        }
      }
    }
  }
}

TEST(Quantize, ConstantRowsAreExact) {
  const EmbeddingShape shape{2, 20};
  std::vector<float> values(40, -0.1f);
  for (int i = 20; i < 40; ++i) values[i] = 0.0f;
  for (EmbeddingFormat format :
       {EmbeddingFormat::kInt4, EmbeddingFormat::kInt8, EmbeddingFormat::kFp32}) {
    EXPECT_EQ(round_trip(format, shape, values), values) << to_string(format);
  }
}

TEST(Quantize, LargestSpreadDoesNotOverflow) {
  const float largest = std::numeric_limits<float>::max();
  const std::vector<float> back = round_trip(EmbeddingFormat::kInt8, {1, 2}, {-largest, largest});
  EXPECT_TRUE(std::isfinite(back[0]));
  EXPECT_EQ(back[0], -largest);
}

TEST(Quantize, RefusesWhatIsNotFinite) {
  const EmbeddingShape shape{2, 3};
  std::vector<float> values = {0, 1, 2, 3, NAN, 5};
  for (EmbeddingFormat format : kFormats) {
    std::vector<int64_t> words(words_per_user(format, shape));
    const Status status = quantize(format, shape, values, words);
    EXPECT_EQ(status.code(), StatusCode::kDataLoss);
    EXPECT_NE(status.message().find("token 1, element 1"), std::string::npos) << status.message();
  }
  values[4] = 70000.0f;  // finite, but past the largest half
  std::vector<int64_t> words(words_per_user(EmbeddingFormat::kFp16, shape));
  EXPECT_EQ(quantize(EmbeddingFormat::kFp16, shape, values, words).code(), StatusCode::kDataLoss);
}

TEST(Quantize, FormatNames) {
  for (EmbeddingFormat format : kFormats) {
    EXPECT_EQ(parse_embedding_format(to_string(format)).value(), format);
  }
  EXPECT_EQ(parse_embedding_format("int2").status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace onefold
