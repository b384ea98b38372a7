// SPDX-License-Identifier: Apache-2.0
// Weak stand-ins so that the program links while verbs are being written.
#include "cli/verbs.h"
namespace onefold::cli {
__attribute__((weak)) void add_import(CLI::App&, Run&) {}
__attribute__((weak)) void add_synth(CLI::App&, Run&) {}
__attribute__((weak)) void add_build(CLI::App&, Run&) {}
__attribute__((weak)) void add_inspect(CLI::App&, Run&) {}
__attribute__((weak)) void add_train(CLI::App&, Run&) {}
__attribute__((weak)) void add_embed(CLI::App&, Run&) {}
__attribute__((weak)) void add_demo(CLI::App&, Run&) {}
}  // namespace onefold::cli
