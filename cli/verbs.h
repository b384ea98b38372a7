// SPDX-License-Identifier: Apache-2.0
// The verbs of the onefold program. One file each; a file adds its options to `app` and sets
// `run` when its verb was chosen.
#pragma once

#include <functional>

#include <CLI/CLI.hpp>

#include "onefold/base/status.h"

namespace onefold::cli {

using Run = std::function<Status()>;

void add_import(CLI::App& app, Run& run);
void add_import_rows(CLI::App& import, Run& run);  // "import parquet|csv|jsonl"
void add_synth(CLI::App& app, Run& run);
void add_build(CLI::App& app, Run& run);
void add_fold(CLI::App& app, Run& run);
void add_unfold(CLI::App& app, Run& run);
void add_table(CLI::App& app, Run& run);
void add_timeline(CLI::App& app, Run& run);
void add_slice(CLI::App& app, Run& run);
void add_inspect(CLI::App& app, Run& run);
void add_advise(CLI::App& app, Run& run);
void add_train(CLI::App& app, Run& run);
void add_embed(CLI::App& app, Run& run);
void add_embed_generate(CLI::App& embed, Run& run);  // "embed generate"
void add_demo(CLI::App& app, Run& run);

}  // namespace onefold::cli
