// SPDX-License-Identifier: Apache-2.0
// RowReader: one Parquet or CSV file as rows, by a mapping.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/jagged/schema.h"
#include "onefold/row_import/feature_cells.h"
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
  // Columns that the mapping does not name.
  const std::vector<std::string>& unused_columns() const { return unused_; }

  // visit(number of the row, from 1; the row; why it is left out). The row may be moved from.
  using Visit = std::function<Status(int64_t, Row&, const LeftOut&)>;
  Status read(const Visit& visit);
  // CSV rows with too few or too many cells, known after read(). They have no number.
  int64_t malformed_rows() const { return stream_->malformed_rows(); }

 private:
  struct Cells;

  RowReader(std::string path, const RowMapping* mapping)
      : path_(std::move(path)), mapping_(mapping) {}
  Status check_columns(const arrow::Schema& file, std::vector<std::string>* wanted);
  Status make_schema(const arrow::Schema& file);
  LeftOut read_row(const Cells& cells, int64_t row, Row* out) const;

  std::string path_;
  const RowMapping* mapping_;
  Schema schema_;
  std::vector<std::string> unused_;
  std::unique_ptr<RecordStream> stream_;
};

}  // namespace onefold
