// SPDX-License-Identifier: Apache-2.0
// The steps of `onefold demo`: logs, tables, reader, training, each in the plain way and folded.
#pragma once

#include <functional>
#include <string>

#include "cli/demo_report.h"

#include "onefold/base/status.h"

namespace onefold::cli {

struct DemoOptions {
  std::string data;     // EB-NeRD folder; "": generated logs
  std::string work;     // directory for logs and tables
  int64_t steps = 120;  // of each training run
  int64_t batch_size = 512;
  std::function<void(const std::string&)> say;  // called as each step begins
};

Result<DemoReport> run_demo(const DemoOptions& options);

}  // namespace onefold::cli
