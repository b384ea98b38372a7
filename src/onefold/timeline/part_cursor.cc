// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/part_cursor.h"

#include <algorithm>

namespace onefold {

Status PartCursor::load(int row_group) {
  if (row_group >= part_->num_row_groups()) {
    done_ = true;
    rows_ = nullptr;
    return {};
  }
  if (row_group == row_group_) return {};
  ONEFOLD_ASSIGN_OR_RETURN(rows_, fetch_(row_group));
  row_group_ = row_group;
  row_ = 0;
  return {};
}

Status PartCursor::seek(int64_t user_id) {
  if (done_) return {};
  int row_group = std::max(row_group_, 0);
  while (row_group < part_->num_row_groups() && part_->last_user(row_group) < user_id) ++row_group;
  ONEFOLD_RETURN_IF_ERROR(load(row_group));
  if (done_) return {};
  const auto& users = rows_->user_id;
  row_ = std::lower_bound(users.begin() + row_, users.end(), user_id) - users.begin();
  if (row_ == rows_->num_rows()) return load(row_group_ + 1);
  return {};
}

Status PartCursor::advance() {
  if (++row_ < rows_->num_rows()) return {};
  return load(row_group_ + 1);
}

PartCursor cursor_over(std::shared_ptr<TimelinePartReader> part, ColumnSet columns) {
  return PartCursor(part,
                    [part, columns](int row_group) { return part->read(row_group, columns); });
}

}  // namespace onefold
