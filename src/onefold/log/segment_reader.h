// SPDX-License-Identifier: Apache-2.0
// SegmentReader: the blocks of one segment file, up to its end or to the first damage.
//
// A segment is an IPC stream: a schema message, then one record batch message per block, then (if
// sealed) an end marker. Each message says how long it is, so a file cut anywhere gives exactly
// the blocks that are wholly there.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <arrow/io/type_fwd.h>
#include <arrow/type_fwd.h>

#include "onefold/base/status.h"
#include "onefold/log/block_codec.h"
#include "onefold/log/torn_tail.h"

namespace arrow::ipc {
class Message;
}

namespace onefold {

class SegmentReader {
 public:
  // Reads block by block. kNotFound and kIoError only: damage is a torn tail.
  // `schema` is what a segment of this log and stream must hold.
  static Result<SegmentReader> open(const std::string& path,
                                    const std::shared_ptr<arrow::Schema>& schema);

  // The same over bytes in memory; `path` is only the name they go by.
  static SegmentReader over(const std::string& path, std::shared_ptr<arrow::Buffer> bytes,
                            const std::shared_ptr<arrow::Schema>& schema);

  // The next block; nothing after the last one, or after the last before any damage.
  std::optional<Block> next();
  // The block that next() returned last is damaged after all: it begins the torn tail.
  void reject(const std::string& reason);

  int64_t complete_bytes() const { return complete_bytes_; }  // up to the last complete block
  // Nothing when every byte was used. An ".open" segment may end after any block.
  std::optional<TornTail> torn_tail() const;

 private:
  static Result<SegmentReader> from(const std::string& path,
                                    std::shared_ptr<arrow::io::RandomAccessFile> file,
                                    const std::shared_ptr<arrow::Schema>& schema);
  SegmentReader() = default;
  Result<std::unique_ptr<arrow::ipc::Message>> next_message();
  Status read_schema();
  Result<Block> read_block(const arrow::ipc::Message& message);
  void stop(const std::string& reason);

  std::string path_;
  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<arrow::io::RandomAccessFile> file_;
  int64_t size_ = 0;            // of the file, as opened
  int64_t position_ = 0;        // of the next message
  int64_t previous_bytes_ = 0;  // complete_bytes_ before the last block
  int64_t complete_bytes_ = 0;
  int64_t num_records_ = 0;
  int64_t last_records_ = 0;  // of the last block
  bool done_ = false;
  bool ended_ = false;  // by an end marker
  std::string reason_;  // why the tail is torn
};

}  // namespace onefold
