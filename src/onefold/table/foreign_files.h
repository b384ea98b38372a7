// SPDX-License-Identifier: Apache-2.0
// For the tests of this folder: files of a table written again the way other programs might have
// written them, with the manifest brought up to date.
#pragma once

#include <functional>
#include <numeric>
#include <string>

#include <arrow/array/concatenate.h>
#include <arrow/builder.h>
#include <arrow/io/file.h>
#include <arrow/table.h>
#include <nlohmann/json.hpp>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/writer.h>

#include "onefold/base/files.h"
#include "onefold/base/hash.h"
#include "onefold/table/test_tables.h"

namespace onefold {

using RowGroupTables = std::vector<std::shared_ptr<arrow::Table>>;

inline RowGroupTables read_row_groups(const std::string& path) {
  parquet::arrow::FileReaderBuilder builder;
  EXPECT_TRUE(builder.OpenFile(path).ok());
  auto reader = builder.Build().ValueOrDie();
  RowGroupTables tables;
  for (int i = 0; i < reader->num_row_groups(); ++i) {
    tables.push_back(reader->ReadRowGroup(i).ValueOrDie());
  }
  return tables;
}

inline void write_row_groups(const std::string& path, const RowGroupTables& tables) {
  auto sink = arrow::io::FileOutputStream::Open(path).ValueOrDie();
  auto writer =
      parquet::arrow::FileWriter::Open(*tables.at(0)->schema(), arrow::default_memory_pool(), sink)
          .ValueOrDie();
  for (const auto& table : tables) ASSERT_TRUE(writer->WriteTable(*table, table->num_rows()).ok());
  ASSERT_TRUE(writer->Close().ok());
  ASSERT_TRUE(sink->Close().ok());
}

// Applies `edit` to the manifest's JSON.
inline void edit_manifest(const std::string& table,
                          const std::function<void(nlohmann::json&)>& edit) {
  const std::string path = table + "/" + kManifestName;
  nlohmann::json root = nlohmann::json::parse(read_file(path).value());
  edit(root);
  root.erase("checksum");  // of the bytes before
  ASSERT_TRUE(write_file_atomic(path, root.dump()).ok());
}

// Rewrites `file` (a path in the table) with each row group changed by `edit`, and tells the
// manifest the new size, checksum and row groups.
inline void rewrite_file(
    const std::string& table, const std::string& file,
    const std::function<std::shared_ptr<arrow::Table>(int, std::shared_ptr<arrow::Table>)>& edit) {
  RowGroupTables tables = read_row_groups(table + "/" + file);
  std::vector<int64_t> rows;
  for (size_t i = 0; i < tables.size(); ++i) {
    tables[i] = edit(static_cast<int>(i), tables[i]);
    rows.push_back(tables[i]->num_rows());
  }
  write_row_groups(table + "/" + file, tables);
  edit_manifest(table, [&](nlohmann::json& root) {
    for (nlohmann::json& part : root["parts"]) {
      std::vector<nlohmann::json*> files = {&part["samples"]};
      for (nlohmann::json& group : part["groups"]) files.push_back(&group);
      for (nlohmann::json* entry : files) {
        if (entry->at("path") != file) continue;
        (*entry)["bytes"] = file_size(table + "/" + file).value();
        (*entry)["xxh3"] = hash_file(table + "/" + file).value();
        (*entry)["row_group_rows"] = rows;
        (*entry)["num_rows"] = std::accumulate(rows.begin(), rows.end(), int64_t{0});
      }
    }
  });
}

// `table` with column `name` replaced by `column`, nullable.
inline std::shared_ptr<arrow::Table> with_column(const std::shared_ptr<arrow::Table>& table,
                                                 const std::string& name,
                                                 std::shared_ptr<arrow::Array> column) {
  const int index = table->schema()->GetFieldIndex(name);
  return table
      ->SetColumn(index, arrow::field(name, column->type()),
                  std::make_shared<arrow::ChunkedArray>(column))
      .ValueOrDie();
}

inline std::shared_ptr<arrow::Array> int64_array(const std::vector<int64_t>& values) {
  arrow::Int64Builder builder;
  EXPECT_TRUE(builder.AppendValues(values).ok());
  return builder.Finish().ValueOrDie();
}

inline std::vector<int64_t> int64_column(const arrow::Table& table, const std::string& name) {
  std::vector<int64_t> values;
  for (const auto& chunk : table.GetColumnByName(name)->chunks()) {
    const auto& array = static_cast<const arrow::Int64Array&>(*chunk);
    values.insert(values.end(), array.raw_values(), array.raw_values() + array.length());
  }
  return values;
}

}  // namespace onefold
