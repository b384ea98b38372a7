// SPDX-License-Identifier: Apache-2.0
// UserEncoder: timelines -> user embedding. The part of the upstream model that generation keeps;
// training runs it inside a Dlrm, so that it learns what predicts.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ATen/core/TensorBody.h>

#include "onefold/model/embedding_table.h"
#include "onefold/model/parameters.h"
#include "onefold/model/slice_encoder.h"
#include "onefold/model/upstream_config.h"
#include "onefold/ops/timeline_tensors.h"

namespace onefold {

class UserEncoder {
 public:
  // Parameters "upstream.encoder.*". kInvalidArgument as lay_out_slices().
  static Result<UserEncoder> make(const UpstreamConfig& config, Parameters& parameters);

  static std::string table_name(const SliceTable& table) { return "upstream." + table.group; }
  // One per table group of the slices, in the order of layout().tables.
  std::vector<EmbeddingTable> make_tables(Parameters& parameters) const;

  // `table_rows` as pool_slices() wants them -> [U, T, D]
  at::Tensor forward(const TimelineTensors& timelines,
                     const std::vector<at::Tensor>& table_rows) const;

  // What the tensorizer of this encoder's timelines is opened with.
  TimelineTensorOptions tensor_options() const;
  const SliceLayout& layout() const { return *layout_; }
  const UpstreamConfig& config() const { return config_; }

 private:
  UserEncoder(const UpstreamConfig& config, SliceLayout layout, Parameters& parameters);

  UpstreamConfig config_;
  std::unique_ptr<const SliceLayout> layout_;  // tensorizers refer to it: it must not move
  SliceEncoder encoder_;
};

}  // namespace onefold
