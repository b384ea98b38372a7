// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/text_file.h"

#include <arrow/io/compressed.h>
#include <arrow/io/file.h>
#include <arrow/util/compression.h>

#include "onefold/log/arrow_status.h"

namespace onefold {
namespace {

arrow::Compression::type compression_of(const std::string& path) {
  if (path.ends_with(".zst")) return arrow::Compression::ZSTD;
  if (path.ends_with(".gz")) return arrow::Compression::GZIP;
  if (path.ends_with(".bz2")) return arrow::Compression::BZ2;
  if (path.ends_with(".lz4")) return arrow::Compression::LZ4_FRAME;
  return arrow::Compression::UNCOMPRESSED;
}

}  // namespace

std::string without_compression(const std::string& path) {
  if (compression_of(path) == arrow::Compression::UNCOMPRESSED) return path;
  return path.substr(0, path.rfind('.'));
}

Result<TextFile> TextFile::open(const std::string& path) {
  TextFile text;
  ONEFOLD_ASSIGN_OR_RETURN_ARROW(text.file_, arrow::io::ReadableFile::Open(path), path);
  ONEFOLD_ASSIGN_OR_RETURN_ARROW(text.file_bytes_, text.file_->GetSize(), path);
  text.input_ = text.file_;
  if (compression_of(path) != arrow::Compression::UNCOMPRESSED) {
    ONEFOLD_ASSIGN_OR_RETURN_ARROW(text.codec_, arrow::util::Codec::Create(compression_of(path)),
                                   path);
    ONEFOLD_ASSIGN_OR_RETURN_ARROW(
        text.input_, arrow::io::CompressedInputStream::Make(text.codec_.get(), text.file_), path);
  }
  return text;
}

double TextFile::fraction_read() const {
  const auto at = file_->Tell();
  if (!at.ok() || file_bytes_ == 0) return 1;
  return static_cast<double>(*at) / static_cast<double>(file_bytes_);
}

}  // namespace onefold
