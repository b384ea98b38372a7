// SPDX-License-Identifier: Apache-2.0
// TableReader: random access to the row groups of a table, as Batches.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/jagged/batch.h"
#include "onefold/table/manifest.h"

namespace onefold {

struct ReadOptions {
  // Features, labels and groups' features to read, by name; empty means all. Keys (session_id,
  // user_id, request_id, item_id, time) are always read. A group none of whose features is named
  // is left out of the Batch.
  std::vector<std::string> columns;
  // Plain layout: fold each group over the row group (RecD O3). Off: U == B. A folded table needs
  // no folding; off expands it.
  bool fold = true;
  // Windowed groups of a folded table as windows on their payload rows. Off: with their unique rows
  // cut, as any other group. No effect without `fold`.
  bool windows = false;
};

struct RowGroupRef {
  int32_t part = 0;       // index into Manifest::parts
  int32_t row_group = 0;  // within the part
  int64_t num_rows = 0;
};

class TableReader {
 public:
  // kNotFound, kUnsupported, kDataLoss as the manifest says; kNotFound for a column that the
  // schema does not have.
  static Result<std::unique_ptr<TableReader>> open(const std::string& directory,
                                                   const ReadOptions& options = {});
  virtual ~TableReader() = default;

  virtual const Manifest& manifest() const = 0;
  // The schema after projection: what the Batches hold.
  virtual const Schema& schema() const = 0;
  // All row groups in table order.
  virtual const std::vector<RowGroupRef>& row_groups() const = 0;

  // Reads one row group. Thread safe. kDataLoss names the file when bytes are damaged or a ref
  // leaves its payload row group; kSchema when a column has another type than the manifest says.
  virtual Result<Batch> read(const RowGroupRef& row_group) = 0;

  // Bytes of column chunks read so far, as stored.
  virtual int64_t bytes_read() const = 0;
};

}  // namespace onefold
