// SPDX-License-Identifier: Apache-2.0
// For tests: planted batches (planted_batches.h) whose users have an embedding.
#pragma once

#include "onefold/embedding_store/embedding_join.h"
#include "onefold/model/planted_batches.h"

namespace onefold {

inline constexpr EmbeddingShape kPlantedEmbedding{.tokens = 3, .dim = 8};

// Two sessions share a user, so the embedding folds otherwise than the history. Every fourth user
// has none; the others one of two versions, by time.
inline void add_embeddings(Batch& batch, EmbeddingFormat format = EmbeddingFormat::kInt8) {
  const int64_t width = words_per_user(format, kPlantedEmbedding);
  JaggedTensor<int64_t> rows;
  for (int64_t i = 0; i < batch.num_samples(); ++i) {
    const int64_t user = batch.user_id[i];
    std::vector<int64_t> words(user % 4 == 0 ? 0 : width);
    if (!words.empty()) {
      std::mt19937_64 random(static_cast<uint64_t>(user * 2 + (batch.time_us[i] >= 20)));
      std::normal_distribution<float> normal;
      std::vector<float> values(kPlantedEmbedding.num_values());
      for (float& value : values) value = normal(random);
      if (!quantize(format, kPlantedEmbedding, values, words).ok()) std::abort();
    }
    rows.push_row(words);
  }
  KeyedJaggedTensor keyed(batch.num_samples());
  keyed.add(kUserEmbeddingWords, std::move(rows));
  batch.groups.push_back({kUserEmbedding, fold(keyed)});
}

inline Schema planted_embedding_schema() { return with_user_embedding(planted_schema()).value(); }

inline EmbeddingConfig planted_embedding(AdapterType adapter,
                                         EmptyEmbedding empty = EmptyEmbedding::kLearned) {
  EmbeddingConfig config{.adapter = adapter, .empty = empty};
  if (adapter == AdapterType::kPrepend) config.into = "transformer_history";
  if (adapter == AdapterType::kGate) config.outputs = 2;
  const Status status = describe({.version = "v000001",
                                  .model = "c0de",
                                  .slices = "5a5a",
                                  .format = "int8",
                                  .tokens = kPlantedEmbedding.tokens,
                                  .dim = kPlantedEmbedding.dim},
                                 config);
  ONEFOLD_CHECK(status.ok(), status.message());
  return config;
}

// planted_model() with the embedding and a transformer over the history, narrower than the model.
inline ModelConfig planted_embedding_model(AdapterType adapter,
                                           EmptyEmbedding empty = EmptyEmbedding::kLearned) {
  ModelConfig model = planted_model(BlockType::kTransformer, Combine::kConcat);
  model.embeddings = {planted_embedding(adapter, empty)};
  return with_defaults(model, planted_embedding_schema());
}

}  // namespace onefold
