// SPDX-License-Identifier: Apache-2.0
// fold and expand of one group of 4 id lists, against copying the same bytes.
//
// Arguments: samples B, ids a list, samples per distinct row. The floor of fold is reading the B
// rows once and writing the U rows; of expand, reading U and writing B. Bytes/s count both, and
// the copy counts its read and its write, so the rates compare.
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "onefold/jagged/fold.h"

namespace onefold {
namespace {

constexpr int kNumKeys = 4;

KeyedJaggedTensor make_rows(int64_t num_rows, int64_t length, int64_t repeats) {
  KeyedJaggedTensor rows(num_rows);
  std::mt19937_64 random(365);
  for (int k = 0; k < kNumKeys; ++k) {
    JaggedTensor<int64_t> column;
    column.reserve(num_rows, num_rows * length);
    std::vector<int64_t> row(length);
    for (int64_t i = 0; i < num_rows; ++i) {
      if (i % repeats == 0) {
        for (int64_t& id : row) id = static_cast<int64_t>(random() >> 20);
      }
      column.push_row(row);
    }
    rows.add("key" + std::to_string(k), std::move(column));
  }
  return rows;
}

int64_t payload_bytes(const KeyedJaggedTensor& rows) {
  int64_t bytes = 0;
  for (int64_t k = 0; k < rows.num_keys(); ++k) {
    bytes += num_values(rows.column(k)) * sizeof(int64_t) + (rows.num_rows() + 1) * sizeof(int32_t);
  }
  return bytes;
}

// Skips the benchmark on a wrong answer: a fast wrong fold is no result.
bool check_answer(benchmark::State& state, const KeyedJaggedTensor& rows,
                  const InverseKeyedJaggedTensor& folded) {
  const int64_t expected = (rows.num_rows() + state.range(2) - 1) / state.range(2);
  if (folded.num_unique() == expected && expand(folded) == rows) return true;
  state.SkipWithError("expand(fold(x)) differs from x, or U is not the number of distinct rows");
  return false;
}

void report(benchmark::State& state, int64_t bytes) {
  state.SetBytesProcessed(state.iterations() * bytes);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void bm_fold(benchmark::State& state) {
  const KeyedJaggedTensor rows = make_rows(state.range(0), state.range(1), state.range(2));
  const InverseKeyedJaggedTensor folded = fold(rows);
  if (!check_answer(state, rows, folded)) return;
  for (auto _ : state) benchmark::DoNotOptimize(fold(rows));
  report(state, payload_bytes(rows) + payload_bytes(folded.unique()));
}

void bm_expand(benchmark::State& state) {
  const KeyedJaggedTensor rows = make_rows(state.range(0), state.range(1), state.range(2));
  const InverseKeyedJaggedTensor folded = fold(rows);
  if (!check_answer(state, rows, folded)) return;
  for (auto _ : state) benchmark::DoNotOptimize(expand(folded));
  report(state, payload_bytes(rows) + payload_bytes(folded.unique()));
}

// The machine's copy into fresh memory, as fold and expand return fresh tensors.
void bm_copy(benchmark::State& state) {
  const std::vector<char> from(payload_bytes(make_rows(state.range(0), state.range(1), 1)), 7);
  for (auto _ : state) {
    std::vector<char> to(from);
    benchmark::DoNotOptimize(to.data());
  }
  report(state, 2 * from.size());
}

// Reading the same bytes once and writing nothing: the floor of fold when S is large.
void bm_read(benchmark::State& state) {
  const std::vector<int64_t> from(payload_bytes(make_rows(state.range(0), state.range(1), 1)) / 8,
                                  7);
  for (auto _ : state) {
    benchmark::DoNotOptimize(std::accumulate(from.begin(), from.end(), int64_t{0}));
  }
  report(state, 8 * from.size());
}

#define ONEFOLD_SHAPES           \
  ArgNames({"B", "length", "S"}) \
      ->Args({16384, 300, 16})   \
      ->Args({16384, 300, 1})    \
      ->Args({16384, 8, 16})     \
      ->Args({16384, 8, 1})      \
      ->Unit(benchmark::kMillisecond)
BENCHMARK(bm_fold)->ONEFOLD_SHAPES;
BENCHMARK(bm_expand)->ONEFOLD_SHAPES;
BENCHMARK(bm_copy)->ONEFOLD_SHAPES;
BENCHMARK(bm_read)->ONEFOLD_SHAPES;

}  // namespace
}  // namespace onefold

BENCHMARK_MAIN();
