// SPDX-License-Identifier: Apache-2.0
#include "onefold/model/upstream_config.h"

#include <charconv>

#include <fmt/format.h>

namespace onefold {
namespace {

// The value of `all` that to_string() calls `name`.
template <typename Enum, size_t N>
Result<Enum> parse_enum(const std::string& name, const Enum (&all)[N], const char* what) {
  std::string known;
  for (Enum value : all) {
    if (name == to_string(value)) return value;
    known += (known.empty() ? "" : ", ") + std::string(to_string(value));
  }
  return invalid_argument(fmt::format("'{}' is no {}; use one of {}", name, what, known));
}

}  // namespace

const char* to_string(EncoderType type) {
  switch (type) {
    case EncoderType::kFsa:
      return "fsa";
    case EncoderType::kLce:
      return "lce";
    case EncoderType::kMlp:
      return "mlp";
    case EncoderType::kTransformer:
      return "transformer";
    case EncoderType::kFunnel:
      return "funnel";
  }
  return "?";
}

const char* to_string(EncoderAxis axis) { return axis == EncoderAxis::kTokens ? "tokens" : "dims"; }
const char* to_string(EncoderMixer mixer) {
  return mixer == EncoderMixer::kTokens ? "tokens" : "dims";
}

Result<EncoderType> parse_encoder_type(const std::string& name) {
  using enum EncoderType;
  return parse_enum(name, {kFsa, kLce, kMlp, kTransformer, kFunnel}, "encoder");
}
Result<EncoderAxis> parse_encoder_axis(const std::string& name) {
  return parse_enum(name, {EncoderAxis::kTokens, EncoderAxis::kDims}, "axis");
}
Result<EncoderMixer> parse_encoder_mixer(const std::string& name) {
  return parse_enum(name, {EncoderMixer::kTokens, EncoderMixer::kDims}, "mixer");
}

Result<int64_t> parse_duration(const std::string& text) {
  int64_t count = 0;
  const char* end = text.data() + text.size();
  const auto [unit, error] = std::from_chars(text.data(), end, count);
  int64_t unit_us = 0;
  if (error == std::errc() && end - unit == 1 && count >= 0) {
    if (*unit == 's') unit_us = 1'000'000;
    if (*unit == 'm') unit_us = 60'000'000;
    if (*unit == 'h') unit_us = 3'600'000'000;
    if (*unit == 'd') unit_us = 86'400'000'000;
  }
  int64_t total = 0;
  if (unit_us == 0 || __builtin_mul_overflow(count, unit_us, &total)) {
    return invalid_argument(
        fmt::format("'{}' is no length of time; write 24h, 30m, 90s or 2d", text));
  }
  return total;
}

bool UpstreamConfig::operator==(const UpstreamConfig& other) const {
  return slice_set.version() == other.slice_set.version() && gap_us == other.gap_us &&
         max_events == other.max_events && dim == other.dim && table_rows == other.table_rows &&
         encoder == other.encoder && outputs == other.outputs;
}

Status check_upstream(const UpstreamConfig& config) {
  const EncoderConfig& encoder = config.encoder;
  for (auto [value, key] : {std::pair{config.dim, "dim"},
                            {encoder.tokens, "tokens"},
                            {encoder.stride, "stride"},
                            {encoder.layers, "layers"},
                            {encoder.heads, "heads"},
                            {config.outputs, "outputs"},
                            {config.max_events[0], "max_explicit"},
                            {config.max_events[1], "max_implicit"},
                            {config.table_rows.item, "item_rows"},
                            {config.table_rows.author, "author_rows"},
                            {config.table_rows.topic, "topic_rows"}}) {
    if (value < 1) {
      return invalid_argument(
          fmt::format("[upstream] {} is {}; it must be at least 1", key, value));
    }
    if (value > INT32_MAX) {
      return invalid_argument(
          fmt::format("[upstream] {} is {}; at most {} is supported", key, value, INT32_MAX));
    }
  }
  if (encoder.lce_tokens < 0 || encoder.lce_tokens >= encoder.tokens) {
    if (encoder.type == EncoderType::kFsa) {
      return invalid_argument(
          fmt::format("[upstream] lce_tokens is {}; of {} tokens, 0 to {} may "
                      "come from the linear compression",
                      encoder.lce_tokens, encoder.tokens, encoder.tokens - 1));
    }
  }
  if (encoder.type == EncoderType::kFsa && encoder.tokens < 2) {
    return invalid_argument("[upstream] fsa has two branches and needs at least 2 tokens");
  }
  return {};
}

}  // namespace onefold
