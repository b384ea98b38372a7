// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/segment_writer.h"

#include <cerrno>
#include <string_view>

#include <arrow/io/file.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/util/compression.h>
#include <arrow/util/key_value_metadata.h>
#include <fcntl.h>
#include <unistd.h>

#include "onefold/base/files.h"
#include "onefold/log/arrow_status.h"

namespace onefold {
namespace {

// The end marker of an IPC stream: a continuation marker and a metadata length of 0.
constexpr unsigned char kEndMarker[8] = {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0};

Status cut_and_mark(const std::string& path, int64_t bytes) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return os_error(path, errno);
  const bool done = ::ftruncate(fd, bytes) == 0 &&
                    ::pwrite(fd, kEndMarker, sizeof(kEndMarker), bytes) == sizeof(kEndMarker);
  const int error = errno;
  ::close(fd);
  return done ? Status() : os_error(path, error);
}

}  // namespace

struct SegmentWriter::Rep {
  std::string path;  // without ".open"
  std::shared_ptr<arrow::io::FileOutputStream> file;
  std::shared_ptr<arrow::ipc::RecordBatchWriter> stream;
  int64_t bytes_written = 0;

  std::string open_path() const { return path + kOpenSuffix; }
};

SegmentWriter::SegmentWriter(std::unique_ptr<Rep> rep) : rep_(std::move(rep)) {}

SegmentWriter::~SegmentWriter() {
  // Without seal() the file keeps its blocks and gets no end marker, as after a kill.
  if (rep_->file) (void)rep_->file->Close();
}

Result<std::unique_ptr<SegmentWriter>> SegmentWriter::create(
    const std::string& path, const std::shared_ptr<arrow::Schema>& schema, int zstd_level) {
  auto rep = std::make_unique<Rep>();
  rep->path = path;
  const std::string open_path = rep->open_path();
  arrow::ipc::IpcWriteOptions options = arrow::ipc::IpcWriteOptions::Defaults();
  ONEFOLD_ASSIGN_OR_RETURN_ARROW(
      options.codec, arrow::util::Codec::Create(arrow::Compression::ZSTD, zstd_level), open_path);
  ONEFOLD_ASSIGN_OR_RETURN_ARROW(rep->file, arrow::io::FileOutputStream::Open(open_path),
                                 open_path);
  ONEFOLD_ASSIGN_OR_RETURN_ARROW(
      rep->stream, arrow::ipc::MakeStreamWriter(rep->file, schema, options), open_path);
  return std::unique_ptr<SegmentWriter>(new SegmentWriter(std::move(rep)));
}

Status SegmentWriter::write(const Block& block) {
  const auto metadata = arrow::key_value_metadata({kChecksumKey}, {block.checksum});
  ONEFOLD_RETURN_IF_ARROW_ERROR(rep_->stream->WriteRecordBatch(*block.batch, metadata),
                                rep_->open_path());
  ONEFOLD_ASSIGN_OR_RETURN_ARROW(rep_->bytes_written, rep_->file->Tell(), rep_->open_path());
  return {};
}

int64_t SegmentWriter::bytes_written() const { return rep_->bytes_written; }

Status SegmentWriter::seal() {
  ONEFOLD_RETURN_IF_ARROW_ERROR(rep_->stream->Close(), rep_->open_path());
  ONEFOLD_RETURN_IF_ARROW_ERROR(rep_->file->Close(), rep_->open_path());
  return publish_file(rep_->open_path(), rep_->path);
}

Status seal_at(const std::string& path, int64_t complete_bytes) {
  const std::string open_path = path + kOpenSuffix;
  ONEFOLD_ASSIGN_OR_RETURN(const std::string bytes, read_file(open_path));
  if (bytes.empty()) {
    return ::unlink(open_path.c_str()) == 0 ? Status() : os_error(open_path, errno);
  }
  if (complete_bytes == 0) return publish_file(open_path, path + kTornSuffix);
  const std::string_view tail = std::string_view(bytes).substr(complete_bytes);
  const bool only_end_marker =
      tail == std::string_view(reinterpret_cast<const char*>(kEndMarker), sizeof(kEndMarker));
  if (!tail.empty() && !only_end_marker) {
    ONEFOLD_RETURN_IF_ERROR(write_file_atomic(path + kTornSuffix, tail));
  }
  // Cut in place: a kill between the two steps leaves an ".open" segment with the same blocks.
  ONEFOLD_RETURN_IF_ERROR(cut_and_mark(open_path, complete_bytes));
  return publish_file(open_path, path);
}

}  // namespace onefold
