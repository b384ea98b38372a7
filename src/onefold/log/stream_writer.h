// SPDX-License-Identifier: Apache-2.0
// StreamWriter: one of a log's two streams; buffers per shard, cuts blocks, rolls segments. Thread
// safe for calls that name different shards.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "onefold/base/files.h"
#include "onefold/log/log_meta.h"
#include "onefold/log/record_buffer.h"
#include "onefold/log/segment_blocks.h"
#include "onefold/log/segment_writer.h"

namespace onefold {

template <typename Codec, typename Buffer>
class StreamWriter {
 public:
  StreamWriter(std::string directory, const LogOptions& options, Codec codec, const Buffer& empty)
      : directory_(std::move(directory)), options_(options), codec_(std::move(codec)) {
    for (int shard = 0; shard < options.num_shards; ++shard)
      shards_.push_back(Shard{empty, nullptr, 0});
  }

  // Finds the next segment numbers and seals what a killed writer left open.
  Status recover(std::vector<TornTail>* torn_tails) {
    for (int shard = 0; shard < options_.num_shards; ++shard) {
      ONEFOLD_ASSIGN_OR_RETURN(const auto segments, list_segments(shard_path(shard)));
      for (const SegmentFile& segment : segments) {
        shards_[shard].next_number = segment.number + 1;
        if (segment.open) ONEFOLD_RETURN_IF_ERROR(seal_abandoned(segment, torn_tails));
      }
    }
    return {};
  }

  Status append(const typename Codec::Records& records, int64_t row, int shard) {
    Buffer& buffer = shards_[shard].buffer;
    buffer.append(records, row);
    return buffer.bytes() < options_.block_bytes ? Status() : write_block(shard);
  }

  Status flush(int shard) {
    return shards_[shard].buffer.num_records() > 0 ? write_block(shard) : Status();
  }

  Status close(int shard) {
    ONEFOLD_RETURN_IF_ERROR(flush(shard));
    return seal(shards_[shard]);
  }

 private:
  struct Shard {
    Buffer buffer;
    std::unique_ptr<SegmentWriter> segment;  // none before the first block and after a seal
    int64_t next_number = 0;
  };

  std::string shard_path(int shard) const {
    return shard_directory(directory_, Codec::kStream, shard);
  }

  Status write_block(int index) {
    Shard& shard = shards_[index];
    if (!shard.segment) {
      ONEFOLD_RETURN_IF_ERROR(make_directories(shard_path(index)));
      ONEFOLD_ASSIGN_OR_RETURN(
          shard.segment, SegmentWriter::create(segment_path(shard_path(index), shard.next_number),
                                               codec_.arrow_schema(), options_.zstd_level));
      ++shard.next_number;
    }
    const auto records = shard.buffer.take();
    if (Status status = shard.segment->write(codec_.encode(records)); !status.ok()) {
      // Part of a block may be in the file; nothing after it would be found again.
      shard.segment.reset();
      return status;
    }
    if (shard.segment->bytes_written() < options_.segment_bytes) return {};
    return seal(shard);
  }

  Status seal(Shard& shard) {
    if (!shard.segment) return {};
    const auto segment = std::exchange(shard.segment, nullptr);
    return segment->seal();
  }

  Status seal_abandoned(const SegmentFile& segment, std::vector<TornTail>* torn_tails) {
    ONEFOLD_ASSIGN_OR_RETURN(auto reader,
                             SegmentReader::open(segment.file(), codec_.arrow_schema()));
    const auto drop = [](typename Codec::Records&&) { return Status(); };
    ONEFOLD_RETURN_IF_ERROR(visit_blocks(reader, codec_, drop));
    if (auto tail = reader.torn_tail()) torn_tails->push_back(*std::move(tail));
    return seal_at(segment.path, reader.complete_bytes());
  }

  std::string directory_;
  LogOptions options_;
  Codec codec_;
  std::vector<Shard> shards_;
};

}  // namespace onefold
