// SPDX-License-Identifier: Apache-2.0
// Arrow's Status in our words: the one place where it is converted.
#pragma once

#include <string>

#include <arrow/result.h>
#include <arrow/status.h>

#include "onefold/base/status.h"

namespace onefold {

// `context` (a path, usually) goes before Arrow's message. Damaged bytes, which Arrow calls
// Invalid, become kDataLoss.
Status status_from_arrow(const arrow::Status& status, const std::string& context);

}  // namespace onefold

// Return from this function when the arrow::Status `expr` is an error.
#define ONEFOLD_RETURN_IF_ARROW_ERROR(expr, context)            \
  do {                                                          \
    if (::arrow::Status _ast = (expr); !_ast.ok()) [[unlikely]] \
      return ::onefold::status_from_arrow(_ast, context);       \
  } while (false)

// ONEFOLD_ASSIGN_OR_RETURN_ARROW(auto x, f(), path): the same for an arrow::Result.
#define ONEFOLD_ASSIGN_OR_RETURN_ARROW(lhs, expr, context) \
  ONEFOLD_ASSIGN_OR_RETURN_ARROW_INNER(ONEFOLD_CONCAT(_arrow_, __LINE__), lhs, expr, context)
#define ONEFOLD_ASSIGN_OR_RETURN_ARROW_INNER(result, lhs, expr, context) \
  auto result = (expr);                                                  \
  if (!result.ok()) [[unlikely]]                                         \
    return ::onefold::status_from_arrow(result.status(), context);       \
  lhs = std::move(result).ValueUnsafe()
