// SPDX-License-Identifier: Apache-2.0
// Status and Result<T>: how errors that data can cause are returned.
//
// Rule (docs/architecture.md): what bytes, files, configuration or schemas can cause is a Status;
// what only a bug can cause is a CHECK (base/check.h), which throws.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "onefold/base/check.h"

namespace onefold {

enum class StatusCode {
  kOk,
  kInvalidArgument,  // the caller's words are off: flag, config key, value   (CLI exit code 2)
  kNotFound,         // a file, table, feature or key does not exist
  kDataLoss,         // bytes are damaged: truncated file, checksum mismatch
  kSchema,           // well-formed data of another shape: wrong column type, missing column
  kUnsupported,      // newer format version, or a capability this build does not have
  kIoError,          // the operating system refused: permission, disk full
};

// "not found", "data loss", ...
const char* to_string(StatusCode code);

class [[nodiscard]] Status {
 public:
  Status() = default;  // OK
  Status(StatusCode code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  const std::string& message() const { return message_; }

  // The same error with "context: " before its message; OK stays OK.
  Status with_context(const std::string& context) const {
    return ok() ? *this : Status(code_, context + ": " + message_);
  }

 private:
  StatusCode code_ = StatusCode::kOk;
  std::string message_;
};

Status invalid_argument(std::string message);
Status not_found(std::string message);
Status data_loss(std::string message);
Status schema_error(std::string message);
Status unsupported(std::string message);
Status io_error(std::string message);

// A T, or the Status that says why there is none. value() on an error is a bug and throws.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}         // NOLINT: implicit on purpose
  Result(Status status) : status_(std::move(status)) {  // NOLINT: implicit on purpose
    ONEFOLD_CHECK(!status_.ok(), "a Result needs a value or an error");
  }

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  T& value() & { return checked(), *value_; }
  const T& value() const& { return checked(), *value_; }
  T&& value() && { return checked(), std::move(*value_); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  void checked() const { ONEFOLD_CHECK(ok(), status_.message()); }

  std::optional<T> value_;
  Status status_;
};

}  // namespace onefold

#define ONEFOLD_CONCAT_INNER(a, b) a##b
#define ONEFOLD_CONCAT(a, b) ONEFOLD_CONCAT_INNER(a, b)

// Return the Status of `expr` from this function when it is an error.
#define ONEFOLD_RETURN_IF_ERROR(expr)                          \
  do {                                                         \
    if (::onefold::Status _st = (expr); !_st.ok()) return _st; \
  } while (false)

// ONEFOLD_ASSIGN_OR_RETURN(auto x, f()): x = value of f(), or return f()'s error.
#define ONEFOLD_ASSIGN_OR_RETURN(lhs, expr) \
  ONEFOLD_ASSIGN_OR_RETURN_INNER(ONEFOLD_CONCAT(_result_, __LINE__), lhs, expr)
#define ONEFOLD_ASSIGN_OR_RETURN_INNER(result, lhs, expr) \
  auto result = (expr);                                   \
  if (!result.ok()) return result.status();               \
  lhs = std::move(result).value()
