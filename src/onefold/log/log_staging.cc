// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/log_staging.h"

#include <filesystem>

#include "onefold/log/log_meta.h"

namespace onefold {

Result<LogStaging> LogStaging::create(const std::string& logs, const Schema& schema,
                                      const LogOptions& options) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (path_exists(logs) && !is_log(logs) &&
      !(fs::is_directory(logs, error) && fs::is_empty(logs, error))) {
    return invalid_argument(logs + ": exists and is not a log; remove it or choose another name");
  }
  ONEFOLD_ASSIGN_OR_RETURN(auto staging, StagingDirectory::create(logs));
  ONEFOLD_ASSIGN_OR_RETURN(auto writer, LogWriter::open(staging.path(), schema, options));
  return LogStaging(std::move(staging), std::move(writer));
}

Status LogStaging::commit() {
  ONEFOLD_RETURN_IF_ERROR(writer_->close());
  writer_.reset();
  return staging_.commit();
}

}  // namespace onefold
