// SPDX-License-Identifier: Apache-2.0
#include "cli/verbs.h"
namespace onefold::cli {
void add_train(CLI::App&, Run&) {}
}  // namespace onefold::cli
