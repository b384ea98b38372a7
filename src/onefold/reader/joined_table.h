// SPDX-License-Identifier: Apache-2.0
// JoinedTable: a table with user embeddings, joined row group by row group as it is read.
#pragma once

#include <memory>

#include "onefold/embedding_store/embedding_join.h"
#include "onefold/table/table_reader.h"

namespace onefold {

// Reads as the table would that `onefold build --embeddings` makes of the same samples: the group
// kUserEmbedding comes last, folded over the row group, or U == B without `fold`. kSchema when the
// table has such a group already. bytes_read() counts the table's bytes only.
Result<std::unique_ptr<TableReader>> join_embeddings(std::unique_ptr<TableReader> table,
                                                     std::unique_ptr<EmbeddingJoin> embeddings,
                                                     bool fold);

}  // namespace onefold
