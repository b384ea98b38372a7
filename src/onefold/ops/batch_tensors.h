// SPDX-License-Identifier: Apache-2.0
// Batch -> tensors: the bridge from jagged/ to torch, and the place where ids become positions
// among the distinct rows of their table.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ATen/core/TensorBody.h>

#include "onefold/base/status.h"
#include "onefold/jagged/batch.h"
#include "onefold/ops/distinct_ids.h"
#include "onefold/ops/id_sort.h"
#include "onefold/ops/index_csr.h"
#include "onefold/ops/payload_windows.h"

namespace onefold {

struct TimelineTensors;  // timeline_tensors.h

// What a model reads from a batch.
struct TensorPlan {
  struct Lookup {
    std::string feature;  // an id or id_list feature, or "item_id", the candidate
    int table = 0;        // index into table_rows; several features may share one table
  };
  std::vector<std::string> dense;   // [F]
  bool dense_log1p = true;          // x -> sign(x) log(1 + |x|)
  std::vector<std::string> labels;  // [T]: binary ones, 0 to 1, then `num_value_labels` of values
  int64_t num_value_labels = 0;
  std::vector<int64_t> table_rows;  // rows of each table
  std::vector<Lookup> lookups;
  struct Embedding {
    std::string feature;    // an id_list in a group
    int64_t num_words = 0;  // of a user
  };
  std::vector<Embedding> embeddings;
  std::vector<std::string> float_lists;  // always through sign(x) log(1 + |x|)
};

// One jagged feature over R rows: R is U of its group, or B when it is stored per sample.
struct JaggedIndex {
  int group = -1;      // index into BatchTensors::groups; -1: per sample
  SortedIds ids;       // N, numbers of the distinct ids of the table; for embedding_bag
  at::Tensor offsets;  // int32 [R + 1]
  // Of a windowed group: ids are of the payload's N values, and the R rows are windows on them.
  std::shared_ptr<const PayloadWindows> windows = nullptr;
};

struct JaggedFloats {
  int group = -1;
  at::Tensor values;                                        // float [N]; NaN became 0
  at::Tensor offsets;                                       // int32 [R + 1]
  std::shared_ptr<const PayloadWindows> windows = nullptr;  // as JaggedIndex::windows
};

// A user embedding as it is stored, over the U unique rows of its group.
struct EmbeddingWords {
  int group = 0;        // index into BatchTensors::groups
  at::Tensor words;     // int64 [U, num_words]; an empty row is all zero
  at::Tensor is_empty;  // bool [U]
};

struct GroupTensors {
  FoldIndex fold;  // B samples over U unique rows
  // U == B: rows are numbered in first-seen order, so the inverse is 0, 1, 2, ... and expanding
  // would only copy.
  bool is_identity = false;
};

struct BatchTensors {
  int64_t num_samples = 0;                 // B
  at::Tensor dense;                        // float [B, F]; NaN became 0
  at::Tensor labels;                       // float [B, T]; values through sign(x) log(1 + |x|)
  std::vector<at::Tensor> table_ids;       // per table: int64 [distinct], what lookups number
  std::vector<JaggedIndex> lookups;        // as TensorPlan::lookups
  std::vector<JaggedFloats> float_lists;   // as TensorPlan::float_lists
  std::vector<EmbeddingWords> embeddings;  // as TensorPlan::embeddings
  std::vector<GroupTensors> groups;        // as Batch::groups
  std::shared_ptr<const TimelineTensors> timelines;  // for an upstream model, else null
};

// Makes BatchTensors; keeps 4 bytes per table row between calls. Not thread safe.
class BatchTensorizer {
 public:
  explicit BatchTensorizer(TensorPlan plan);

  // Copies: the batch may go away. kSchema for a feature, dense column or label that the batch does
  // not have, for an id outside its table (ids are hashed to the table's rows unless the
  // configuration says otherwise), for an embedding with another number of words, for a binary
  // label outside [0, 1] and a value that is not finite.
  Result<BatchTensors> operator()(const Batch& batch);

 private:
  // A lookup without its ids, and its ids as numbers int64 [N]; more may follow in the same table.
  struct Numbered {
    JaggedIndex index;
    at::Tensor numbers;
  };
  Result<Numbered> look_up(const Batch& batch, const TensorPlan::Lookup& lookup);
  Status number(const TensorPlan::Lookup& lookup, std::span<const int64_t> ids, Numbered& numbered);

  TensorPlan plan_;
  std::vector<DistinctIds> tables_;
};

}  // namespace onefold
