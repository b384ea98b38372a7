// SPDX-License-Identifier: Apache-2.0
// DIN's target attention on unique rows: samples score the values of their row by a small MLP and
// take the weighted sum. The user half of the MLP's first layer is an input, computed once per
// value (ops/din_attention.h has the algebra).
//
//   w[i, l] = bias + sum over h of score[h] * swish(candidate[i, h] + user[l, h]
//                                                   + sum over d of product[h, d] query[i, d]
//                                                   keys[l, d])
//   out[i]  = sum over l of w[i, l] keys[l]              l over the values of sample i's row
//
//   samples 0 1 2 3, inverse_indices 0 1 0 1, rows of 3 and 2 values
//   key_offsets 0 3 5     sample_offsets 0 2 4     samples 0 2 1 3
//
// A sample of an empty row gets zeros. A sample's result has the same bits whichever samples share
// its row. On the CPU only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "onefold/kernels/device.h"

namespace onefold {

struct DinShape {
  ScalarType type;                // float32 or float64, of every tensor
  int64_t num_rows;               // unique rows, U
  int64_t num_samples;            // B
  int64_t num_keys;               // values of all rows together
  int64_t width;                  // D: columns of a value and of a query
  int64_t hidden;                 // H
  const int32_t* key_offsets;     // [num_rows + 1]
  const int32_t* sample_offsets;  // [num_rows + 1]
  const int32_t* samples;         // [num_samples]: samples grouped by row
};

struct DinInputs {
  const void* query;      // [num_samples, width]
  const void* candidate;  // [num_samples, hidden]
  const void* keys;       // [num_keys, width]
  const void* user;       // [num_keys, hidden]
  const void* product;    // [hidden, width]
  const void* score;      // [hidden]
  const void* bias;       // [1]
};

struct DinGradients {
  const void* out;  // [num_samples, width]
  void* query;      // of the shapes above
  void* candidate;
  void* keys;
  void* user;
  void* product;
  void* score;
  void* bias;
};

size_t din_attention_workspace_bytes(const DinShape& shape);
void din_attention(const Device& device, const DinShape& shape, const DinInputs& inputs, void* out,
                   void* workspace);

// Rows are cut into kDinParts parts of about even cost, each with its own sum of the gradients of
// product, score and bias; the parts are added in order: the same bits for any number of threads.
inline constexpr int64_t kDinParts = 32;
size_t din_attention_backward_workspace_bytes(const DinShape& shape);
void din_attention_backward(const Device& device, const DinShape& shape, const DinInputs& inputs,
                            const DinGradients& gradients, void* workspace);

// Bodies. `places` count `samples`; a part's sums are [hidden * width + hidden + 1], zeroed: of
// product, score and bias. The vector bodies take float32; `scratch` holds din_scratch_floats().
struct DinRange {
  int64_t begin, end;
};
void din_attention_scalar(const DinShape& shape, const DinInputs& inputs, void* out,
                          const DinRange& places);
void din_attention_backward_scalar(const DinShape& shape, const DinInputs& inputs,
                                   const DinGradients& gradients, void* sums, const DinRange& rows);
int64_t din_scratch_floats(const DinShape& shape);
void din_attention_avx2(const DinShape& shape, const DinInputs& inputs, float* out,
                        const DinRange& places, float* scratch);
void din_attention_avx512(const DinShape& shape, const DinInputs& inputs, float* out,
                          const DinRange& places, float* scratch);
void din_attention_backward_avx2(const DinShape& shape, const DinInputs& inputs,
                                 const DinGradients& gradients, float* sums, const DinRange& rows,
                                 float* scratch);
void din_attention_backward_avx512(const DinShape& shape, const DinInputs& inputs,
                                   const DinGradients& gradients, float* sums, const DinRange& rows,
                                   float* scratch);

// What the vector bodies cut their work into, and how they round row widths up.
inline constexpr int kDinKeys = 64;     // values of a tile
inline constexpr int kDinSamples = 16;  // samples that share a tile in the forward pass
inline constexpr int kDinPad = 16;      // floats

}  // namespace onefold
