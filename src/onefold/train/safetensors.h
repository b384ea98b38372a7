// SPDX-License-Identifier: Apache-2.0
// The safetensors format (huggingface/safetensors): named tensors in one file.
//
//   8 bytes   length of the header, little endian
//   header    JSON {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...,
//                   "__metadata__": {"key": "text"}}, padded with spaces to a multiple of 8
//   data      the tensors, row major, little endian; offsets count from here and leave no gaps
#pragma once

#include <map>
#include <string>
#include <vector>

#include <ATen/core/TensorBody.h>

#include "onefold/base/status.h"

namespace onefold {

struct NamedTensor {
  std::string name;
  at::Tensor value;  // contiguous, on the CPU: float, double, int32 or int64
};

// Writes and fsyncs `path`; not atomic, so write into a staging directory. Names must differ.
Status write_safetensors(const std::string& path, const std::vector<NamedTensor>& tensors,
                         const std::map<std::string, std::string>& metadata = {});

struct Safetensors {
  std::map<std::string, at::Tensor> tensors;
  std::map<std::string, std::string> metadata;
};

// kDataLoss, naming the file and what is wrong, for a header or sizes that do not hold together;
// kUnsupported for a dtype other than the four above. Allocates only what the file's size allows.
Result<Safetensors> read_safetensors(const std::string& path);

}  // namespace onefold
