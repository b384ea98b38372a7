// SPDX-License-Identifier: Apache-2.0
// ImportProgress: how far the import of a dataset is, for whoever shows it.
#pragma once

#include <cstdint>
#include <functional>

namespace onefold {

// Called after every chunk of requests with those written so far, and all. Empty: nobody asks.
using ImportProgress = std::function<void(int64_t done, int64_t all)>;

}  // namespace onefold
