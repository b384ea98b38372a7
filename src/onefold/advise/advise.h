// SPDX-License-Identifier: Apache-2.0
// advise: reads a table, or any Parquet files, twice and says which features to group and fold.
//
//   ONEFOLD_ASSIGN_OR_RETURN(const Advice advice, advise("clicks.parquet", {.session = "sid"}));
//   std::cout << to_text(advice);
#pragma once

#include <string>
#include <vector>

#include "onefold/advise/advice.h"
#include "onefold/base/status.h"

namespace onefold {

struct AdviseOptions {
  // Columns of Parquet files, as InspectOptions. `skip` are no features: item ids, labels.
  std::string session = {};
  std::string user = {};
  std::string time = {};
  std::string request = {};
  std::vector<std::string> skip = {};
  int64_t batch_size = 4096;
  // About so many are folded, fewer where lists are very long. 0: enough for 65,536 samples, and at
  // least 1,000.
  int64_t sample_sessions = 0;
};

// Errors as inspect() and take_sessions().
Result<Advice> advise(const std::string& path, const AdviseOptions& options);

}  // namespace onefold
