// SPDX-License-Identifier: Apache-2.0
#include "onefold/model/embedding_config.h"

#include <fmt/format.h>

#include "onefold/embedding_store/embedding_join.h"

namespace onefold {

Status describe(const JoinedEmbedding& joined, EmbeddingConfig& config) {
  ONEFOLD_ASSIGN_OR_RETURN(config.format, parse_embedding_format(joined.format));
  config.feature = kUserEmbeddingWords;
  config.shape = {joined.tokens, joined.dim};
  config.model = joined.model;
  config.slices = joined.slices;
  return {};
}

const char* to_string(AdapterType type) {
  switch (type) {
    case AdapterType::kLinear:
      return "linear";
    case AdapterType::kGate:
      return "gate";
    case AdapterType::kPrepend:
      return "prepend";
    case AdapterType::kNone:
      return "none";
  }
  return "?";
}

const char* to_string(EmptyEmbedding empty) {
  return empty == EmptyEmbedding::kZeros ? "zeros" : "learned";
}

Result<AdapterType> parse_adapter_type(const std::string& name) {
  using enum AdapterType;
  for (AdapterType type : {kLinear, kGate, kPrepend, kNone}) {
    if (name == to_string(type)) return type;
  }
  return invalid_argument(
      fmt::format("'{}' is no adapter; use linear, gate, prepend or none", name));
}

Result<EmptyEmbedding> parse_empty_embedding(const std::string& name) {
  if (name == "zeros") return EmptyEmbedding::kZeros;
  if (name == "learned") return EmptyEmbedding::kLearned;
  return invalid_argument(fmt::format("'{}' is no default embedding; use zeros or learned", name));
}

}  // namespace onefold
