// SPDX-License-Identifier: Apache-2.0
// summarize_table: what is in a table, out of its manifest and the footers of its files.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "onefold/base/status.h"
#include "onefold/table/manifest.h"

namespace onefold {

struct ColumnSummary {
  std::string file;  // "samples", or the group whose payload it is in
  std::string name;
  std::string type;   // as Arrow writes it
  int64_t bytes = 0;  // compressed, in all files
  int64_t uncompressed_bytes = 0;
};

struct PartitionSummary {
  std::string partition;
  int64_t parts = 0, row_groups = 0, samples = 0, bytes = 0;
};

struct TableSummary {
  std::string table;
  Manifest manifest;
  std::vector<ColumnSummary> columns;  // as the files have them
  std::vector<PartitionSummary> partitions;
};

// kNotFound, kDataLoss, as for the manifest and for the files it lists.
Result<TableSummary> summarize_table(const std::string& table);

nlohmann::json to_json(const TableSummary& summary);
std::string to_text(const TableSummary& summary);

}  // namespace onefold
