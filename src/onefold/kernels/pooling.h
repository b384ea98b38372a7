// SPDX-License-Identifier: Apache-2.0
// How a list of vectors becomes one.
#pragma once

namespace onefold {

enum class Pooling { kSum, kMean };  // an empty list gives zeros either way

}  // namespace onefold
