// SPDX-License-Identifier: Apache-2.0
// Small matrix products over `Floats` of the including file, and moving rows in and out of them.
// Included by *_body.inl after simd/floats_*.h.
//
// C = A.B or C += A.B with A broadcast element by element and B read a register at a time. An
// element of C is one chain of fused multiply-adds in the order of the inner dimension, whatever
// the size of the product: its bits do not depend on how many rows are multiplied at once.
namespace onefold {
namespace {

constexpr int kAccumulators = Floats::kRegisters / 2;

constexpr int round_up(int n) { return (n + Floats::kLanes - 1) / Floats::kLanes * Floats::kLanes; }

// A row by row: A[i][k] is data[i * stride + k].
struct Rows {
  const float* data;
  int stride;
  float at(int i, int k) const { return data[i * stride + k]; }
  Rows from(int i) const { return {data + i * stride, stride}; }
};

// A column by column: A[i][k] is data[k * stride + i].
struct Columns {
  const float* data;
  int stride;
  float at(int i, int k) const { return data[k * stride + i]; }
  Columns from(int i) const { return {data + i, stride}; }
};

enum class Into { kSet, kAdd };

// C[kRows][kCount registers] = or += A.B
template <int kRows, int kCount, Into kInto, typename A>
void multiply_tile(A a, const float* b, int ldb, float* c, int ldc, int depth) {
  typename Floats::Register acc[kRows][kCount];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kCount; ++j) {
      acc[i][j] =
          kInto == Into::kAdd ? Floats::load(c + i * ldc + j * Floats::kLanes) : Floats::zero();
    }
  }
  for (int k = 0; k < depth; ++k) {
    typename Floats::Register row[kCount];
#pragma GCC unroll 4
    for (int j = 0; j < kCount; ++j) row[j] = Floats::load(b + k * ldb + j * Floats::kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      const auto x = Floats::broadcast(a.at(i, k));
#pragma GCC unroll 4
      for (int j = 0; j < kCount; ++j) acc[i][j] = Floats::fma(x, row[j], acc[i][j]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kCount; ++j) Floats::store(c + i * ldc + j * Floats::kLanes, acc[i][j]);
  }
}

// The rows in tiles of kRows, then of half as many, down to one.
template <int kRows, int kCount, Into kInto, typename A>
void multiply_rows(A a, const float* b, int ldb, float* c, int ldc, int rows, int depth) {
  while (rows >= kRows) {
    multiply_tile<kRows, kCount, kInto>(a, b, ldb, c, ldc, depth);
    a = a.from(kRows);
    c += kRows * ldc;
    rows -= kRows;
  }
  if constexpr (kRows > 1) {
    if (rows > 0) multiply_rows<kRows / 2, kCount, kInto>(a, b, ldb, c, ldc, rows, depth);
  }
}

// C[rows][columns] = or += A[rows][depth] . B[depth][columns]; columns in whole registers.
template <Into kInto, typename A>
void multiply(A a, const float* b, int ldb, float* c, int ldc, int rows, int columns, int depth) {
  int j = 0;
  for (; j + 4 * Floats::kLanes <= columns; j += 4 * Floats::kLanes) {
    multiply_rows<kAccumulators / 4, 4, kInto>(a, b + j, ldb, c + j, ldc, rows, depth);
  }
  for (; j + 2 * Floats::kLanes <= columns; j += 2 * Floats::kLanes) {
    multiply_rows<kAccumulators / 2, 2, kInto>(a, b + j, ldb, c + j, ldc, rows, depth);
  }
  for (; j < columns; j += Floats::kLanes) {
    multiply_rows<kAccumulators, 1, kInto>(a, b + j, ldb, c + j, ldc, rows, depth);
  }
}

void clear(float* data, int size) {
  for (int i = 0; i < size; ++i) data[i] = 0.0f;
}

// Elements [0, dim) of `row` as floats, then zeros up to a whole register.
template <typename T>
void convert_row(const T* row, int dim, float* out) {
  int d = 0;
  for (; d + Floats::kLanes <= dim; d += Floats::kLanes) {
    Floats::store(out + d, Floats::load(row + d));
  }
  if (d == dim) return;
  T padded[Floats::kLanes] = {};
  for (int i = 0; d + i < dim; ++i) padded[i] = row[d + i];
  Floats::store(out + d, Floats::load(padded));
}

template <typename T>
void store_row(const float* row, float factor, int dim, T* out) {
  const auto scale = Floats::broadcast(factor);
  int d = 0;
  for (; d + Floats::kLanes <= dim; d += Floats::kLanes) {
    Floats::store(out + d, Floats::multiply(Floats::load(row + d), scale));
  }
  if (d == dim) return;
  T padded[Floats::kLanes];
  Floats::store(padded, Floats::multiply(Floats::load(row + d), scale));
  for (int i = 0; d + i < dim; ++i) out[d + i] = padded[i];
}

}  // namespace
}  // namespace onefold
