// SPDX-License-Identifier: Apache-2.0
// TimelinePartReader: row groups of one part file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/timeline/event.h"

namespace onefold {

// One decoded row group.
struct PartRows {
  std::vector<int64_t> user_id;  // [R], ascending
  std::vector<int64_t> offsets;  // [R + 1] into events
  EventColumns events;           // the columns asked for

  int64_t num_rows() const { return static_cast<int64_t>(user_id.size()); }
  int64_t bytes() const;  // about, in memory
};

class TimelinePartReader {
 public:
  // Reads the footer. kDataLoss for a damaged file, kSchema for other columns than
  // timeline_arrow_schema().
  static Result<std::unique_ptr<TimelinePartReader>> open(const std::string& path);
  virtual ~TimelinePartReader() = default;

  virtual int num_row_groups() const = 0;
  // From the footer: no user of the row group is greater.
  virtual int64_t last_user(int row_group) const = 0;

  // kDataLoss, naming the file, when pages are damaged, users do not ascend, lists of one user
  // differ in length, or times do not ascend.
  virtual Result<std::shared_ptr<const PartRows>> read(int row_group, ColumnSet columns) = 0;

  // Bytes of column chunks read so far, as stored.
  virtual int64_t bytes_read() const = 0;
};

}  // namespace onefold
