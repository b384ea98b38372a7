// SPDX-License-Identifier: Apache-2.0
#include "onefold/row_import/reject_file.h"

#include <cerrno>

#include <nlohmann/json.hpp>

#include "onefold/base/files.h"

namespace onefold {

Status RejectFile::add(const RowPlace& place, const std::string& reason, const std::string& detail,
                       const std::string& text) {
  if (!file_.is_open()) file_.open(path_, std::ios::binary);
  nlohmann::ordered_json row = {
      {"file", place.file}, {"row", place.row}, {"reason", reason}, {"detail", detail}};
  if (!text.empty()) row["text"] = text;
  // Text that is not UTF-8 cannot be in JSON as it is.
  file_ << row.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
  return file_.good() ? Status() : os_error(path_, errno);
}

Status RejectFile::close() {
  if (!file_.is_open()) return {};
  file_.close();
  return file_.good() ? Status() : os_error(path_, errno);
}

}  // namespace onefold
