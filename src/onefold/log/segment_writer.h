// SPDX-License-Identifier: Apache-2.0
// SegmentWriter: one segment file of a log, an Arrow IPC stream compressed with zstd.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "onefold/base/status.h"
#include "onefold/log/block_codec.h"

namespace onefold {

inline constexpr const char* kOpenSuffix = ".open";
inline constexpr const char* kTornSuffix = ".torn";
inline constexpr const char* kChecksumKey = "onefold.xxh3";

class SegmentWriter {
 public:
  // Creates `path` + ".open" (in an existing directory).
  static Result<std::unique_ptr<SegmentWriter>> create(const std::string& path,
                                                       const std::shared_ptr<arrow::Schema>& schema,
                                                       int zstd_level);
  ~SegmentWriter();

  // Writes one block; when it returns, the operating system has all its bytes, so a reader sees it.
  Status write(const Block& block);
  int64_t bytes_written() const;

  // Writes the end marker, fsyncs and renames to `path`. Nothing may be written afterwards.
  Status seal();

 private:
  struct Rep;
  explicit SegmentWriter(std::unique_ptr<Rep> rep);

  std::unique_ptr<Rep> rep_;
};

// Makes the killed writer's `path` + ".open" a sealed segment at `path`: its first `complete_bytes`
// bytes and an end marker. The bytes after them are kept in `path` + ".torn", which no reader
// opens; so is a file without any complete block
// (0 bytes), unless it is empty: then it is removed.
Status seal_at(const std::string& path, int64_t complete_bytes);

}  // namespace onefold
