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

}  // namespace
}  // namespace onefold
