// SPDX-License-Identifier: Apache-2.0
// The slice sets of examples/slices/, compiled in, so that `--slices short_video` needs no file.
#pragma once

#include <span>

namespace onefold {

struct BuiltinSlices {
  const char* name;
  const char* toml;
};

std::span<const BuiltinSlices> builtin_slices();

}  // namespace onefold
