// SPDX-License-Identifier: Apache-2.0
// EmbeddingConfig: how the user embedding of another model enters this one.
#pragma once

#include <cstdint>
#include <string>

#include "onefold/base/status.h"
#include "onefold/embedding_store/quantize.h"
#include "onefold/table/manifest.h"

namespace onefold {

enum class AdapterType {
  kLinear,   // "linear": projected to vectors that interact
  kGate,     // "gate": the same behind one learned gate per token
  kPrepend,  // "prepend": its tokens come before the history of a transformer block
  kNone,     // "none": raw, into the top MLP, beside the interaction
};

// What stands in for the embedding of a user that has none.
enum class EmptyEmbedding {
  kZeros,    // "zeros"
  kLearned,  // "learned": one trained embedding for all of them, zero at first
};

struct EmbeddingConfig {
  std::string name;                      // "" in a file: "<adapter>_<group>"
  std::string group = "user_embedding";  // feature group; its one id list holds the words
  AdapterType adapter = AdapterType::kLinear;
  int64_t outputs = 1;  // linear, gate: vectors
  std::string into;     // prepend: name of a transformer block
  EmptyEmbedding empty = EmptyEmbedding::kZeros;

  // What the words are: of the table's manifest or the store, by describe().
  std::string feature;
  EmbeddingFormat format = EmbeddingFormat::kInt4;
  EmbeddingShape shape{0, 0};
  std::string model, slices;  // hashes: a trained model takes no other embeddings

  bool operator==(const EmbeddingConfig&) const = default;
};

// Fills in the second half of `config`.
Status describe(const JoinedEmbedding& joined, EmbeddingConfig& config);

const char* to_string(AdapterType type);
const char* to_string(EmptyEmbedding empty);
Result<AdapterType> parse_adapter_type(const std::string& name);
Result<EmptyEmbedding> parse_empty_embedding(const std::string& name);

}  // namespace onefold
