// SPDX-License-Identifier: Apache-2.0
// dequantize_words: user embeddings from the words they are stored as, on unique rows.
#pragma once

#include <ATen/core/TensorBody.h>

#include "onefold/embedding_store/quantize.h"

namespace onefold {

// words int64 [U, words_per_user] -> float [U, tokens, dim], bit for bit what dequantize() of
// embedding_store/quantize.h gives; rows of zero words become zeros. No gradient.
at::Tensor dequantize_words(const at::Tensor& words, EmbeddingFormat format,
                            const EmbeddingShape& shape);

}  // namespace onefold
