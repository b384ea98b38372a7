// SPDX-License-Identifier: Apache-2.0
// RowGroupBuilder: the Batch of one row group, made from requests.
//
// A group of user features is folded over requests, not over samples: the candidates of a request
// share its row by construction, so 11 of them cost one comparison instead of 11. Folding looks
// across the whole row group: a history that comes back after another one (A-B-A) is found.
#pragma once

#include <span>
#include <vector>

#include "onefold/build/join.h"
#include "onefold/build/request_store.h"
#include "onefold/jagged/batch.h"

namespace onefold {

class RowGroupBuilder {
 public:
  // Borrows `store` and `join`.
  RowGroupBuilder(const Schema& schema, const RequestStore& store, EventJoin& join);

  // The samples of `requests`: each request's candidates in their order. kInvalidArgument when a
  // feature has 2^31 values or more in the row group.
  Result<Batch> build(std::span<const RowRef> requests);

 private:
  // Where a feature's column is in the records.
  struct Source {
    FeatureSpec feature;
    int64_t column = 0;  // among the features of its scope, in schema order
  };
  // Rows of `requests` and of the samples made from them.
  struct Rows {
    std::span<const RowRef> requests;  // [N]
    std::vector<int32_t> request_of;   // [B] index into requests
    std::vector<RowRef> candidates;    // [B]
  };

  Rows rows_of(std::span<const RowRef> requests) const;
  void fill_keys(const Rows& rows, Batch& batch) const;
  void fill_dense(const Rows& rows, Batch& batch) const;
  void fill_labels(const Rows& rows, Batch& batch);
  // One row per sample, or for a feature of scope user one row per request if `per_request`.
  Result<KeyedJaggedTensor> gather(const std::vector<Source>& sources, const Rows& rows,
                                   bool per_request) const;
  Result<InverseKeyedJaggedTensor> fold_group(const std::vector<Source>& sources,
                                              const Rows& rows) const;

  const RequestStore& store_;
  EventJoin& join_;
  std::vector<std::string> label_names_;
  std::vector<Source> dense_;
  std::vector<Source> sample_features_;
  std::vector<std::pair<std::string, std::vector<Source>>> groups_;
};

}  // namespace onefold
