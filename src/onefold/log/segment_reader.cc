// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/segment_reader.h"

#include <arrow/buffer.h>
#include <arrow/io/file.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/message.h>
#include <arrow/ipc/reader.h>
#include <arrow/record_batch.h>
#include <arrow/util/key_value_metadata.h>
#include <nlohmann/json.hpp>

#include "onefold/log/arrow_status.h"
#include "onefold/log/segment_writer.h"

namespace onefold {
namespace {

constexpr int64_t kPrefixBytes = 8;  // continuation marker and metadata length
constexpr const char* kNotMessage = "not the start of a message";

std::string metadata_value(const std::shared_ptr<const arrow::KeyValueMetadata>& metadata,
                           const std::string& key) {
  if (!metadata) return "";
  return metadata->Get(key).ValueOr("");
}

// Metadata is compared as what it means, so that another writer may print its JSON otherwise.
bool same_stream(const arrow::Schema& found, const arrow::Schema& expected) {
  if (!found.Equals(expected, /*check_metadata=*/false)) return false;
  if (metadata_value(found.metadata(), "onefold.stream") !=
      metadata_value(expected.metadata(), "onefold.stream")) {
    return false;
  }
  const auto json = nlohmann::json::parse(metadata_value(found.metadata(), "onefold.schema"),
                                          nullptr, /*allow_exceptions=*/false);
  return json == nlohmann::json::parse(metadata_value(expected.metadata(), "onefold.schema"));
}

}  // namespace

Result<SegmentReader> SegmentReader::open(const std::string& path,
                                          const std::shared_ptr<arrow::Schema>& schema) {
  ONEFOLD_ASSIGN_OR_RETURN_ARROW(auto file, arrow::io::ReadableFile::Open(path), path);
  return from(path, std::move(file), schema);
}

SegmentReader SegmentReader::over(const std::string& path, std::shared_ptr<arrow::Buffer> bytes,
                                  const std::shared_ptr<arrow::Schema>& schema) {
  return from(path, std::make_shared<arrow::io::BufferReader>(std::move(bytes)), schema).value();
}

Result<SegmentReader> SegmentReader::from(const std::string& path,
                                          std::shared_ptr<arrow::io::RandomAccessFile> file,
                                          const std::shared_ptr<arrow::Schema>& schema) {
  SegmentReader reader;
  reader.path_ = path;
  reader.schema_ = schema;
  reader.file_ = std::move(file);
  ONEFOLD_ASSIGN_OR_RETURN_ARROW(reader.size_, reader.file_->GetSize(), path);
  // A writer creates the file before its first bytes: an empty ".open" segment is no damage.
  if (reader.size_ == 0) {
    reader.done_ = true;
  } else if (Status status = reader.read_schema(); !status.ok()) {
    reader.stop(status.message());
  }
  return reader;
}

// The message at position_, or null at an end marker or the end of the file.
Result<std::unique_ptr<arrow::ipc::Message>> SegmentReader::next_message() {
  const int64_t left = size_ - position_;
  if (left == 0) return std::unique_ptr<arrow::ipc::Message>();
  if (left < kPrefixBytes) return data_loss("cut within the length of a message");
  int32_t prefix[2];
  ONEFOLD_ASSIGN_OR_RETURN_ARROW(const int64_t read,
                                 file_->ReadAt(position_, sizeof(prefix), prefix), "message");
  if (read != sizeof(prefix)) return data_loss("cut within the length of a message");
  if (prefix[0] != -1 || prefix[1] < 0) return data_loss(kNotMessage);
  if (prefix[1] == 0) {
    position_ += kPrefixBytes;
    ended_ = true;
    return std::unique_ptr<arrow::ipc::Message>();
  }
  if (left - kPrefixBytes < prefix[1]) return data_loss("cut within the metadata of a message");
  // A stream that ends with the file: a damaged length cannot ask for more than is there.
  ONEFOLD_ASSIGN_OR_RETURN_ARROW(
      auto stream, arrow::io::RandomAccessFile::GetStream(file_, position_, left), "message");
  ONEFOLD_ASSIGN_OR_RETURN_ARROW(auto message, arrow::ipc::ReadMessage(stream.get()), "message");
  if (!message) return data_loss(kNotMessage);
  ONEFOLD_ASSIGN_OR_RETURN_ARROW(const int64_t used, stream->Tell(), "message");
  position_ += used;
  return message;
}

Status SegmentReader::read_schema() {
  ONEFOLD_ASSIGN_OR_RETURN(auto message, next_message());
  if (!message || message->type() != arrow::ipc::MessageType::SCHEMA) {
    return data_loss("does not begin with a schema message");
  }
  ONEFOLD_ASSIGN_OR_RETURN_ARROW(auto found, arrow::ipc::ReadSchema(*message, nullptr),
                                 "schema message");
  if (!same_stream(*found, *schema_)) {
    return data_loss("its schema message differs from the log's schema");
  }
  return {};
}

Result<Block> SegmentReader::read_block(const arrow::ipc::Message& message) {
  if (message.type() != arrow::ipc::MessageType::RECORD_BATCH) {
    return data_loss("a message that is no record batch");
  }
  auto options = arrow::ipc::IpcReadOptions::Defaults();
  options.use_threads = false;  // a block is about 1 MB: handing its columns around costs more
  Block block;
  block.checksum = metadata_value(message.custom_metadata(), kChecksumKey);
  ONEFOLD_ASSIGN_OR_RETURN_ARROW(
      block.batch, arrow::ipc::ReadRecordBatch(message, schema_, nullptr, options), "record batch");
  ONEFOLD_RETURN_IF_ARROW_ERROR(block.batch->ValidateFull(), "record batch");
  return block;
}

std::optional<Block> SegmentReader::next() {
  if (done_) return std::nullopt;
  auto message = next_message();
  if (!message.ok()) return stop(message.status().message()), std::nullopt;
  if (!*message) {
    done_ = true;
    return std::nullopt;
  }
  auto block = read_block(**message);
  if (!block.ok()) return stop(block.status().message()), std::nullopt;
  previous_bytes_ = complete_bytes_;
  complete_bytes_ = position_;
  last_records_ = block->batch->num_rows();
  num_records_ += last_records_;
  return *std::move(block);
}

void SegmentReader::reject(const std::string& reason) {
  complete_bytes_ = previous_bytes_;
  num_records_ -= last_records_;
  stop(reason);
}

void SegmentReader::stop(const std::string& reason) {
  done_ = true;
  reason_ = reason;
}

std::optional<TornTail> SegmentReader::torn_tail() const {
  const int64_t used = ended_ && reason_.empty() ? position_ : complete_bytes_;
  TornTail tail{path_, num_records_, size_ - used, reason_};
  if (!reason_.empty()) return tail;
  const bool sealed = !path_.ends_with(kOpenSuffix);
  if (sealed && !ended_) {
    tail.reason = "a sealed segment without its end marker";
  } else if (ended_ && tail.bytes_skipped > 0) {
    tail.reason = "bytes after the end marker";
  } else {
    return std::nullopt;
  }
  return tail;
}

}  // namespace onefold
