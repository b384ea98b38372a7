// SPDX-License-Identifier: Apache-2.0
// How a user embedding of `tokens` x `dim` floats is stored: per token a row of int64 words.
//
//   format  words per row of 256        holds
//   int4    16 nibble words + 1 = 17    x ~ bias + scale * q, q in 0..15
//   int8    32 byte words + 1 = 33      x ~ bias + scale * q, q in 0..255
//   fp16    64                          IEEE half, round to nearest even
//   fp32    128                         the bits
//
// The last word of int4 and int8 rows is metadata: float32 scale in bits 0..31, float32 bias in
// bits 32..63. Element d sits in word d / per_word at bit (d % per_word) * element_bits, little end
// first; unused elements of a last word are 0. With 58 x 256 an int4 embedding is 58 * 17 words =
// 7,888 B, the size DV365 (arXiv 2506.00450) publishes; its order of nibbles and metadata is not
// public, this is ours.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "onefold/base/status.h"

namespace onefold {

enum class EmbeddingFormat { kInt4, kInt8, kFp16, kFp32 };
Result<EmbeddingFormat> parse_embedding_format(const std::string& name);  // "int4", "int8", ...
const char* to_string(EmbeddingFormat format);

struct EmbeddingShape {
  int32_t tokens = 58;
  int32_t dim = 256;

  int64_t num_values() const { return static_cast<int64_t>(tokens) * dim; }
  bool operator==(const EmbeddingShape&) const = default;
};

// Words of one token's row, metadata included.
int64_t words_per_row(EmbeddingFormat format, int32_t dim);
// Words of one user's embedding.
inline int64_t words_per_user(EmbeddingFormat format, const EmbeddingShape& shape) {
  return shape.tokens * words_per_row(format, shape.dim);
}

// One embedding to words and back. int4 and int8 choose scale and bias per row from its minimum and
// maximum; a constant row is exact. A NaN or infinity in a row gives kDataLoss with its position: a
// broken model must not be published. fp16 refuses values past 65504 in the same way.
Status quantize(EmbeddingFormat format, const EmbeddingShape& shape,
                std::span<const float> values,  // [tokens * dim]
                std::span<int64_t> words);      // [words_per_user]
void dequantize(EmbeddingFormat format, const EmbeddingShape& shape,
                std::span<const int64_t> words,  // [words_per_user]
                std::span<float> values);        // [tokens * dim]

}  // namespace onefold
