// SPDX-License-Identifier: Apache-2.0
// swish: the activation of all our layers (kernels/swish/swish_math.h says which and why).
#pragma once

#include <ATen/core/TensorBody.h>

#include "onefold/kernels/swish/swish_math.h"

namespace onefold {

// Elementwise, float or double, any shape; differentiable once.
at::Tensor swish(const at::Tensor& x);

}  // namespace onefold
