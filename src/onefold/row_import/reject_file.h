// SPDX-License-Identifier: Apache-2.0
// RejectFile: the rows that are left out, one JSON object a line.
//
//   {"file": "a.csv", "row": 12, "reason": "unparsable", "detail": "'item_id' is not an integer"}
//   {"file": "a.csv", "row": 13, "reason": "unparsable", "detail": "3 cells instead of 5",
//    "text": "1,2,3"}
#pragma once

#include <cstdint>
#include <fstream>
#include <string>

#include "onefold/base/status.h"

namespace onefold {

struct RowPlace {
  std::string file;
  int64_t row = 0;  // from 1; of JSON lines the line, of CSV without its header

  std::string text() const { return file + ": row " + std::to_string(row); }
};

class RejectFile {
 public:
  // Creates `path` with the first row: no rows, no file.
  explicit RejectFile(std::string path) : path_(std::move(path)) {}

  // `text`: the row as it is in the file, where there is nothing else to say what was in it.
  Status add(const RowPlace& place, const std::string& reason, const std::string& detail,
             const std::string& text = {});
  // What add() wrote is in the file. kIoError.
  Status close();

 private:
  std::string path_;
  std::ofstream file_;
};

}  // namespace onefold
