// SPDX-License-Identifier: Apache-2.0
// JsonRecords: chosen keys of a file with one JSON object a line, as record batches.
//
//   {"user": 7, "item": 100, "history": [1, 2]}      columns: user, item  text ("7", "100")
//   {"user": 9, "history": null}                              history     list of text
//
// Every value comes as text and is parsed with its column, as CSV cells are, so that one bad value
// costs one row. A key that a line does not have is an empty cell.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/timeline/record_stream.h"

namespace onefold {

// *.jsonl and *.ndjson, also .zst, .gz, .bz2, .lz4.
bool is_json_file(const std::string& path);

struct JsonColumn {
  std::string name;
  bool list = false;

  bool operator==(const JsonColumn&) const = default;
};

class JsonRecords : public RecordStream {
 public:
  // A line is a bad row when it is not a JSON object, is longer than 64 MiB, or has an array or an
  // object where a column has single values, or no array where it has lists. Rows are numbered by
  // their lines; empty lines are no rows. kNotFound, kIoError.
  static Result<std::unique_ptr<JsonRecords>> open(const std::string& path,
                                                   std::vector<JsonColumn> columns,
                                                   OnBadRow on_bad_row);

  // The keys of the lines read so far, the first 10,000 of them.
  virtual const std::set<std::string>& keys() const = 0;
};

}  // namespace onefold
