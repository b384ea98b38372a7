// SPDX-License-Identifier: Apache-2.0
// For tests: a Parquet file from columns written as JSON.
#pragma once

#include <string>
#include <vector>

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/json/from_string.h>
#include <parquet/arrow/writer.h>

#include "onefold/base/check.h"

namespace onefold {

struct JsonColumn {
  std::string name;
  std::shared_ptr<arrow::DataType> type;
  std::string json;  // an array
};

inline void write_parquet(const std::string& path, const std::vector<JsonColumn>& columns) {
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (const JsonColumn& column : columns) {
    fields.push_back(arrow::field(column.name, column.type));
    arrays.push_back(arrow::json::ArrayFromJSONString(column.type, column.json).ValueOrDie());
  }
  const auto table = arrow::Table::Make(arrow::schema(fields), arrays);
  const auto file = arrow::io::FileOutputStream::Open(path).ValueOrDie();
  // The Arrow schema is stored so that widths and list flavours come back as they are here.
  const auto properties = parquet::ArrowWriterProperties::Builder().store_schema()->build();
  const arrow::Status status =
      parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), file, 1024,
                                 parquet::default_writer_properties(), properties);
  ONEFOLD_CHECK(status.ok() && file->Close().ok(), status.ToString());
}

}  // namespace onefold
