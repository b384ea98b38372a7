// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/log_writer.h"

#include <cerrno>

#include <arrow/util/utf8.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "onefold/base/files.h"
#include "onefold/base/hash.h"
#include "onefold/base/run_tasks.h"
#include "onefold/log/log_meta.h"
#include "onefold/log/stream_writer.h"

namespace onefold {
namespace {

constexpr const char* kLockName = "/.lock";

// Holds LOGS/.lock until destroyed; the kernel releases it when the process dies.
class LogLock {
 public:
  static Result<std::unique_ptr<LogLock>> take(const std::string& directory) {
    const std::string path = directory + kLockName;
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) return os_error(path, errno);
    auto lock = std::unique_ptr<LogLock>(new LogLock(fd));
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      return invalid_argument(directory + ": another writer has this log open");
    }
    return lock;
  }
  ~LogLock() { ::close(fd_); }

 private:
  explicit LogLock(int fd) : fd_(fd) {}
  int fd_;
};

Status check_options(const LogOptions& options) {
  if (options.num_shards < 1 || options.num_shards > 99999) {
    return invalid_argument("number of shards " + std::to_string(options.num_shards) +
                            " is not between 1 and 99999");
  }
  if (options.zstd_level < 1 || options.zstd_level > 22) {
    return invalid_argument("zstd level " + std::to_string(options.zstd_level) +
                            " is not between 1 and 22");
  }
  if (options.threads < 1 || options.threads > 1024) {
    return invalid_argument("number of threads " + std::to_string(options.threads) +
                            " is not between 1 and 1024");
  }
  // Offsets within a block are 32 bits.
  if (options.block_bytes < 1 || options.block_bytes > 1 << 30 || options.segment_bytes < 1) {
    return invalid_argument("block size must be 1 to 2^30 bytes, segment size positive");
  }
  return {};
}

// Never creates a file in a directory that holds something else. Hidden files do not count, so
// that a writer killed between taking the lock and writing `_log.json` can be continued.
Status check_directory(const std::string& directory) {
  if (!path_exists(directory) || is_log(directory)) return {};
  const auto names = list_files(directory);
  if (names.ok() && names->empty()) return {};
  return invalid_argument(directory + ": is neither empty nor a log; not writing there");
}

// Writes `_log.json`, or compares what is there.
Status claim_directory(const std::string& directory, const LogMeta& meta) {
  if (!is_log(directory)) return write_log_meta(directory, meta);
  ONEFOLD_ASSIGN_OR_RETURN(const LogMeta found, read_log_meta(directory));
  if (!(found.schema == meta.schema)) {
    return schema_error(directory + ": this log has another schema; write to a new directory");
  }
  if (found.shard_by != meta.shard_by || found.num_shards != meta.num_shards) {
    return schema_error(directory + ": this log has " + std::to_string(found.num_shards) +
                        " shards by " + to_string(found.shard_by) + ", asked for " +
                        std::to_string(meta.num_shards) + " by " + to_string(meta.shard_by));
  }
  return {};
}

class ShardedLogWriter final : public LogWriter {
 public:
  ShardedLogWriter(const std::string& directory, const Schema& schema, const LogOptions& options)
      : schema_(schema),
        options_(options),
        features_(directory, options, FeatureCodec(schema), FeatureBuffer(schema)),
        events_(directory, options, EventCodec(schema), EventBuffer()) {}

  Status start(std::unique_ptr<LogLock> lock) {
    lock_ = std::move(lock);
    ONEFOLD_RETURN_IF_ERROR(features_.recover(&recovered_));
    return events_.recover(&recovered_);
  }

  Status append(const FeatureRecords& records) override {
    ONEFOLD_CHECK(!closed_, "append after close()");
    check_records(records, schema_);
    return append_to(features_, records, records.num_requests());
  }

  Status append(const EventRecords& records) override {
    ONEFOLD_CHECK(!closed_, "append after close()");
    check_records(records);
    for (int64_t row = 0; row < records.num_events(); ++row) {
      if (!arrow::util::ValidateUTF8(records.action[row])) {
        return schema_error("event of request " + std::to_string(records.request_id[row]) +
                            ": its action is not UTF-8");
      }
    }
    return append_to(events_, records, records.num_events());
  }

  Status flush() override {
    return by_shard([&](int shard) -> Status {
      ONEFOLD_RETURN_IF_ERROR(features_.flush(shard));
      return events_.flush(shard);
    });
  }

  Status close() override {
    closed_ = true;
    return by_shard([&](int shard) -> Status {
      ONEFOLD_RETURN_IF_ERROR(features_.close(shard));
      return events_.close(shard);
    });
  }

  const std::vector<TornTail>& recovered() const override { return recovered_; }

 private:
  template <typename Records>
  int shard_of(const Records& records, int64_t row) const {
    const int64_t key =
        options_.shard_by == ShardBy::kSession ? records.session_id[row] : records.request_id[row];
    return static_cast<int>(hash64(key) % static_cast<uint64_t>(options_.num_shards));
  }

  // Shards share nothing, so that each can have its thread.
  template <typename Work>
  Status by_shard(const Work& work) const {
    std::vector<Status> results(options_.num_shards);
    run_tasks(options_.threads, options_.num_shards,
              [&](int64_t shard) { results[shard] = work(static_cast<int>(shard)); });
    for (Status& result : results) ONEFOLD_RETURN_IF_ERROR(std::move(result));
    return {};
  }

  template <typename Stream, typename Records>
  Status append_to(Stream& stream, const Records& records, int64_t num_rows) const {
    std::vector<std::vector<int64_t>> rows(options_.num_shards);
    for (int64_t row = 0; row < num_rows; ++row) rows[shard_of(records, row)].push_back(row);
    return by_shard([&](int shard) -> Status {
      for (int64_t row : rows[shard]) ONEFOLD_RETURN_IF_ERROR(stream.append(records, row, shard));
      return {};
    });
  }

  Schema schema_;
  LogOptions options_;
  std::unique_ptr<LogLock> lock_;
  StreamWriter<FeatureCodec, FeatureBuffer> features_;
  StreamWriter<EventCodec, EventBuffer> events_;
  std::vector<TornTail> recovered_;
  bool closed_ = false;
};

}  // namespace

Result<ShardBy> parse_shard_by(const std::string& name) {
  if (name == "session") return ShardBy::kSession;
  if (name == "request") return ShardBy::kRequest;
  return invalid_argument("'" + name + "' is none of: session, request");
}

const char* to_string(ShardBy shard_by) {
  return shard_by == ShardBy::kSession ? "session" : "request";
}

Result<std::unique_ptr<LogWriter>> LogWriter::open(const std::string& directory,
                                                   const Schema& schema,
                                                   const LogOptions& options) {
  ONEFOLD_RETURN_IF_ERROR(check_options(options));
  ONEFOLD_RETURN_IF_ERROR(schema.validate());
  ONEFOLD_RETURN_IF_ERROR(check_directory(directory));
  ONEFOLD_RETURN_IF_ERROR(make_directories(directory));
  ONEFOLD_ASSIGN_OR_RETURN(auto lock, LogLock::take(directory));
  ONEFOLD_RETURN_IF_ERROR(
      claim_directory(directory, {schema, options.shard_by, options.num_shards}));
  auto writer = std::make_unique<ShardedLogWriter>(directory, schema, options);
  ONEFOLD_RETURN_IF_ERROR(writer->start(std::move(lock)));
  return std::unique_ptr<LogWriter>(std::move(writer));
}

}  // namespace onefold
