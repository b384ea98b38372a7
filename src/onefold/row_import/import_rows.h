// SPDX-License-Identifier: Apache-2.0
// Imports Parquet, CSV and JSON lines files, one row per candidate shown, into a log.
//
//   rows == candidates + the sum of left_out
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/log/log_writer.h"
#include "onefold/row_import/row_mapping.h"

namespace onefold {

// In the log's directory: the rows that are left out, with place and reason (reject_file.h).
inline constexpr const char* kRejectsName = "rejects.jsonl";

struct ImportOptions {
  LogOptions log = {};
  std::optional<int64_t> max_rejects = {};  // more rows left out than that are an error
  // Called after every batch of rows with the bytes of the files read so far, and of all.
  std::function<void(int64_t done, int64_t all)> progress = {};
};

struct RowCounts {
  static constexpr size_t kMaxExamples = 10;

  int64_t files = 0;
  int64_t rows = 0;  // read, malformed ones included
  int64_t requests = 0;
  int64_t candidates = 0;
  int64_t events = 0;                       // written to the event log, all labels
  std::map<std::string, int64_t> left_out;  // reason -> rows
  // Candidates whose user features, time or session differ from the first row of their request,
  // which is the one that is logged.
  int64_t differing_rows = 0;
  // Earliest and latest time of the candidates: a wrong unit shows.
  int64_t first_us = std::numeric_limits<int64_t>::max();
  int64_t last_us = std::numeric_limits<int64_t>::min();
  std::vector<std::string> unused_columns;  // that the mapping does not name, of all files
  std::vector<std::string> examples;        // the first rows left out: file, row, why

  int64_t rejects() const;  // the sum of left_out
};

// Writes a log at `logs`, replacing an older log there in one step; on any error `logs` stays as
// it was. Rows of one request must follow each other. kInvalidArgument for a mapping that does not
// fit the files, naming its line; kSchema when the files differ in a feature's kind, or no row
// could be used; kDataLoss when more than max_rejects could not; kNotFound or kDataLoss for a file.
// Memory: a record batch, 256 requests, and an entry per request (to know those that come back) and
// per user (to know when a session ends): 58 and 67 bytes, measured with 1 and 4 million of each.
Result<RowCounts> import_rows(const std::vector<std::string>& files, const RowMapping& mapping,
                              const std::string& logs, const ImportOptions& options = {});

}  // namespace onefold
