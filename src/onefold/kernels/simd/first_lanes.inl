// SPDX-License-Identifier: Apache-2.0
// Registers at the end of a row, of which only the first lanes are there; included after
// simd/floats_*.h.

namespace onefold {
namespace {

// The first `count` numbers at x, and zeros.
template <typename W>
Floats::Register load_first(const W* x, int64_t count) {
  if (count == Floats::kLanes) return Floats::load(x);
  W whole[Floats::kLanes] = {};
  for (int64_t i = 0; i < count; ++i) whole[i] = x[i];
  return Floats::load(whole);
}

template <typename W>
void store_first(W* to, Floats::Register value, int64_t count) {
  if (count == Floats::kLanes) return Floats::store(to, value);
  W whole[Floats::kLanes];
  Floats::store(whole, value);
  for (int64_t i = 0; i < count; ++i) to[i] = whole[i];
}

// body(i, count) for elements [i, i + count) of [begin, end): whole registers, then what is left.
template <typename Body>
void for_registers(int64_t begin, int64_t end, Body&& body) {
  int64_t i = begin;
  for (; i + Floats::kLanes <= end; i += Floats::kLanes) body(i, int64_t{Floats::kLanes});
  if (i < end) body(i, end - i);
}

}  // namespace
}  // namespace onefold
