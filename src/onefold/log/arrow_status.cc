// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/arrow_status.h"

#include <cerrno>

#include <arrow/util/io_util.h>

namespace onefold {

Status status_from_arrow(const arrow::Status& status, const std::string& context) {
  std::string message = context + ": " + status.message();
  switch (status.code()) {
    case arrow::StatusCode::OK:
      return {};
    case arrow::StatusCode::IOError:
      // Absent files deserve their own code; everything else the system refuses is one.
      if (arrow::internal::ErrnoFromStatus(status) == ENOENT) return not_found(std::move(message));
      return io_error(std::move(message));
    case arrow::StatusCode::OutOfMemory:
      return io_error(std::move(message));
    case arrow::StatusCode::NotImplemented:
      return unsupported(std::move(message));
    case arrow::StatusCode::TypeError:
      return schema_error(std::move(message));
    default:
      return data_loss(std::move(message));
  }
}

}  // namespace onefold
