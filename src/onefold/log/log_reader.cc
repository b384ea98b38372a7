// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/log_reader.h"

#include "onefold/base/files.h"
#include "onefold/log/log_meta.h"
#include "onefold/log/segment_blocks.h"

namespace onefold {
namespace {

// Where one log keeps one stream.
struct Stream {
  std::string directory;
  std::string name;
  int num_shards = 0;
};

template <typename Visit>
Status for_each_segment(const Stream& stream, const Visit& visit) {
  for (int shard = 0; shard < stream.num_shards; ++shard) {
    ONEFOLD_ASSIGN_OR_RETURN(const auto segments,
                             list_segments(shard_directory(stream.directory, stream.name, shard)));
    for (const SegmentFile& segment : segments) ONEFOLD_RETURN_IF_ERROR(visit(segment));
  }
  return {};
}

// A writer at work may have sealed an ".open" segment since it was listed.
Result<SegmentReader> open_segment(const SegmentFile& segment,
                                   const std::shared_ptr<arrow::Schema>& schema) {
  auto reader = SegmentReader::open(segment.file(), schema);
  const bool renamed = segment.open && reader.status().code() == StatusCode::kNotFound;
  return renamed ? SegmentReader::open(segment.path, schema) : std::move(reader);
}

template <typename Codec>
Status read_segment(const SegmentFile& segment, const Codec& codec,
                    const std::function<Status(typename Codec::Records&&)>& visit,
                    std::vector<TornTail>* torn_tails) {
  ONEFOLD_ASSIGN_OR_RETURN(auto reader, open_segment(segment, codec.arrow_schema()));
  ONEFOLD_RETURN_IF_ERROR(visit_blocks(reader, codec, visit));
  if (auto tail = reader.torn_tail()) torn_tails->push_back(*std::move(tail));
  return {};
}

template <typename Codec>
Status read_stream(const Stream& stream, const Codec& codec,
                   const std::function<Status(typename Codec::Records&&)>& visit,
                   std::vector<TornTail>* torn_tails) {
  return for_each_segment(stream, [&](const SegmentFile& segment) {
    return read_segment(segment, codec, visit, torn_tails);
  });
}

Result<std::vector<SegmentFile>> segments_of(const Stream& stream) {
  std::vector<SegmentFile> segments;
  ONEFOLD_RETURN_IF_ERROR(for_each_segment(stream, [&](const SegmentFile& segment) -> Status {
    segments.push_back(segment);
    return {};
  }));
  return segments;
}

Result<int64_t> stream_bytes(const Stream& stream) {
  int64_t bytes = 0;
  ONEFOLD_RETURN_IF_ERROR(for_each_segment(stream, [&](const SegmentFile& segment) -> Status {
    auto size = file_size(segment.file());
    if (!size.ok() && segment.open) size = file_size(segment.path);
    if (!size.ok()) return size.status();
    bytes += static_cast<int64_t>(*size);
    return {};
  }));
  return bytes;
}

}  // namespace

Result<LogReader> LogReader::open(const std::string& directory) {
  ONEFOLD_ASSIGN_OR_RETURN(LogMeta meta, read_log_meta(directory));
  LogReader reader;
  reader.directory_ = directory;
  reader.options_.shard_by = meta.shard_by;
  reader.options_.num_shards = meta.num_shards;
  reader.schema_ = std::move(meta.schema);
  return reader;
}

Status LogReader::read_features(const std::function<Status(FeatureRecords&&)>& visit) {
  return read_stream({directory_, FeatureCodec::kStream, options_.num_shards},
                     FeatureCodec(schema_), visit, &torn_tails_);
}

Status LogReader::read_events(const std::function<Status(EventRecords&&)>& visit) {
  return read_stream({directory_, EventCodec::kStream, options_.num_shards}, EventCodec(schema_),
                     visit, &torn_tails_);
}

Result<std::vector<SegmentFile>> LogReader::feature_segments() const {
  return segments_of({directory_, FeatureCodec::kStream, options_.num_shards});
}

Result<std::vector<SegmentFile>> LogReader::event_segments() const {
  return segments_of({directory_, EventCodec::kStream, options_.num_shards});
}

Status LogReader::read_features(const SegmentFile& segment,
                                const std::function<Status(FeatureRecords&&)>& visit,
                                std::vector<TornTail>* torn_tails) const {
  return read_segment(segment, FeatureCodec(schema_), visit, torn_tails);
}

Status LogReader::read_events(const SegmentFile& segment,
                              const std::function<Status(EventRecords&&)>& visit,
                              std::vector<TornTail>* torn_tails) const {
  return read_segment(segment, EventCodec(schema_), visit, torn_tails);
}

Result<int64_t> LogReader::feature_bytes() const {
  return stream_bytes({directory_, FeatureCodec::kStream, options_.num_shards});
}

Result<int64_t> LogReader::event_bytes() const {
  return stream_bytes({directory_, EventCodec::kStream, options_.num_shards});
}

}  // namespace onefold
