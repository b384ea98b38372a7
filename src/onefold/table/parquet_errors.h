// SPDX-License-Identifier: Apache-2.0
// Where the exceptions of the Parquet library end: none passes the edge of this folder.
#pragma once

#include <new>
#include <stdexcept>
#include <string>
#include <utility>

#include <arrow/util/io_util.h>
#include <parquet/exception.h>

#include "onefold/base/status.h"
#include "onefold/log/arrow_status.h"

namespace onefold {

// Runs `body`, which returns a Status or Result and may throw what the Parquet library throws on
// damaged bytes; `context` (a path, usually) goes into the message. Damage can also look like an
// absurd length, which surfaces as bad_alloc or length_error, or as a read past the end of the
// file: an IOError that the operating system did not cause.
template <typename Body>
auto catch_parquet(const std::string& context, Body&& body) -> decltype(body()) {
  try {
    return std::forward<Body>(body)();
  } catch (const parquet::ParquetStatusException& error) {
    const arrow::Status& status = error.status();
    if (status.IsIOError() && arrow::internal::ErrnoFromStatus(status) == 0) {
      return data_loss(context + ": " + status.message());
    }
    return status_from_arrow(status, context);
  } catch (const parquet::ParquetException& error) {
    return data_loss(context + ": " + error.what());
  } catch (const std::bad_alloc&) {
    return data_loss(context +
                     ": asks for more memory than there is; damaged, or a huge row group");
  } catch (const std::length_error&) {
    return data_loss(context + ": holds an impossible length");
  }
}

}  // namespace onefold
