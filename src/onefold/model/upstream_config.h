// SPDX-License-Identifier: Apache-2.0
// UpstreamConfig: the user encoder of DV365 (arXiv 2506.00450): slices of two timelines, pooled to
// N tokens of D floats, encoded to T tokens: the user embedding.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "onefold/base/status.h"
#include "onefold/timeline/slice_set.h"
#include "onefold/timeline/sliced_timeline.h"

namespace onefold {

enum class EncoderType {
  kFsa,          // "fsa": funnel transformer beside a linear compression
  kLce,          // "lce": linear compression, one linear map of the axis
  kMlp,          // "mlp"
  kTransformer,  // "transformer"
  kFunnel,       // "funnel": transformer layers, mean pool, transformer layers
};

// The axis an encoder compresses and shares its weights across the other of.
enum class EncoderAxis {
  kTokens,  // "tokens": N -> T, weights shared over D
  kDims,    // "dims": D -> T D / N, weights shared over N; the usual view
};

// What attention mixes. The figure of the paper can be read either way.
enum class EncoderMixer {
  kTokens,  // "tokens": among the N tokens, of width D
  kDims,    // "dims": among the D dims, of width N
};

struct EncoderConfig {
  EncoderType type = EncoderType::kFsa;
  EncoderAxis axis = EncoderAxis::kTokens;
  EncoderMixer mixer = EncoderMixer::kTokens;
  int64_t tokens = 58;     // T
  int64_t lce_tokens = 0;  // fsa: T minus these come from the funnel; 0: 8 of 58, in proportion
  int64_t stride = 4;      // funnel: the mean pool between its halves
  int64_t layers = 2;      // transformer: in all; funnel: in each half
  int64_t heads = 2;       // 1 where they do not divide the width
  int64_t hidden = 0;      // mlp; 0: twice its outputs

  bool operator==(const EncoderConfig&) const = default;
};

struct UpstreamConfig {
  std::string timelines;                // directory
  std::string slices = "short_video";   // a built-in set or a TOML file
  SliceSet slice_set;                   // what `slices` names; filled in by with_defaults()
  int64_t gap_us = 24 * 3'600'000'000;  // a sample at time t sees events before t - gap
  std::array<int64_t, kNumTimelines> max_events = {35'000, 35'000};  // newest before the cut-off
  int64_t dim = 256;                                                 // D
  IdTableRows table_rows;
  EncoderConfig encoder;
  int64_t outputs = 4;  // vectors that interact in the model around the encoder
  int64_t cache_bytes = int64_t{1} << 30;

  // In everything that decides weights.
  bool operator==(const UpstreamConfig& other) const;
};

const char* to_string(EncoderType type);
const char* to_string(EncoderAxis axis);
const char* to_string(EncoderMixer mixer);
Result<EncoderType> parse_encoder_type(const std::string& name);
Result<EncoderAxis> parse_encoder_axis(const std::string& name);
Result<EncoderMixer> parse_encoder_mixer(const std::string& name);

// "24h" -> microseconds; s, m, h and d. kInvalidArgument otherwise.
Result<int64_t> parse_duration(const std::string& text);

// kInvalidArgument for a number out of range.
Status check_upstream(const UpstreamConfig& config);

}  // namespace onefold
