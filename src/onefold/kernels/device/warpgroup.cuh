// SPDX-License-Identifier: Apache-2.0
// Hopper's warpgroup matrix instructions (sm_90a), and what orders them.
#pragma once

#include <cstdint>

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "onefold/kernels/device/copy_engine.cuh"

namespace onefold {

// ------------------------------------------------------------------- barriers and registers

// Writes to shared memory that this thread made or has seen a barrier for, before reads by the
// tensor cores that it starts.
__device__ __forceinline__ void fence_for_tensor_cores() {
  asm volatile("fence.proxy.async.shared::cta;\n" ::: "memory");
}
// Barrier `id` among `threads` threads of the block.
__device__ __forceinline__ void named_barrier(int id, int threads) {
  asm volatile("bar.sync %0, %1;\n" ::"r"(id), "r"(threads) : "memory");
}

template <int kRegisters>
__device__ __forceinline__ void take_registers() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;\n" ::"n"(kRegisters));
}
template <int kRegisters>
__device__ __forceinline__ void give_registers() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;\n" ::"n"(kRegisters));
}

// ------------------------------------------------------------------------------------ wgmma

__device__ __forceinline__ void warpgroup_begin() {
  asm volatile("wgmma.fence.sync.aligned;\n" ::: "memory");
}
__device__ __forceinline__ void warpgroup_commit() {
  asm volatile("wgmma.commit_group.sync.aligned;\n" ::: "memory");
}
template <int kPending>
__device__ __forceinline__ void warpgroup_wait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;\n" ::"n"(kPending) : "memory");
}
// Keeps the compiler from moving accesses to accumulators across a wait.
template <int kSize>
__device__ __forceinline__ void pin(float (&registers)[kSize]) {
#pragma unroll
  for (int i = 0; i < kSize; ++i) asm volatile("" : "+f"(registers[i])::"memory");
}

// Keeps the assembler from moving what `sum`, never negative, is made of below what follows: it
// sinks arithmetic under a wait for matrix products that the arithmetic should hide.
__device__ __forceinline__ void stay_above(float sum) {
  if (__any_sync(0xffffffffu, sum < 0)) asm volatile("nanosleep.u32 1;\n" ::: "memory");
}

// Describes an operand in shared memory made of 8-row groups of 128-byte rows with the 128-byte
// swizzle (chunk c of row r at chunk c ^ r % 8), the groups 1,024 bytes apart. `block_bytes`: where
// an operand is wider than one 128-byte row, from one such block to the next. This is the lower
// half of the descriptor; the upper half, the group stride and the swizzle, is one constant.
__device__ __forceinline__ uint32_t swizzled_operand(uint32_t address, uint32_t block_bytes) {
  return (address & 0x3ffffu) >> 4 | block_bytes >> 4 << 16;
}
// The operand that begins `bytes` later.
__device__ __forceinline__ uint32_t advance(uint32_t operand, uint32_t bytes) {
  return operand + (bytes >> 4);
}
constexpr uint32_t kOperandHigh = 1024 >> 4 | 1u << 30;

#define ONEFOLD_D8(d, i)                                                                      \
  "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), \
      "+f"(d[i + 6]), "+f"(d[i + 7])

// d += a . b for a [64 x 16], in registers or shared memory, and b [16 x 64] or [16 x 128] in
// shared memory; without `accumulate` d = a . b. kTransposed: rows of `b` in memory are the inner
// dimension.
#define ONEFOLD_WGMMA(TYPE, NAME)                                                                 \
  template <int kTransposed>                                                                      \
  __device__ __forceinline__ void warpgroup_multiply(float(&d)[32], const uint32_t(&a)[4],        \
                                                     uint32_t b, int accumulate, TYPE) {          \
    asm volatile(                                                                                 \
        "{\n.reg .pred p;\nsetp.ne.b32 p, %37, 0;\n"                                              \
        ".reg .b64 b;\nmov.b64 b, {%36, %38};\n"                                                  \
        "wgmma.mma_async.sync.aligned.m64n64k16.f32." NAME "." NAME                               \
        " {"                                                                                      \
        "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,"                      \
        "%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31"                                     \
        "}, {%32,%33,%34,%35}, b, p, 1, 1, %39;\n}\n"                                             \
        : ONEFOLD_D8(d, 0), ONEFOLD_D8(d, 8), ONEFOLD_D8(d, 16), ONEFOLD_D8(d, 24)                \
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b), "r"(accumulate), "n"(kOperandHigh), \
          "n"(kTransposed)                                                                        \
        : "memory");                                                                              \
  }                                                                                               \
  template <int kTransposed>                                                                      \
  __device__ __forceinline__ void warpgroup_multiply(float(&d)[64], const uint32_t(&a)[4],        \
                                                     uint32_t b, int accumulate, TYPE) {          \
    asm volatile(                                                                                 \
        "{\n.reg .pred p;\nsetp.ne.b32 p, %69, 0;\n"                                              \
        ".reg .b64 b;\nmov.b64 b, {%68, %70};\n"                                                  \
        "wgmma.mma_async.sync.aligned.m64n128k16.f32." NAME "." NAME                              \
        " {"                                                                                      \
        "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,"                      \
        "%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31,%32,%33,%34,"                        \
        "%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,%48,%49,%50,"                        \
        "%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63"                                     \
        "}, {%64,%65,%66,%67}, b, p, 1, 1, %71;\n}\n"                                             \
        : ONEFOLD_D8(d, 0), ONEFOLD_D8(d, 8), ONEFOLD_D8(d, 16), ONEFOLD_D8(d, 24),               \
          ONEFOLD_D8(d, 32), ONEFOLD_D8(d, 40), ONEFOLD_D8(d, 48), ONEFOLD_D8(d, 56)              \
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b), "r"(accumulate), "n"(kOperandHigh), \
          "n"(kTransposed)                                                                        \
        : "memory");                                                                              \
  }                                                                                               \
  template <int kTransposed>                                                                      \
  __device__ __forceinline__ void warpgroup_multiply(float(&d)[32], uint32_t a, uint32_t b,       \
                                                     int accumulate, TYPE) {                      \
    asm volatile(                                                                                 \
        "{\n.reg .pred p;\nsetp.ne.b32 p, %34, 0;\n"                                              \
        ".reg .b64 a, b;\nmov.b64 a, {%32, %35};\nmov.b64 b, {%33, %35};\n"                       \
        "wgmma.mma_async.sync.aligned.m64n64k16.f32." NAME "." NAME                               \
        " {"                                                                                      \
        "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,"                      \
        "%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31"                                     \
        "}, a, b, p, 1, 1, 0, %36;\n}\n"                                                          \
        : ONEFOLD_D8(d, 0), ONEFOLD_D8(d, 8), ONEFOLD_D8(d, 16), ONEFOLD_D8(d, 24)                \
        : "r"(a), "r"(b), "r"(accumulate), "n"(kOperandHigh), "n"(kTransposed)                    \
        : "memory");                                                                              \
  }                                                                                               \
  template <int kTransposed>                                                                      \
  __device__ __forceinline__ void warpgroup_multiply(float(&d)[64], uint32_t a, uint32_t b,       \
                                                     int accumulate, TYPE) {                      \
    asm volatile(                                                                                 \
        "{\n.reg .pred p;\nsetp.ne.b32 p, %66, 0;\n"                                              \
        ".reg .b64 a, b;\nmov.b64 a, {%64, %67};\nmov.b64 b, {%65, %67};\n"                       \
        "wgmma.mma_async.sync.aligned.m64n128k16.f32." NAME "." NAME                              \
        " {"                                                                                      \
        "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,"                      \
        "%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31,%32,%33,%34,"                        \
        "%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,%48,%49,%50,"                        \
        "%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63"                                     \
        "}, a, b, p, 1, 1, 0, %68;\n}\n"                                                          \
        : ONEFOLD_D8(d, 0), ONEFOLD_D8(d, 8), ONEFOLD_D8(d, 16), ONEFOLD_D8(d, 24),               \
          ONEFOLD_D8(d, 32), ONEFOLD_D8(d, 40), ONEFOLD_D8(d, 48), ONEFOLD_D8(d, 56)              \
        : "r"(a), "r"(b), "r"(accumulate), "n"(kOperandHigh), "n"(kTransposed)                    \
        : "memory");                                                                              \
  }

ONEFOLD_WGMMA(__nv_bfloat16, "bf16")
ONEFOLD_WGMMA(__half, "f16")
#undef ONEFOLD_WGMMA
#undef ONEFOLD_D8

}  // namespace onefold
