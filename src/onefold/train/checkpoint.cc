// SPDX-License-Identifier: Apache-2.0
#include "onefold/train/checkpoint.h"

#include <algorithm>
#include <filesystem>

#include <c10/core/GradMode.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "onefold/base/files.h"
#include "onefold/train/upstream_file.h"

namespace onefold {
namespace {

namespace fs = std::filesystem;

constexpr const char* kModelFile = "model.safetensors";
constexpr const char* kOptimizerFile = "optimizer.safetensors";
constexpr const char* kInfoFile = "checkpoint.json";
constexpr const char* kLatestFile = "latest";

std::string step_name(int64_t step) { return fmt::format("step-{:09}", step); }

nlohmann::json to_json(const CheckpointInfo& info) {
  return {{"format_version", kCheckpointFormatVersion},
          {"step", info.step},
          {"optimizer_steps", info.optimizer_steps},
          {"samples", info.samples},
          {"reader", {{"epoch", info.reader.epoch}, {"batches_done", info.reader.batches_done}}},
          {"config_hash", info.config_hash}};
}

Result<CheckpointInfo> info_from_json(const std::string& text) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  try {
    const int version = json.at("format_version");
    if (version > kCheckpointFormatVersion) {
      return unsupported(fmt::format("format version {}; this build reads up to {}", version,
                                     kCheckpointFormatVersion));
    }
    const nlohmann::json& reader = json.at("reader");
    return CheckpointInfo{.step = json.at("step"),
                          .optimizer_steps = json.at("optimizer_steps"),
                          .samples = json.at("samples"),
                          .reader = {reader.at("epoch"), reader.at("batches_done")},
                          .config_hash = json.at("config_hash")};
  } catch (const nlohmann::json::exception& error) {
    return data_loss(fmt::format("not a checkpoint description: {}", error.what()));
  }
}

// Every checkpoint but the `keep` newest goes; so do none when the directory cannot be listed.
void remove_old(const std::string& directory, int64_t keep) {
  std::vector<fs::path> checkpoints;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    if (entry.path().filename().string().starts_with("step-")) checkpoints.push_back(entry.path());
  }
  std::sort(checkpoints.begin(), checkpoints.end());
  const int64_t surplus = static_cast<int64_t>(checkpoints.size()) - keep;
  for (int64_t i = 0; i < surplus; ++i) fs::remove_all(checkpoints[i], error);
}

// Finds every tensor of `wanted` in `file`, of the same shape and type.
Result<std::vector<at::Tensor>> match(const std::string& path,
                                      const std::vector<NamedTensor>& wanted) {
  ONEFOLD_ASSIGN_OR_RETURN(const Safetensors file, read_safetensors(path));
  std::vector<at::Tensor> found;
  for (const NamedTensor& tensor : wanted) {
    const auto stored = file.tensors.find(tensor.name);
    if (stored == file.tensors.end()) {
      return data_loss(fmt::format("{}: tensor '{}' is missing", path, tensor.name));
    }
    if (stored->second.sizes() != tensor.value.sizes() ||
        stored->second.scalar_type() != tensor.value.scalar_type()) {
      return data_loss(fmt::format("{}: tensor '{}' has another shape or type than the model's",
                                   path, tensor.name));
    }
    found.push_back(stored->second);
  }
  return found;
}

void copy_into(const std::vector<NamedTensor>& to, const std::vector<at::Tensor>& from) {
  const c10::NoGradGuard no_grad;
  for (size_t i = 0; i < to.size(); ++i) at::Tensor(to[i].value).copy_(from[i]);
}

}  // namespace

Status write_checkpoint(const std::string& directory, const CheckpointInfo& info,
                        const std::vector<NamedTensor>& model,
                        const std::vector<NamedTensor>& optimizer, int64_t keep,
                        const std::string& upstream) {
  ONEFOLD_RETURN_IF_ERROR(make_directories(directory));
  const std::string name = step_name(info.step);
  ONEFOLD_ASSIGN_OR_RETURN(auto staging, StagingDirectory::create(directory + "/" + name));
  ONEFOLD_RETURN_IF_ERROR(write_safetensors(staging.path() + "/" + kModelFile, model));
  ONEFOLD_RETURN_IF_ERROR(write_safetensors(staging.path() + "/" + kOptimizerFile, optimizer));
  ONEFOLD_RETURN_IF_ERROR(
      write_file_atomic(staging.path() + "/" + kInfoFile, to_json(info).dump(2) + "\n"));
  if (!upstream.empty()) {
    ONEFOLD_RETURN_IF_ERROR(write_file_atomic(staging.path() + "/" + kUpstreamFile, upstream));
  }
  ONEFOLD_RETURN_IF_ERROR(staging.commit());
  ONEFOLD_RETURN_IF_ERROR(write_file_atomic(directory + "/" + kLatestFile, name + "\n"));
  remove_old(directory, keep);
  return {};
}

Result<std::string> newest_checkpoint(const std::string& directory) {
  auto latest = read_file(directory + "/" + kLatestFile);
  if (!latest.ok()) {
    return not_found(
        fmt::format("{}: no checkpoint to resume from ({})", directory, latest.status().message()));
  }
  while (!latest->empty() && latest->back() == '\n') latest->pop_back();
  const std::string path = directory + "/" + *latest;
  if (!latest->starts_with("step-") || latest->find('/') != std::string::npos ||
      !path_exists(path + "/" + kInfoFile)) {
    return data_loss(
        fmt::format("{}/{} names '{}', which is no checkpoint there; write the name of "
                    "a step-* directory into it",
                    directory, kLatestFile, *latest));
  }
  return path;
}

Result<std::vector<at::Tensor>> read_model_tensors(const std::string& checkpoint,
                                                   const std::vector<NamedTensor>& wanted) {
  return match(checkpoint + "/" + kModelFile, wanted);
}

Result<CheckpointInfo> read_checkpoint(const std::string& directory, const std::string& config_hash,
                                       const std::vector<NamedTensor>& model,
                                       const std::vector<NamedTensor>& optimizer) {
  ONEFOLD_ASSIGN_OR_RETURN(const std::string path, newest_checkpoint(directory));
  ONEFOLD_ASSIGN_OR_RETURN(const std::string text, read_file(path + "/" + kInfoFile));
  auto info = info_from_json(text);
  if (!info.ok()) return info.status().with_context(path + "/" + kInfoFile);
  if (info->config_hash != config_hash) {
    return invalid_argument(
        fmt::format("{} was written by another configuration (hash {}, this run's is {}): model, "
                    "optimizer, seed and batch size must be the same to resume",
                    path, info->config_hash, config_hash));
  }
  ONEFOLD_ASSIGN_OR_RETURN(const auto weights, match(path + "/" + kModelFile, model));
  ONEFOLD_ASSIGN_OR_RETURN(const auto moments, match(path + "/" + kOptimizerFile, optimizer));
  copy_into(model, weights);
  copy_into(optimizer, moments);
  return info;
}

}  // namespace onefold
