// SPDX-License-Identifier: Apache-2.0
#include "onefold/embed/user_embedder.h"

#include <utility>

#include <c10/core/GradMode.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "onefold/base/files.h"
#include "onefold/base/hash.h"
#include "onefold/train/checkpoint.h"
#include "onefold/train/upstream_file.h"

namespace onefold {
namespace {

uint64_t hash_tensor(const NamedTensor& tensor, uint64_t seed) {
  const at::Tensor values = tensor.value.detach().contiguous();
  seed = hash64(tensor.name.data(), tensor.name.size(), seed);
  return hash64(values.const_data_ptr(), values.nbytes(), seed);
}

}  // namespace

Result<std::unique_ptr<UserEmbedder>> UserEmbedder::load(const std::string& directory) {
  std::string checkpoint = directory;
  if (!path_exists(directory + "/" + kUpstreamFile)) {
    ONEFOLD_ASSIGN_OR_RETURN(checkpoint, newest_checkpoint(directory));
  }
  ONEFOLD_ASSIGN_OR_RETURN(const UpstreamConfig config, read_upstream_file(checkpoint));
  Parameters parameters(/*seed=*/0);
  ONEFOLD_ASSIGN_OR_RETURN(UserEncoder encoder, UserEncoder::make(config, parameters));
  std::vector<EmbeddingTable> tables = encoder.make_tables(parameters);
  std::unique_ptr<UserEmbedder> embedder(
      new UserEmbedder(std::move(parameters), std::move(encoder), std::move(tables)));
  std::vector<NamedTensor> weights;
  for (const Parameter& parameter : embedder->parameters_.all()) {
    weights.push_back({"dense." + parameter.name, parameter.value});
  }
  for (const EmbeddingTable& table : embedder->tables_) {
    weights.push_back({"table." + table.name, table.weight});
  }
  ONEFOLD_RETURN_IF_ERROR(read_model_tensors(checkpoint, weights));
  const std::string description = to_json(config).dump();
  uint64_t hash = hash64(description.data(), description.size());
  for (const NamedTensor& tensor : weights) hash = hash_tensor(tensor, hash);
  embedder->model_hash_ = fmt::format("{:016x}", hash);
  return embedder;
}

UserEmbedder::UserEmbedder(Parameters parameters, UserEncoder encoder,
                           std::vector<EmbeddingTable> tables)
    : parameters_(std::move(parameters)),
      encoder_(std::move(encoder)),
      tables_(std::move(tables)) {}

at::Tensor UserEmbedder::embed(const TimelineTensors& timelines) const {
  const c10::NoGradGuard no_grad;
  std::vector<at::Tensor> rows;
  for (const EmbeddingTable& table : tables_) rows.push_back(table.weight);
  return encoder_.forward(timelines, rows);
}

}  // namespace onefold
