// SPDX-License-Identifier: Apache-2.0
#include "onefold/embed/user_embedder.h"

#include <utility>

#include <ATen/ops/empty.h>
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

// Dense parameters first, then tables, which are only shapes: their memory is never touched.
std::vector<NamedTensor> wanted_tensors(const UserEncoder& encoder, const Parameters& parameters) {
  std::vector<NamedTensor> wanted;
  for (const Parameter& parameter : parameters.all()) {
    wanted.push_back({"dense." + parameter.name, parameter.value});
  }
  const UpstreamConfig& config = encoder.config();
  for (const SliceTable& table : encoder.layout().tables) {
    wanted.push_back({"table." + encoder.table_name(table),
                      at::empty({config.table_rows.of(table.id), config.dim}, at::kFloat)});
  }
  return wanted;
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
  std::vector<NamedTensor> weights = wanted_tensors(encoder, parameters);
  ONEFOLD_ASSIGN_OR_RETURN(const auto values, read_model_tensors(checkpoint, weights));
  std::vector<at::Tensor> tables;
  const c10::NoGradGuard no_grad;
  for (size_t i = 0; i < weights.size(); ++i) {
    if (i < parameters.all().size()) {
      weights[i].value.copy_(values[i]);
    } else {
      tables.push_back(weights[i].value = values[i]);
    }
  }
  std::unique_ptr<UserEmbedder> embedder(
      new UserEmbedder(std::move(parameters), std::move(encoder), std::move(tables)));
  const std::string description = to_json(config).dump();
  uint64_t hash = hash64(description.data(), description.size());
  for (const NamedTensor& tensor : weights) hash = hash_tensor(tensor, hash);
  embedder->model_hash_ = fmt::format("{:016x}", hash);
  return embedder;
}

UserEmbedder::UserEmbedder(Parameters parameters, UserEncoder encoder,
                           std::vector<at::Tensor> tables)
    : parameters_(std::move(parameters)),
      encoder_(std::move(encoder)),
      tables_(std::move(tables)) {}

at::Tensor UserEmbedder::embed(const TimelineTensors& timelines) const {
  const c10::NoGradGuard no_grad;
  return encoder_.forward(timelines, tables_);
}

}  // namespace onefold
