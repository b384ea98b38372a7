// SPDX-License-Identifier: Apache-2.0
// The PTX that matrix kernels use: asynchronous copies, matrix loads, mma.sync (m16n8k16) and
// Hopper's wgmma. Names of parts of a fragment follow the PTX manual: a lane has group = lane / 4
// and pair = lane % 4; an accumulator of 16 x 8 holds c[0..1] at row group, columns 2 pair and
// 2 pair + 1, c[2..3] eight rows below.
#pragma once

#include <cstdint>

#include <cuda_bf16.h>
#include <cuda_fp16.h>

namespace onefold {

__device__ __forceinline__ uint32_t shared_address(const void* pointer) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(pointer));
}

// ---------------------------------------------------------------------- asynchronous copies

// 16 bytes to shared memory past L1; zeros when not `valid` (the source is then not read).
__device__ __forceinline__ void copy16_async(uint32_t to, const void* from, bool valid) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\n" ::"r"(to), "l"(from),
               "r"(valid ? 16 : 0)
               : "memory");
}
__device__ __forceinline__ void commit_copies() {
  asm volatile("cp.async.commit_group;\n" ::: "memory");
}
// Until at most kPending of this thread's groups are under way.
template <int kPending>
__device__ __forceinline__ void wait_copies() {
  asm volatile("cp.async.wait_group %0;\n" ::"n"(kPending) : "memory");
}

// ----------------------------------------------------------------------------- matrix loads

// Four 8 x 8 matrices of 16-bit elements; lanes 8i .. 8i + 7 give the addresses of matrix i's rows.
__device__ __forceinline__ void load_matrices(uint32_t (&r)[4], uint32_t row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];\n"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(row)
               : "memory");
}
__device__ __forceinline__ void load_matrices_transposed(uint32_t (&r)[4], uint32_t row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];\n"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(row)
               : "memory");
}
// The transpose of one 8 x 8 matrix held across the warp.
__device__ __forceinline__ uint32_t transpose_matrix(uint32_t x) {
  uint32_t y;
  asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;\n" : "=r"(y) : "r"(x));
  return y;
}

// ------------------------------------------------------------------------------- arithmetic

// c += a . b for a [16 x 16], b [16 x 8].
__device__ __forceinline__ void multiply_add(float (&c)[4], const uint32_t (&a)[4], uint32_t b0,
                                             uint32_t b1, __nv_bfloat16) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, "
      "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};\n"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
__device__ __forceinline__ void multiply_add(float (&c)[4], const uint32_t (&a)[4], uint32_t b0,
                                             uint32_t b1, __half) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, "
      "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};\n"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// Two floats as two 16-bit elements, `low` in the lower half.
__device__ __forceinline__ uint32_t pack_pair(float low, float high, __nv_bfloat16) {
  uint32_t r;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;\n" : "=r"(r) : "f"(high), "f"(low));
  return r;
}
__device__ __forceinline__ uint32_t pack_pair(float low, float high, __half) {
  uint32_t r;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;\n" : "=r"(r) : "f"(high), "f"(low));
  return r;
}

__device__ __forceinline__ float power_of_two(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;\n" : "=f"(y) : "f"(x));
  return y;
}

// Over the four lanes that hold one row of an accumulator.
__device__ __forceinline__ float row_maximum(float x) {
  x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 1));
  return fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 2));
}
__device__ __forceinline__ float row_sum(float x) {
  x += __shfl_xor_sync(0xffffffffu, x, 1);
  return x + __shfl_xor_sync(0xffffffffu, x, 2);
}

// ------------------------------------------------------------------------------ shared tiles

// Rows of kDim 16-bit elements in shared memory, 16-byte chunks swizzled so that the same chunk of
// eight consecutive rows lies in eight different bank groups.
template <int kDim>
struct SharedTile {
  static constexpr int kChunks = kDim / 8;
  static constexpr int kRowBytes = kDim * 2;
  uint32_t base;

  __device__ uint32_t chunk(int row, int chunk) const {
    const int swizzle = kChunks >= 8 ? row % 8 : row / (8 / kChunks) % kChunks;
    return base + row * kRowBytes + ((chunk ^ swizzle) << 4);
  }
};

// Copies `count` rows of `kRows` (zeros after them) with kThreads threads; `source(row)` points at
// the row's first element. Chunks past dim / 8 are zero.
template <int kDim, int kRows, int kThreads, typename Source>
__device__ __forceinline__ void copy_rows_async(const SharedTile<kDim>& tile, int thread, int count,
                                                int dim, Source source) {
  constexpr int kChunks = kDim / 8;
#pragma unroll
  for (int i = 0; i < (kRows * kChunks + kThreads - 1) / kThreads; ++i) {
    const int index = thread + i * kThreads;
    if (kRows * kChunks % kThreads != 0 && index >= kRows * kChunks) break;
    const int row = index / kChunks, chunk = index % kChunks;
    const bool valid = row < count && chunk * 8 < dim;
    copy16_async(tile.chunk(row, chunk), source(valid ? row : 0) + (valid ? chunk * 8 : 0), valid);
  }
}

}  // namespace onefold
