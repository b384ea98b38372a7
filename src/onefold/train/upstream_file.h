// SPDX-License-Identifier: Apache-2.0
// upstream.json: what a checkpoint says about its user encoder, so that embeddings can be generated
// from the checkpoint alone.
//
//   slices       the TOML of the slices, and their version
//   dim, tokens, encoder, ...   the encoder
//   max_events   what a user's embedding was trained to see
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "onefold/base/status.h"
#include "onefold/model/model_config.h"

namespace onefold {

inline constexpr const char* kUpstreamFile = "upstream.json";

// Everything that decides weights; not the paths.
nlohmann::json to_json(const UpstreamConfig& config);

// The file's text; empty for a model without a user encoder.
std::string upstream_file(const ModelConfig& model);

// The encoder of the checkpoint at `checkpoint`, a step-* directory; its slices are filled in.
// kNotFound when the checkpoint has no user encoder, kSchema for a missing or mistyped field,
// kDataLoss when the slices are not those of the version that the file names.
Result<UpstreamConfig> read_upstream_file(const std::string& checkpoint);

}  // namespace onefold
