// SPDX-License-Identifier: Apache-2.0
#include "onefold/model/user_encoder.h"

#include <utility>

#include "onefold/ops/slice_pooling.h"

namespace onefold {

Result<UserEncoder> UserEncoder::make(const UpstreamConfig& config, Parameters& parameters) {
  ONEFOLD_ASSIGN_OR_RETURN(SliceLayout layout, lay_out_slices(config.slice_set));
  return UserEncoder(config, std::move(layout), parameters);
}

UserEncoder::UserEncoder(const UpstreamConfig& config, SliceLayout layout, Parameters& parameters)
    : config_(config),
      layout_(std::make_unique<const SliceLayout>(std::move(layout))),
      encoder_(config.encoder, config.slice_set.size(), config.dim, parameters) {}

std::vector<EmbeddingTable> UserEncoder::make_tables(Parameters& parameters) const {
  std::vector<EmbeddingTable> tables;
  for (const SliceTable& table : layout_->tables) {
    tables.push_back(
        make_table(table_name(table), config_.table_rows.of(table.id), config_.dim, parameters));
  }
  return tables;
}

at::Tensor UserEncoder::forward(const TimelineTensors& timelines,
                                const std::vector<at::Tensor>& table_rows) const {
  return encoder_.forward(pool_slices(*layout_, timelines, table_rows));
}

TimelineTensorOptions UserEncoder::tensor_options() const {
  return {.max_events = config_.max_events,
          .table_rows = config_.table_rows,
          .cache_bytes = config_.cache_bytes};
}

}  // namespace onefold
