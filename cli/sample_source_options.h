// SPDX-License-Identifier: Apache-2.0
// What `inspect` and `advise` read: a Onefold table, or Parquet files whose columns must be named.
#pragma once

#include <string>

#include "cli/number_check.h"
#include <CLI/CLI.hpp>

namespace onefold::cli {

// Options: InspectOptions or AdviseOptions. Both borrowed for as long as `verb` parses.
template <typename Options>
void add_sample_source_options(CLI::App* verb, std::string* path, Options* options) {
  verb->add_option("TABLE", *path,
                   "A Onefold table, a Parquet file, or a directory of Parquet files")
      ->required();
  verb->add_option("--session", options->session, "Parquet: column with the session id (needed)");
  verb->add_option("--user", options->user, "Parquet: column with the user id");
  verb->add_option("--time", options->time,
                   "Parquet: column with the time of a sample; without it samples arrived in the "
                   "order of the file");
  verb->add_option("--batch-size", options->batch_size,
                   "Samples per batch, within which repeats are counted")
      ->check(at_least(1))
      ->capture_default_str();
}

}  // namespace onefold::cli
