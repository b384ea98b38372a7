// SPDX-License-Identifier: Apache-2.0
// The samples of a Onefold table. Lists are never expanded: a payload row comes once.
#pragma once

#include <memory>
#include <string>

#include "onefold/inspect/sample_source.h"
#include "onefold/table/manifest.h"

namespace onefold {

// Dense features are features of one value, none where it is NaN. A label is positive when it is
// above 0. Errors as TableReader::open().
Result<std::unique_ptr<SampleSource>> open_table_source(const std::string& table);

}  // namespace onefold
