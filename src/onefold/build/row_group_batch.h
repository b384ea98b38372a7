// SPDX-License-Identifier: Apache-2.0
// RowGroupBuilder: the Batch of one row group, made from requests.
//
// A group of user features is folded over requests, not over samples: the candidates of a request
// share its row by construction, so 11 of them cost one comparison instead of 11. Folding looks
// across the whole row group: a history that comes back after another one (A-B-A) is found.
#pragma once

#include <vector>

#include "onefold/build/sample_rows.h"
#include "onefold/jagged/batch.h"

namespace onefold {

class RowGroupBuilder {
 public:
  explicit RowGroupBuilder(const Schema& schema);

  // The samples of `rows`. kInvalidArgument when a feature has 2^31 values or more in the row
  // group. From any thread.
  Result<Batch> build(const SampleRows& rows) const;

 private:
  // Where a feature's column is in the records.
  struct Source {
    FeatureSpec feature;
    int64_t column = 0;  // among the features of its scope, in schema order
  };

  void fill_keys(const SampleRows& rows, Batch& batch) const;
  void fill_dense(const SampleRows& rows, Batch& batch) const;
  // One row per sample, or for a feature of scope user one row per request if `per_request`.
  Result<KeyedJaggedTensor> gather(const std::vector<Source>& sources, const SampleRows& rows,
                                   bool per_request) const;
  Result<InverseKeyedJaggedTensor> fold_group(const std::vector<Source>& sources,
                                              const SampleRows& rows) const;

  std::vector<std::string> label_names_;
  std::vector<Source> dense_;
  std::vector<Source> sample_features_;
  std::vector<std::pair<std::string, std::vector<Source>>> groups_;
};

}  // namespace onefold
