// SPDX-License-Identifier: Apache-2.0
// Elements [begin, end) a register at a time, the last ones through a padded copy.
namespace onefold {
namespace {

void forward(const float* x, float* out, int64_t begin, int64_t end) {
  for_registers(begin, end, [&](int64_t i, int64_t count) {
    const auto value = load_first(x + i, count);
    store_first(out + i, swish_of(value, sign_of(value)), count);
  });
}

void backward(const float* x, const float* grad, float* out, int64_t begin, int64_t end) {
  for_registers(begin, end, [&](int64_t i, int64_t count) {
    const auto slope = slope_of(sign_of(load_first(x + i, count)));
    store_first(out + i, Floats::multiply(load_first(grad + i, count), slope), count);
  });
}

}  // namespace
}  // namespace onefold
