// SPDX-License-Identifier: Apache-2.0
#include "onefold/reader/joined_table.h"

#include <utility>

#include "onefold/jagged/fold.h"

namespace onefold {
namespace {

class JoinedTable final : public TableReader {
 public:
  JoinedTable(std::unique_ptr<TableReader> table, std::unique_ptr<EmbeddingJoin> embeddings,
              Manifest manifest, Schema schema, bool fold)
      : table_(std::move(table)),
        embeddings_(std::move(embeddings)),
        manifest_(std::move(manifest)),
        schema_(std::move(schema)),
        fold_(fold) {}

  const Manifest& manifest() const override { return manifest_; }
  const Schema& schema() const override { return schema_; }
  const std::vector<RowGroupRef>& row_groups() const override { return table_->row_groups(); }
  int64_t bytes_read() const override { return table_->bytes_read(); }

  Result<Batch> read(const RowGroupRef& row_group) override {
    ONEFOLD_ASSIGN_OR_RETURN(Batch batch, table_->read(row_group));
    ONEFOLD_ASSIGN_OR_RETURN(auto joined, embeddings_->join(batch.user_id, batch.time_us));
    if (!fold_) joined = InverseKeyedJaggedTensor::identity(expand(joined));
    batch.groups.push_back({kUserEmbedding, std::move(joined)});
    return batch;
  }

 private:
  std::unique_ptr<TableReader> table_;
  std::unique_ptr<EmbeddingJoin> embeddings_;
  Manifest manifest_;
  Schema schema_;
  bool fold_;
};

}  // namespace

Result<std::unique_ptr<TableReader>> join_embeddings(std::unique_ptr<TableReader> table,
                                                     std::unique_ptr<EmbeddingJoin> embeddings,
                                                     bool fold) {
  Manifest manifest = table->manifest();
  ONEFOLD_ASSIGN_OR_RETURN(manifest.schema, with_user_embedding(std::move(manifest.schema)));
  ONEFOLD_ASSIGN_OR_RETURN(Schema schema, with_user_embedding(table->schema()));
  manifest.embeddings = embeddings->versions();
  return std::unique_ptr<TableReader>(std::make_unique<JoinedTable>(
      std::move(table), std::move(embeddings), std::move(manifest), std::move(schema), fold));
}

}  // namespace onefold
