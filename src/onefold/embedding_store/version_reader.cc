// SPDX-License-Identifier: Apache-2.0
#include "onefold/embedding_store/version_reader.h"

#include <algorithm>

#include <fmt/format.h>

#include "onefold/table/column_reader.h"

namespace onefold {
namespace {

// One version directory, without its bases: its row groups in user order.
class Layer {
 public:
  static Result<Layer> open(const EmbeddingStore& store, const std::string& id,
                            std::shared_ptr<EmbeddingCache> cache) {
    ONEFOLD_ASSIGN_OR_RETURN(VersionInfo info, store.info(id));
    Layer layer;
    layer.info_ = std::move(info);
    layer.cache_ = cache ? std::move(cache) : std::make_shared<EmbeddingCache>(0);
    for (const VersionFile& file : layer.info_.files) {
      ONEFOLD_ASSIGN_OR_RETURN(auto opened,
                               ParquetFile::open(store.version_directory(id) + "/" + file.path));
      if (opened->row_group_rows() != file.row_group_rows) {
        return data_loss(opened->path() + ": row groups are not those of " + kVersionName);
      }
      for (size_t i = 0; i < file.row_group_first.size(); ++i) {
        layer.groups_.push_back(
            {file.row_group_first[i], layer.files_.size(), static_cast<int>(i)});
      }
      layer.files_.push_back(std::move(opened));
    }
    return layer;
  }

  const VersionInfo& info() const { return info_; }
  size_t num_groups() const { return groups_.size(); }

  Result<EmbeddingRows> read(size_t index) const {
    const Group& group = groups_[index];
    const ParquetFile& file = *files_[group.file];
    BoundColumn user{{"user_id", ColumnType::kInt64}, 0};
    BoundColumn embedding{{"embedding", ColumnType::kIdList}, 0};
    for (BoundColumn* column : {&user, &embedding}) {
      ONEFOLD_ASSIGN_OR_RETURN(column->leaf, file.find(column->column));
    }
    ONEFOLD_ASSIGN_OR_RETURN(auto columns, RowGroupColumns::open(file, group.row_group));
    EmbeddingRows rows;
    ONEFOLD_ASSIGN_OR_RETURN(rows.users, columns.read_int64(user));
    ONEFOLD_ASSIGN_OR_RETURN(auto words, columns.read_jagged(embedding));
    rows.words = std::get<JaggedTensor<int64_t>>(std::move(words));
    const int64_t width = words_per_user(info_.format, info_.shape);
    for (int64_t row = 0; row < rows.words.num_rows(); ++row) {
      if (rows.words.length(row) != width) {
        return data_loss(fmt::format("{}: user {} has {} words, expected {}", file.path(),
                                     rows.users[row], rows.words.length(row), width));
      }
    }
    return rows;
  }

  Result<std::optional<std::vector<int64_t>>> lookup(int64_t user_id) {
    auto after = std::upper_bound(groups_.begin(), groups_.end(), user_id,
                                  [](int64_t user, const Group& g) { return user < g.first_user; });
    if (after == groups_.begin()) return std::optional<std::vector<int64_t>>();
    const auto index = static_cast<size_t>(after - groups_.begin() - 1);
    std::shared_ptr<const EmbeddingRows> rows = cache_->get({info_.id, index});
    if (!rows) {
      ONEFOLD_ASSIGN_OR_RETURN(EmbeddingRows decoded, read(index));
      const auto bytes = static_cast<int64_t>(sizeof(int64_t)) *
                         (decoded.words.num_values() + static_cast<int64_t>(decoded.users.size()));
      rows = std::make_shared<const EmbeddingRows>(std::move(decoded));
      cache_->put({info_.id, index}, rows, bytes);
    }
    const auto it = std::lower_bound(rows->users.begin(), rows->users.end(), user_id);
    if (it == rows->users.end() || *it != user_id) return std::optional<std::vector<int64_t>>();
    const auto row = rows->words.row(it - rows->users.begin());
    return std::optional<std::vector<int64_t>>(std::in_place, row.begin(), row.end());
  }

 private:
  struct Group {
    int64_t first_user;
    size_t file;
    int row_group;
  };

  VersionInfo info_;
  std::vector<std::unique_ptr<ParquetFile>> files_;
  std::vector<Group> groups_;
  std::shared_ptr<EmbeddingCache> cache_;
};

// Streams one layer's users in order.
class LayerCursor {
 public:
  explicit LayerCursor(const Layer& layer) : layer_(&layer) {}

  // Steps to the next user; false at the end.
  Result<bool> next() {
    ++row_;
    while (!group_ || row_ >= static_cast<int64_t>(group_->users.size())) {
      if (index_ >= layer_->num_groups()) return false;
      ONEFOLD_ASSIGN_OR_RETURN(group_, layer_->read(index_++));
      row_ = 0;
    }
    return true;
  }
  int64_t user() const { return group_->users[row_]; }
  std::span<const int64_t> words() const { return group_->words.row(row_); }

 private:
  const Layer* layer_;
  std::optional<EmbeddingRows> group_;
  size_t index_ = 0;
  int64_t row_ = -1;
};

class Reader final : public VersionReader {
 public:
  explicit Reader(std::vector<Layer> layers) : layers_(std::move(layers)) {}

  const VersionInfo& info() const override { return layers_.front().info(); }

  Result<std::optional<std::vector<int64_t>>> lookup(int64_t user_id) override {
    for (Layer& layer : layers_) {
      ONEFOLD_ASSIGN_OR_RETURN(auto words, layer.lookup(user_id));
      if (words) return words;
    }
    return std::optional<std::vector<int64_t>>();
  }

  Status scan_own(const Visit& visit) override {
    LayerCursor cursor(layers_.front());
    while (true) {
      ONEFOLD_ASSIGN_OR_RETURN(const bool any, cursor.next());
      if (!any) return {};
      ONEFOLD_RETURN_IF_ERROR(visit(cursor.user(), cursor.words()));
    }
  }

  std::vector<std::string> chain() const override {
    std::vector<std::string> ids;
    for (const Layer& layer : layers_) ids.push_back(layer.info().id);
    return ids;
  }

  // Merges the layers by user; of equal users the newest layer, which comes first, wins.
  Status scan(const Visit& visit) override {
    std::vector<LayerCursor> cursors;
    for (const Layer& layer : layers_) {
      LayerCursor cursor(layer);
      ONEFOLD_ASSIGN_OR_RETURN(const bool any, cursor.next());
      if (any) cursors.push_back(std::move(cursor));
    }
    while (!cursors.empty()) {
      const auto newest = std::min_element(
          cursors.begin(), cursors.end(),
          [](const LayerCursor& a, const LayerCursor& b) { return a.user() < b.user(); });
      const int64_t user = newest->user();
      ONEFOLD_RETURN_IF_ERROR(visit(user, newest->words()));
      for (auto it = cursors.begin(); it != cursors.end();) {
        bool more = true;
        if (it->user() == user) {
          ONEFOLD_ASSIGN_OR_RETURN(more, it->next());
        }
        it = more ? it + 1 : cursors.erase(it);
      }
    }
    return {};
  }

 private:
  std::vector<Layer> layers_;  // the version, its base, the base's base, ...
};

}  // namespace

Result<std::unique_ptr<VersionReader>> VersionReader::open(const EmbeddingStore& store,
                                                           const std::string& id) {
  return open(store, id, nullptr);
}

Result<std::unique_ptr<VersionReader>> VersionReader::open(const EmbeddingStore& store,
                                                           const std::string& id,
                                                           std::shared_ptr<EmbeddingCache> cache) {
  std::vector<Layer> layers;
  for (std::string next = id; !next.empty();) {
    ONEFOLD_ASSIGN_OR_RETURN(Layer layer, Layer::open(store, next, cache));
    if (!layers.empty())
      ONEFOLD_RETURN_IF_ERROR(check_compatible(layers.front().info(), layer.info()));
    next = layer.info().base;
    layers.push_back(std::move(layer));
  }
  return std::unique_ptr<VersionReader>(std::make_unique<Reader>(std::move(layers)));
}

}  // namespace onefold
