// SPDX-License-Identifier: Apache-2.0
// Statuses of Parquet's Arrow interface in our words.
#pragma once

#include <string>

#include <arrow/result.h>
#include <arrow/status.h>
#include <arrow/util/io_util.h>

#include "onefold/base/status.h"
#include "onefold/log/arrow_status.h"

namespace onefold {

// Like status_from_arrow, but an IOError that the operating system did not cause is damage: that
// is what this interface makes of a bad checksum or a read past the end.
inline Status status_from_parquet(const arrow::Status& status, const std::string& path) {
  if (status.IsIOError() && arrow::internal::ErrnoFromStatus(status) == 0) {
    return data_loss(path + ": " + status.message());
  }
  return status_from_arrow(status, path);
}

}  // namespace onefold

// Return from this function when the arrow::Status `expr` is an error.
#define ONEFOLD_RETURN_IF_PARQUET_ERROR(expr, path)             \
  do {                                                          \
    if (::arrow::Status _pst = (expr); !_pst.ok()) [[unlikely]] \
      return ::onefold::status_from_parquet(_pst, path);        \
  } while (false)

// ONEFOLD_ASSIGN_OR_RETURN_PARQUET(auto x, f(), path): the same for an arrow::Result.
#define ONEFOLD_ASSIGN_OR_RETURN_PARQUET(lhs, expr, path) \
  ONEFOLD_ASSIGN_OR_RETURN_PARQUET_INNER(ONEFOLD_CONCAT(_parquet_, __LINE__), lhs, expr, path)
#define ONEFOLD_ASSIGN_OR_RETURN_PARQUET_INNER(result, lhs, expr, path) \
  auto result = (expr);                                                 \
  if (!result.ok()) [[unlikely]]                                        \
    return ::onefold::status_from_parquet(result.status(), path);       \
  lhs = std::move(result).ValueUnsafe()
