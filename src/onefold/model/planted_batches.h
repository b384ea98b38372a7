// SPDX-License-Identifier: Apache-2.0
// For tests: batches in which clicks follow a rule that a model can learn.
//
// Items have a topic, item mod 8. A user likes one topic, 4 in 5 items of the history are of it,
// and a candidate of it is clicked with chance 0.88, any other with 0.12.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "onefold/jagged/batch.h"
#include "onefold/jagged/fold.h"
#include "onefold/model/model_config.h"

namespace onefold {

inline constexpr int64_t kPlantedItems = 200, kPlantedTopics = 8;

inline Schema planted_schema() {
  using enum FeatureKind;
  constexpr auto kUser = FeatureScope::kUser, kItem = FeatureScope::kItem;
  return {.features = {{"age", kDense, kUser, ""},
                       {"price", kDense, kItem, ""},
                       {"topic", kId, kItem, ""},
                       {"tags", kIdList, kItem, ""},
                       {"history", kIdList, kUser, "history"},
                       {"history_topic", kIdList, kUser, "history"},
                       {"dwell", kFloatList, kUser, "history"},
                       {"country", kId, kUser, "profile"},
                       {"interests", kIdList, kUser, "profile"}},
          .labels = {{"click", "click", false}, {"watch", "watch", true}, {"like", "like", false}}};
}

struct PlantedOptions {
  int64_t num_sessions = 8;
  int64_t session_samples = 6;  // each session has 1 to twice this many, less one
  int64_t max_history = 40;     // lengths 0 to this
};

// A batch after its transforms: all ids lie in their tables. The same seed gives the same batch.
inline Batch planted_batch(uint64_t seed, const PlantedOptions& options = {}) {
  std::mt19937_64 random(seed);
  auto below = [&](int64_t n) { return static_cast<int64_t>(random() % static_cast<uint64_t>(n)); };
  Batch batch;
  batch.dense.names = {"age", "price"};
  batch.labels.names = {"click", "watch", "like"};
  JaggedTensor<int64_t> topic, tags, history, history_topic, country, interests;
  JaggedTensor<float> dwell;
  std::vector<int32_t> history_ref, profile_ref;
  for (int64_t session = 0; session < options.num_sessions; ++session) {
    const int64_t liked = below(kPlantedTopics);
    std::vector<int64_t> items, topics;
    std::vector<float> seconds;
    for (int64_t n = below(options.max_history + 1); n > 0; --n) {
      const int64_t of = below(5) > 0 ? liked : below(kPlantedTopics);
      items.push_back(below(kPlantedItems / kPlantedTopics) * kPlantedTopics + of);
      topics.push_back(of);
      seconds.push_back(below(10) == 0 ? NAN : static_cast<float>(below(100)));
    }
    history.push_row(items);
    history_topic.push_row(topics);
    dwell.push_row(seconds);
    country.push_row(std::vector<int64_t>(below(2), below(5)));
    interests.push_row(std::vector<int64_t>(below(3), below(16)));
    const auto age = static_cast<float>(below(80));
    for (int64_t n = 1 + below(2 * options.session_samples - 1); n > 0; --n) {
      const int64_t id = static_cast<int64_t>(seed) * 1000 + session;
      batch.session_id.push_back(id);
      batch.user_id.push_back(id / 2);
      batch.request_id.push_back(static_cast<int64_t>(batch.request_id.size()));
      batch.time_us.push_back(static_cast<int64_t>(batch.time_us.size()));
      const int64_t item_topic = below(2) == 0 ? liked : below(kPlantedTopics);
      batch.item_id.push_back(below(kPlantedItems / kPlantedTopics) * kPlantedTopics + item_topic);
      topic.push_row(std::vector<int64_t>{item_topic});
      tags.push_row(std::vector<int64_t>(below(4), below(30)));
      batch.dense.values.insert(batch.dense.values.end(),
                                {age, below(5) == 0 ? NAN : static_cast<float>(below(1000))});
      const bool click = below(100) < (item_topic == liked ? 88 : 12);
      batch.labels.values.insert(batch.labels.values.end(), {click ? 1.f : 0.f, click ? 12.5f : 0.f,
                                                             click && below(4) == 0 ? 1.f : 0.f});
      history_ref.push_back(static_cast<int32_t>(session));
      profile_ref.push_back(static_cast<int32_t>(session));
    }
  }
  batch.features = KeyedJaggedTensor(batch.num_samples());
  batch.features.add("topic", std::move(topic));
  batch.features.add("tags", std::move(tags));
  KeyedJaggedTensor histories(options.num_sessions), profiles(options.num_sessions);
  histories.add("history", std::move(history));
  histories.add("history_topic", std::move(history_topic));
  histories.add("dwell", std::move(dwell));
  profiles.add("country", std::move(country));
  profiles.add("interests", std::move(interests));
  batch.groups = {{"history", from_refs(histories, history_ref).value()},
                  {"profile", from_refs(profiles, profile_ref).value()}};
  return batch;
}

// A model over all of it, with one block over the history; ids are used as they are.
inline ModelConfig planted_model(BlockType type, Combine combine = Combine::kSum) {
  ModelConfig model;
  model.dim = 16;
  model.labels = {"click"};
  model.bottom = {16};
  model.top = {32, 16};
  model.tables = {{"item", kPlantedItems}, {"topic", kPlantedTopics}, {"small", 32, 8}};
  for (auto [name, table] : {std::pair{"item_id", "item"},
                             {"history", "item"},
                             {"topic", "topic"},
                             {"history_topic", "topic"},
                             {"tags", "small"},
                             {"country", "small"},
                             {"interests", "small"}}) {
    model.features.push_back({.name = name, .table = table, .hash = false});
  }
  BlockConfig block{.type = type, .group = "history"};
  block.features = {"history", "history_topic"};
  block.floats = {"dwell"};
  if (type == BlockType::kDin) block.query = {"item_id", "topic"};
  block.combine = combine;
  block.dim = combine == Combine::kSum ? 16 : 32;
  block.max_length = 20;  // shorter than the longest history: positions are shared beyond it
  block.layers = 2;
  model.blocks = {block};
  return with_defaults(model, planted_schema());
}

}  // namespace onefold
