// SPDX-License-Identifier: Apache-2.0
#include "onefold/embedding_store/embedding_join.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <numeric>
#include <unordered_map>

#include <fmt/format.h>

#include "onefold/embedding_store/version_reader.h"
#include "onefold/jagged/fold.h"

namespace onefold {
namespace {

constexpr int32_t kNone = -1;  // no version is live

struct Key {
  int32_t version = kNone;  // index into the join's readers
  int64_t user = 0;

  auto operator<=>(const Key&) const = default;
};

struct KeyHash {
  size_t operator()(const Key& key) const {
    return std::hash<int64_t>()(key.user) * 31 + static_cast<size_t>(key.version);
  }
};

// Different keys in first-seen order, and each sample's key.
struct DistinctKeys {
  std::vector<Key> keys;
  std::vector<int32_t> index;  // [B]
};

DistinctKeys distinct(std::span<const Key> of_samples) {
  DistinctKeys distinct;
  std::unordered_map<Key, int32_t, KeyHash> seen;
  for (size_t i = 0; i < of_samples.size(); ++i) {
    // Samples of a session lie side by side: most repeat the one before.
    if (i > 0 && of_samples[i] == of_samples[i - 1]) {
      distinct.index.push_back(distinct.index.back());
      continue;
    }
    const auto next = static_cast<int32_t>(distinct.keys.size());
    const auto [it, is_new] = seen.try_emplace(of_samples[i], next);
    if (is_new) distinct.keys.push_back(of_samples[i]);
    distinct.index.push_back(it->second);
  }
  return distinct;
}

JoinedEmbedding describe(const VersionInfo& info) {
  return {.version = info.id,
          .model = info.model,
          .slices = info.slices,
          .format = to_string(info.format),
          .tokens = info.shape.tokens,
          .dim = info.shape.dim};
}

class Join final : public EmbeddingJoin {
 public:
  explicit Join(int64_t cache_bytes) : cache_(std::make_shared<EmbeddingCache>(cache_bytes)) {}

  Status open_versions(const EmbeddingStore& store, const EmbeddingJoinOptions& options) {
    const std::vector<LiveInterval>& history = store.history();
    if (history.empty()) {
      return not_found(store.directory() +
                       ": no version is published yet; run `onefold embed publish " +
                       store.directory() + " VERSION --at TIME`");
    }
    for (size_t i = 0; i < history.size(); ++i) {
      const bool ends_before = i + 1 < history.size() && history[i + 1].from_us <= options.from_us;
      if (ends_before || history[i].from_us > options.to_us) continue;
      ONEFOLD_RETURN_IF_ERROR(add(store, history[i]));
    }
    // All samples are older than the store: empty rows, of the shape that comes first.
    if (readers_.empty()) ONEFOLD_RETURN_IF_ERROR(add(store, history.front()));
    return {};
  }

  const std::vector<JoinedEmbedding>& versions() const override { return versions_; }

  Result<InverseKeyedJaggedTensor> join(std::span<const int64_t> user_ids,
                                        std::span<const int64_t> times_us) override {
    ONEFOLD_CHECK(user_ids.size() == times_us.size(), "a time for each user");
    const std::lock_guard<std::mutex> lock(mutex_);
    std::vector<Key> of_samples;
    of_samples.reserve(user_ids.size());
    for (size_t i = 0; i < user_ids.size(); ++i) {
      const int32_t version = version_at(times_us[i]);
      of_samples.push_back(version == kNone ? Key{} : Key{version, user_ids[i]});
    }
    const DistinctKeys found = distinct(of_samples);
    std::vector<std::vector<int64_t>> words(found.keys.size());
    ONEFOLD_RETURN_IF_ERROR(look_up(found.keys, words));
    count(found, words);

    JaggedTensor<int64_t> rows;
    const auto total = std::accumulate(
        words.begin(), words.end(), int64_t{0},
        [](int64_t sum, const auto& row) { return sum + static_cast<int64_t>(row.size()); });
    if (total > std::numeric_limits<int32_t>::max()) {
      return invalid_argument(
          fmt::format("{} users' embeddings have {} words in one row group, more than 2^31 - 1; "
                      "ask for smaller row groups",
                      words.size(), total));
    }
    rows.reserve(static_cast<int64_t>(words.size()), total);
    for (const std::vector<int64_t>& row : words) rows.push_row(row);
    KeyedJaggedTensor keyed(rows.num_rows());
    keyed.add(kUserEmbeddingWords, std::move(rows));
    // A user whom a new version left alone has the same words in both; unknown users have none.
    InverseKeyedJaggedTensor folded = fold(keyed);
    std::vector<int32_t> inverse;
    inverse.reserve(found.index.size());
    for (const int32_t key : found.index) inverse.push_back(folded.inverse_indices()[key]);
    return InverseKeyedJaggedTensor::make(std::move(folded.mutable_unique()), std::move(inverse));
  }

  EmbeddingJoinCounts counts() const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    return counts_;
  }

 private:
  Status add(const EmbeddingStore& store, const LiveInterval& interval) {
    const auto known =
        std::find_if(versions_.begin(), versions_.end(),
                     [&](const JoinedEmbedding& v) { return v.version == interval.version; });
    auto index = static_cast<int32_t>(known - versions_.begin());
    if (known == versions_.end()) {
      ONEFOLD_ASSIGN_OR_RETURN(auto reader, VersionReader::open(store, interval.version, cache_));
      if (!readers_.empty()) {
        const Status compatible = check_compatible(reader->info(), readers_.front()->info());
        if (!compatible.ok()) return compatible.with_context(store.directory());
      }
      versions_.push_back(describe(reader->info()));
      readers_.push_back(std::move(reader));
    }
    starts_.emplace_back(interval.from_us, index);
    return {};
  }

  // The last version that went live at or before `time_us`.
  int32_t version_at(int64_t time_us) const {
    const auto after =
        std::upper_bound(starts_.begin(), starts_.end(), time_us,
                         [](int64_t time, const auto& start) { return time < start.first; });
    return after == starts_.begin() ? kNone : std::prev(after)->second;
  }

  Status look_up(const std::vector<Key>& keys, std::vector<std::vector<int64_t>>& words) {
    std::vector<size_t> order(keys.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return keys[a] < keys[b]; });
    for (const size_t k : order) {
      if (keys[k].version == kNone) continue;
      ONEFOLD_ASSIGN_OR_RETURN(auto found, readers_[keys[k].version]->lookup(keys[k].user));
      if (found) words[k] = std::move(*found);
    }
    return {};
  }

  void count(const DistinctKeys& found, const std::vector<std::vector<int64_t>>& words) {
    counts_.samples += static_cast<int64_t>(found.index.size());
    for (const int32_t k : found.index) {
      counts_.before_first += found.keys[k].version == kNone;
      counts_.unknown_users += found.keys[k].version != kNone && words[k].empty();
    }
  }

  std::shared_ptr<EmbeddingCache> cache_;
  std::vector<std::unique_ptr<VersionReader>> readers_;
  std::vector<JoinedEmbedding> versions_;            // as readers_
  std::vector<std::pair<int64_t, int32_t>> starts_;  // (live from, index into readers_), ascending
  mutable std::mutex mutex_;                         // guards counts_, cache_ and the readers
  EmbeddingJoinCounts counts_;
};

}  // namespace

Result<Schema> with_user_embedding(Schema schema) {
  for (const FeatureSpec& feature : schema.features) {
    if (feature.name != kUserEmbeddingWords && feature.group != kUserEmbedding &&
        feature.name != kUserEmbedding) {
      continue;
    }
    return schema_error(fmt::format(
        "there is a feature '{}' of group '{}' already: join user embeddings either while building "
        "or while reading",
        feature.name, feature.group));
  }
  schema.features.push_back(
      {kUserEmbeddingWords, FeatureKind::kIdList, FeatureScope::kUser, kUserEmbedding});
  return schema;
}

Result<std::unique_ptr<EmbeddingJoin>> EmbeddingJoin::open(const std::string& store,
                                                           const EmbeddingJoinOptions& options) {
  ONEFOLD_ASSIGN_OR_RETURN(const EmbeddingStore opened, EmbeddingStore::open(store));
  auto join = std::make_unique<Join>(options.cache_bytes);
  ONEFOLD_RETURN_IF_ERROR(join->open_versions(opened, options));
  return std::unique_ptr<EmbeddingJoin>(std::move(join));
}

}  // namespace onefold
