// SPDX-License-Identifier: Apache-2.0
// Calls an op of ours through Torch's dispatcher, so that C++ callers get autograd as Python does.
#pragma once

#include <ATen/core/dispatch/Dispatcher.h>

namespace onefold {

// static const auto op = find_op<at::Tensor(const at::Tensor&)>("onefold::name"); op.call(x).
// Static, because the lookup
// goes by name.
template <typename Signature>
auto find_op(const char* name) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, "").typed<Signature>();
}

}  // namespace onefold
