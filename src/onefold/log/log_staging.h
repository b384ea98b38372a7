// SPDX-License-Identifier: Apache-2.0
// A log written out of sight and put in place whole: what importers and generators use.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "onefold/base/files.h"
#include "onefold/base/status.h"
#include "onefold/log/log_writer.h"

namespace onefold {

class LogStaging {
 public:
  // kInvalidArgument when `logs` exists and is neither empty nor a log: what is not ours is never
  // replaced.
  static Result<LogStaging> create(const std::string& logs, const Schema& schema,
                                   const LogOptions& options);

  LogWriter& writer() { return *writer_; }
  // Where the log is until commit(), for files that go with it.
  const std::string& path() const { return staging_.path(); }
  // Closes the log and puts it at `logs`, replacing an older one. Destroyed without commit(),
  // nothing is left behind.
  Status commit();

 private:
  LogStaging(StagingDirectory staging, std::unique_ptr<LogWriter> writer)
      : staging_(std::move(staging)), writer_(std::move(writer)) {}

  StagingDirectory staging_;
  std::unique_ptr<LogWriter> writer_;
};

}  // namespace onefold
