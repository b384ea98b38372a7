// SPDX-License-Identifier: Apache-2.0
// TextFile: a file of lines, decompressed by its name.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "onefold/base/status.h"

namespace arrow::io {
class InputStream;
class ReadableFile;
}  // namespace arrow::io
namespace arrow::util {
class Codec;
}  // namespace arrow::util

namespace onefold {

// "rows.csv.gz" -> "rows.csv": .zst, .gz, .bz2 and .lz4 are decompressed.
std::string without_compression(const std::string& path);

class TextFile {
 public:
  // kNotFound, kIoError.
  static Result<TextFile> open(const std::string& path);

  // The text. Must not outlive this object.
  const std::shared_ptr<arrow::io::InputStream>& input() const { return input_; }
  // Share of the file's bytes read so far, 0 to 1.
  double fraction_read() const;

 private:
  std::shared_ptr<arrow::util::Codec> codec_;  // outlives input_
  std::shared_ptr<arrow::io::ReadableFile> file_;
  std::shared_ptr<arrow::io::InputStream> input_;
  int64_t file_bytes_ = 0;
};

}  // namespace onefold
