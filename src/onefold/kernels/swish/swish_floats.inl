// SPDX-License-Identifier: Apache-2.0
// swish_math.h over the `Floats` of the including file. A register at a time, whatever part of it
// is used: a value's bits do not depend on its place.
namespace onefold {
namespace {

Floats::Register sign_of(Floats::Register x) {
  const auto one = Floats::broadcast(1.0f);
  return Floats::multiply(x, Floats::reciprocal_sqrt(Floats::fma(x, x, one)));
}

Floats::Register swish_of(Floats::Register x, Floats::Register sign) {
  const auto half = Floats::multiply(x, Floats::broadcast(0.5f));
  return Floats::fma(half, sign, half);
}

// (1 + s (2 - s²)) / 2
Floats::Register slope_of(Floats::Register s) {
  const auto half = Floats::multiply(s, Floats::broadcast(0.5f));
  const auto rest = Floats::subtract(Floats::broadcast(2.0f), Floats::multiply(s, s));
  return Floats::fma(half, rest, Floats::broadcast(0.5f));
}

}  // namespace
}  // namespace onefold
