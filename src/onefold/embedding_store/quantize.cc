// SPDX-License-Identifier: Apache-2.0
#include "onefold/embedding_store/quantize.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include <arrow/util/float16.h>
#include <fmt/format.h>

namespace onefold {
namespace {

constexpr std::array kNames = {"int4", "int8", "fp16", "fp32"};
constexpr float kMaxHalf = 65504.0f;

int32_t element_bits(EmbeddingFormat format) {
  constexpr std::array kBits = {4, 8, 16, 32};
  return kBits[static_cast<size_t>(format)];
}

bool has_metadata(EmbeddingFormat format) {
  return format == EmbeddingFormat::kInt4 || format == EmbeddingFormat::kInt8;
}

struct Affine {
  float scale = 0;
  float bias = 0;
};

int64_t pack(Affine affine) {
  return static_cast<int64_t>(static_cast<uint64_t>(std::bit_cast<uint32_t>(affine.bias)) << 32 |
                              std::bit_cast<uint32_t>(affine.scale));
}

Affine unpack(int64_t word) {
  const auto bits = static_cast<uint64_t>(word);
  return {std::bit_cast<float>(static_cast<uint32_t>(bits)),
          std::bit_cast<float>(static_cast<uint32_t>(bits >> 32))};
}

// Spreads `dim` codes over words; `code(d)` gives element d's bits.
template <typename Code>
void pack_row(int32_t dim, int32_t bits, int64_t* words, Code code) {
  const int32_t per_word = 64 / bits;
  for (int32_t begin = 0; begin < dim; begin += per_word) {
    uint64_t word = 0;
    for (int32_t d = begin; d < std::min(begin + per_word, dim); ++d) {
      word |= static_cast<uint64_t>(code(d)) << ((d - begin) * bits);
    }
    words[begin / per_word] = static_cast<int64_t>(word);
  }
}

uint32_t element(const int64_t* words, int32_t d, int32_t bits) {
  const int32_t per_word = 64 / bits;
  const uint64_t word = static_cast<uint64_t>(words[d / per_word]);
  return static_cast<uint32_t>(word >> ((d % per_word) * bits) & ((uint64_t{1} << bits) - 1));
}

void quantize_affine_row(int32_t bits, std::span<const float> row, int64_t* words) {
  const auto [low, high] = std::minmax_element(row.begin(), row.end());
  const auto levels = static_cast<float>((1 << bits) - 1);
  // In double: high - low may pass the largest float.
  const Affine affine{static_cast<float>((static_cast<double>(*high) - *low) / levels), *low};
  const auto dim = static_cast<int32_t>(row.size());
  pack_row(dim, bits, words, [&](int32_t d) {
    if (affine.scale == 0) return 0L;
    const double q = (static_cast<double>(row[d]) - affine.bias) / affine.scale;
    return std::clamp(std::lround(q), 0L, static_cast<long>(levels));
  });
  words[(dim + 64 / bits - 1) / (64 / bits)] = pack(affine);
}

}  // namespace

Result<EmbeddingFormat> parse_embedding_format(const std::string& name) {
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (name == kNames[i]) return static_cast<EmbeddingFormat>(i);
  }
  return invalid_argument("'" + name +
                          "' is no embedding format; expected int4, int8, fp16 or fp32");
}

const char* to_string(EmbeddingFormat format) { return kNames[static_cast<size_t>(format)]; }

int64_t words_per_row(EmbeddingFormat format, int32_t dim) {
  const int32_t per_word = 64 / element_bits(format);
  return (dim + per_word - 1) / per_word + has_metadata(format);
}

Status quantize(EmbeddingFormat format, const EmbeddingShape& shape, std::span<const float> values,
                std::span<int64_t> words) {
  ONEFOLD_CHECK(static_cast<int64_t>(values.size()) == shape.num_values() &&
                    static_cast<int64_t>(words.size()) == words_per_user(format, shape),
                "quantize: arrays do not have the shape's size");
  const float limit = format == EmbeddingFormat::kFp16 ? kMaxHalf : INFINITY;
  const int32_t bits = element_bits(format);
  for (int32_t token = 0; token < shape.tokens; ++token) {
    const auto row = values.subspan(static_cast<size_t>(token) * shape.dim, shape.dim);
    for (int32_t d = 0; d < shape.dim; ++d) {
      if (!std::isfinite(row[d]) || std::abs(row[d]) > limit) {
        return data_loss(
            fmt::format("embedding value {} at token {}, element {} cannot be stored as {}", row[d],
                        token, d, to_string(format)));
      }
    }
    int64_t* row_words = words.data() + token * words_per_row(format, shape.dim);
    if (has_metadata(format)) {
      quantize_affine_row(bits, row, row_words);
    } else if (format == EmbeddingFormat::kFp16) {
      pack_row(shape.dim, bits, row_words,
               [&](int32_t d) { return arrow::util::Float16(row[d]).bits(); });
    } else {
      pack_row(shape.dim, bits, row_words,
               [&](int32_t d) { return std::bit_cast<uint32_t>(row[d]); });
    }
  }
  return {};
}

void dequantize(EmbeddingFormat format, const EmbeddingShape& shape, std::span<const int64_t> words,
                std::span<float> values) {
  ONEFOLD_CHECK(static_cast<int64_t>(values.size()) == shape.num_values() &&
                    static_cast<int64_t>(words.size()) == words_per_user(format, shape),
                "dequantize: arrays do not have the shape's size");
  const int32_t bits = element_bits(format);
  const int64_t row_words = words_per_row(format, shape.dim);
  for (int32_t token = 0; token < shape.tokens; ++token) {
    const int64_t* row = words.data() + token * row_words;
    float* out = values.data() + static_cast<size_t>(token) * shape.dim;
    const Affine affine = has_metadata(format) ? unpack(row[row_words - 1]) : Affine{};
    for (int32_t d = 0; d < shape.dim; ++d) {
      const uint32_t code = element(row, d, bits);
      switch (format) {
        case EmbeddingFormat::kInt4:
        case EmbeddingFormat::kInt8:
          out[d] = affine.bias + affine.scale * static_cast<float>(code);
          break;
        case EmbeddingFormat::kFp16:
          out[d] = arrow::util::Float16::FromBits(static_cast<uint16_t>(code)).ToFloat();
          break;
        case EmbeddingFormat::kFp32:
          out[d] = std::bit_cast<float>(code);
          break;
      }
    }
  }
}

}  // namespace onefold
