// SPDX-License-Identifier: Apache-2.0
// A TrainConfig from a TOML file. docs/config.md lists the keys.
#pragma once

#include <string>

#include "onefold/base/status.h"
#include "onefold/train/train_config.h"

namespace onefold {

// kNotFound when the file is not there; kInvalidArgument, naming file, line and key, for bad TOML,
// an unknown key (with the nearest known one) or a value of the wrong type. Names and numbers are
// checked later, against the schema, by resolve(). Relative paths in the file stay as they are:
// relative to the working directory.
Result<TrainConfig> read_config_file(const std::string& path);

// The same for TOML text; `name` is what errors call the file.
Result<TrainConfig> parse_config(const std::string& text, const std::string& name);

}  // namespace onefold
