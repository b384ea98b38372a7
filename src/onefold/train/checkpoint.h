// SPDX-License-Identifier: Apache-2.0
// Checkpoints: a directory per checkpoint, and a file that names the newest.
//
//   DIR/step-000000400/model.safetensors       dense.<parameter>, table.<name>
//   DIR/step-000000400/optimizer.safetensors   adam.m.*, adam.v.*, adagrad.<table>
//   DIR/step-000000400/checkpoint.json         step, reader position, configuration hash, format
//   DIR/step-000000400/upstream.json           of a model with an [upstream] section
//   (upstream_file.h) DIR/latest                                 "step-000000400"
//
// A checkpoint is built out of sight and renamed; `latest` changes after that. A kill at any moment
// leaves `latest` naming a complete checkpoint.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/reader/batch_reader.h"
#include "onefold/train/safetensors.h"

namespace onefold {

inline constexpr int kCheckpointFormatVersion = 1;

struct CheckpointInfo {
  int64_t step = 0;
  int64_t optimizer_steps = 0;
  int64_t samples = 0;  // trained on so far
  ReaderState reader;
  std::string config_hash;
};

// Writes DIR/step-<step>, points `latest` at it and removes all but the `keep` newest. `upstream`
// is the text of upstream.json; empty: there is none.
Status write_checkpoint(const std::string& directory, const CheckpointInfo& info,
                        const std::vector<NamedTensor>& model,
                        const std::vector<NamedTensor>& optimizer, int64_t keep,
                        const std::string& upstream = {});

// The directory of the checkpoint that `latest` names. kNotFound when there is none, kDataLoss when
// it names something else.
Result<std::string> newest_checkpoint(const std::string& directory);

// Some of the model's tensors in the checkpoint at `checkpoint` (a step-* directory), of the names,
// shapes and types of `wanted`, whose values are not looked at. Errors as read_checkpoint().
Result<std::vector<at::Tensor>> read_model_tensors(const std::string& checkpoint,
                                                   const std::vector<NamedTensor>& wanted);

// Reads the checkpoint that `latest` names, into the tensors given: names and shapes must be the
// same. Nothing is changed on error: kNotFound when there is no checkpoint, kInvalidArgument when
// its config_hash is another, kDataLoss when it is damaged, kUnsupported for a newer format.
Result<CheckpointInfo> read_checkpoint(const std::string& directory, const std::string& config_hash,
                                       const std::vector<NamedTensor>& model,
                                       const std::vector<NamedTensor>& optimizer);

}  // namespace onefold
