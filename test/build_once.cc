// SPDX-License-Identifier: Apache-2.0
// For build_kill_test.py: a build, or a check of a table, in a program that starts at once.
//
//   build_once LOGS TABLE    spills after 64 KiB of requests
//   build_once TABLE         verifies
#include <iostream>
#include <string>

#include "onefold/build/build.h"
#include "onefold/table/verify_table.h"

namespace {

onefold::Status build(const std::string& logs, const std::string& table) {
  onefold::BuildOptions options;
  options.cluster.row_group_samples = 256;
  options.threads = 2;
  options.spill_bytes = 64 << 10;
  return onefold::build_table(logs, table, options).status();
}

onefold::Status verify(const std::string& table) {
  ONEFOLD_ASSIGN_OR_RETURN(const onefold::TableVerification report, onefold::verify_table(table));
  if (report.problems.empty()) return {};
  return onefold::data_loss(report.problems[0].file + ": " + report.problems[0].what);
}

}  // namespace

int main(int argc, char** argv) {
  const onefold::Status status = argc == 3 ? build(argv[1], argv[2]) : verify(argv[1]);
  if (!status.ok()) std::cerr << status.message() << "\n";
  return status.ok() ? 0 : 1;
}
