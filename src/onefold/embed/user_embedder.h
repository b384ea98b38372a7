// SPDX-License-Identifier: Apache-2.0
// UserEmbedder: the user encoder of a checkpoint, alone.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/TensorBody.h>

#include "onefold/base/status.h"
#include "onefold/model/user_encoder.h"

namespace onefold {

class UserEmbedder {
 public:
  // The newest checkpoint in `directory`, as `onefold train` writes them, or a step-* directory
  // itself. kNotFound when there is none or its model has no user encoder; kDataLoss, kSchema when
  // it is damaged.
  static Result<std::unique_ptr<UserEmbedder>> load(const std::string& directory);

  // [U, T, D] float, without a gradient. The tensors' ids must be table rows
  // (TimelineTensorOptions::number_ids = false).
  at::Tensor embed(const TimelineTensors& timelines) const;

  const UserEncoder& encoder() const { return encoder_; }
  // XXH3-64 of everything that decides an embedding: configuration, slices and weights. 16 hex
  // digits.
  const std::string& model_hash() const { return model_hash_; }

 private:
  UserEmbedder(Parameters parameters, UserEncoder encoder, std::vector<at::Tensor> tables);

  Parameters parameters_;
  UserEncoder encoder_;
  std::vector<at::Tensor> tables_;  // as the layout's
  std::string model_hash_;
};

}  // namespace onefold
