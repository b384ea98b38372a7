// SPDX-License-Identifier: Apache-2.0
#include "onefold/train/upstream_file.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "onefold/base/files.h"

namespace onefold {
namespace {

Result<UpstreamConfig> from_json(const nlohmann::json& json) {
  UpstreamConfig config;
  const std::string version = json.at("slices").get<std::string>();
  ONEFOLD_ASSIGN_OR_RETURN(
      config.slice_set,
      SliceSet::from_toml(json.at("slices_toml").get<std::string>(), "its slices"));
  if (config.slice_set.version() != version) {
    return data_loss(fmt::format("its slices have version {}, it names {}",
                                 config.slice_set.version(), version));
  }
  config.gap_us = json.at("gap_us").get<int64_t>();
  config.max_events = json.at("max_events").get<std::array<int64_t, kNumTimelines>>();
  config.dim = json.at("dim").get<int64_t>();
  const auto rows = json.at("table_rows").get<std::array<int64_t, 3>>();
  config.table_rows = {rows[0], rows[1], rows[2]};
  config.outputs = json.at("outputs").get<int64_t>();
  EncoderConfig& encoder = config.encoder;
  ONEFOLD_ASSIGN_OR_RETURN(encoder.type, parse_encoder_type(json.at("encoder").get<std::string>()));
  ONEFOLD_ASSIGN_OR_RETURN(encoder.axis, parse_encoder_axis(json.at("axis").get<std::string>()));
  ONEFOLD_ASSIGN_OR_RETURN(encoder.mixer, parse_encoder_mixer(json.at("mixer").get<std::string>()));
  encoder.tokens = json.at("tokens").get<int64_t>();
  encoder.lce_tokens = json.at("lce_tokens").get<int64_t>();
  encoder.stride = json.at("stride").get<int64_t>();
  encoder.layers = json.at("layers").get<int64_t>();
  encoder.heads = json.at("heads").get<int64_t>();
  encoder.hidden = json.at("hidden").get<int64_t>();
  ONEFOLD_RETURN_IF_ERROR(check_upstream(config));
  return config;
}

}  // namespace

nlohmann::json to_json(const UpstreamConfig& config) {
  const EncoderConfig& encoder = config.encoder;
  return {
      {"slices", config.slice_set.version()},
      {"gap_us", config.gap_us},
      {"max_events", config.max_events},
      {"dim", config.dim},
      {"table_rows", {config.table_rows.item, config.table_rows.author, config.table_rows.topic}},
      {"outputs", config.outputs},
      {"encoder", to_string(encoder.type)},
      {"axis", to_string(encoder.axis)},
      {"mixer", to_string(encoder.mixer)},
      {"tokens", encoder.tokens},
      {"lce_tokens", encoder.lce_tokens},
      {"stride", encoder.stride},
      {"layers", encoder.layers},
      {"heads", encoder.heads},
      {"hidden", encoder.hidden}};
}

std::string upstream_file(const ModelConfig& model) {
  if (!model.upstream) return {};
  nlohmann::json json = to_json(*model.upstream);
  json["slices_toml"] = model.upstream->slice_set.text();
  return json.dump(2) + "\n";
}

Result<UpstreamConfig> read_upstream_file(const std::string& checkpoint) {
  const std::string path = checkpoint + "/" + kUpstreamFile;
  if (!path_exists(path)) {
    return not_found(checkpoint +
                     ": the checkpoint of a model without a user encoder; train one with an "
                     "[upstream] section");
  }
  ONEFOLD_ASSIGN_OR_RETURN(const std::string text, read_file(path));
  try {
    auto config = from_json(nlohmann::json::parse(text));
    if (!config.ok()) return config.status().with_context(path);
    return config;
  } catch (const nlohmann::json::exception& error) {
    return schema_error(
        fmt::format("{}: not the description of a user encoder: {}", path, error.what()));
  }
}

}  // namespace onefold
