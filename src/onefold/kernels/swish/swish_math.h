// SPDX-License-Identifier: Apache-2.0
// swish: the activation of all our layers, x · sigmoid(x) (Ramachandran et al. 2017, arXiv
// 1710.05941) with the algebraic sigmoid (1 + x / sqrt(1 + x²)) / 2.
//
// Why not ReLU: with dedup on and off gradients are summed in another order, and where an input of
// a ReLU is zero but for rounding, its gradient is all or nothing; DIN, with one ReLU per sample,
// history item and hidden unit, then drifts apart by 1e-3 in the loss within 100 steps (measured).
// Why not exp or erf: it is cheap, one reciprocal square root; and libtorch computes the last few
// exponentials of a vector by other code than the rest, so bits would depend on a value's place.
#pragma once

#include <cmath>

namespace onefold {

template <typename T>
T algebraic_sign(T x) {  // in (-1, 1)
  return x / std::sqrt(1 + x * x);
}

template <typename T>
T swish(T x) {
  return x * (1 + algebraic_sign(x)) / 2;
}

// d swish(x) / dx, from s = algebraic_sign(x).
template <typename T>
T swish_slope(T s) {
  return (1 + s * (2 - s * s)) / 2;
}

}  // namespace onefold
