// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/embedding_words.h"

#include <bit>
#include <cstring>

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <c10/util/Half.h>

#include "onefold/base/check.h"

namespace onefold {
namespace {

static_assert(std::endian::native == std::endian::little, "words are read as bytes below");

struct Affine {
  float scale, bias;
};

Affine metadata(const int64_t* word) {
  Affine affine;
  std::memcpy(&affine, word, sizeof(affine));  // scale in the low half
  return affine;
}

// One token's row: the codes of element d lie in byte order, the lower nibble first.
void int4_row(const int64_t* words, int64_t num_words, int32_t dim, float* out) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(words);
  const Affine affine = metadata(words + num_words - 1);
  for (int32_t d = 0; d + 1 < dim; d += 2) {
    out[d] = affine.bias + affine.scale * static_cast<float>(bytes[d / 2] & 15);
    out[d + 1] = affine.bias + affine.scale * static_cast<float>(bytes[d / 2] >> 4);
  }
  if (dim % 2 == 1) {
    out[dim - 1] = affine.bias + affine.scale * static_cast<float>(bytes[dim / 2] & 15);
  }
}

void int8_row(const int64_t* words, int64_t num_words, int32_t dim, float* out) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(words);
  const Affine affine = metadata(words + num_words - 1);
  for (int32_t d = 0; d < dim; ++d) {
    out[d] = affine.bias + affine.scale * static_cast<float>(bytes[d]);
  }
}

void fp16_row(const int64_t* words, int64_t /*num_words*/, int32_t dim, float* out) {
  const auto* halves = reinterpret_cast<const c10::Half*>(words);
  for (int32_t d = 0; d < dim; ++d) out[d] = halves[d];
}

void fp32_row(const int64_t* words, int64_t /*num_words*/, int32_t dim, float* out) {
  std::memcpy(out, words, sizeof(float) * static_cast<size_t>(dim));
}

}  // namespace

at::Tensor dequantize_words(const at::Tensor& words, EmbeddingFormat format,
                            const EmbeddingShape& shape) {
  const int64_t num_words = words_per_row(format, shape.dim);
  ONEFOLD_CHECK(words.dim() == 2 && words.scalar_type() == at::kLong && words.is_contiguous() &&
                    words.size(1) == shape.tokens * num_words,
                "dequantize_words takes contiguous words [U, words_per_user]");
  constexpr decltype(&int4_row) kRows[] = {int4_row, int8_row, fp16_row, fp32_row};
  const auto row = kRows[static_cast<size_t>(format)];
  at::Tensor out = at::empty({words.size(0), shape.tokens, shape.dim}, at::kFloat);
  const int64_t* from = words.const_data_ptr<int64_t>();
  float* to = out.mutable_data_ptr<float>();
  at::parallel_for(0, words.size(0) * shape.tokens, 1 << 7, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      row(from + i * num_words, num_words, shape.dim, to + i * shape.dim);
    }
  });
  return out;
}

}  // namespace onefold
