// SPDX-License-Identifier: Apache-2.0
// RowReader: one Parquet, CSV or JSON lines file as rows, by a mapping.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/jagged/schema.h"
#include "onefold/row_import/feature_cells.h"
#include "onefold/row_import/json_records.h"
#include "onefold/row_import/row_mapping.h"
#include "onefold/timeline/record_stream.h"

namespace onefold {

// One candidate shown.
struct Row {
  int64_t user = 0, item = 0, time_us = 0;
  int64_t request = 0, session = 0;    // if the mapping has them
  std::vector<float> labels;           // by the mapping's labels; NaN: no value
  std::vector<FeatureValue> features;  // by the mapping's features
};

// Why a row is left out: a reason to count by, and the words for a person.
struct LeftOut {
  const char* reason = nullptr;  // nullptr: it is not
  std::string detail = {};
};

class RowReader {
 public:
  // kInvalidArgument, naming the mapping's line, when a column is absent (with the nearest name)
  // or of a type that the mapping does not fit; kNotFound or kDataLoss for the file.
  static Result<RowReader> open(const std::string& path, const RowMapping& mapping);

  // Features with the kinds found in this file, and labels, by the mapping.
  const Schema& schema() const { return schema_; }

  // visit(number of the row; the row; why it is left out). The row may be moved from.
  using Visit = std::function<Status(int64_t, Row&, const LeftOut&)>;
  // Rows that are no rows: with too few or too many cells, no JSON.
  using VisitBad = std::function<Status(const BadRow&)>;
  Status read(const Visit& visit, const VisitBad& visit_bad);
  double fraction_read() const { return stream_->fraction_read(); }

  // Columns that the mapping does not name; of JSON lines those that read() has seen.
  std::vector<std::string> unused_columns() const;
  // Columns of the mapping that no line had; files of other formats do not open without them.
  std::vector<std::string> absent_columns() const;

 private:
  struct Cells;

  RowReader(std::string path, const RowMapping* mapping)
      : path_(std::move(path)), mapping_(mapping) {}
  Status open_stream();
  Status open_json();
  Status check_columns(const arrow::Schema& file);
  Status make_schema(const arrow::Schema& file);
  LeftOut read_row(const Cells& cells, int64_t row, Row* out) const;
  LeftOut read_labels(const Cells& cells, int64_t row, Row* out) const;

  std::string path_;
  const RowMapping* mapping_;
  Schema schema_;
  std::vector<std::string> wanted_, unused_;
  // Of the batch that is being read; apart, as the stream holds on to it when the reader moves.
  std::shared_ptr<std::vector<BadRow>> bad_rows_ = std::make_shared<std::vector<BadRow>>();
  std::unique_ptr<RecordStream> stream_;
  const JsonRecords* json_ = nullptr;  // stream_, if it is one
};

}  // namespace onefold
