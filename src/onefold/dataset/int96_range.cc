// SPDX-License-Identifier: Apache-2.0
#include "onefold/dataset/int96_range.h"

#include <set>

#include <arrow/chunked_array.h>
#include <arrow/compute/cast.h>
#include <arrow/datum.h>
#include <arrow/table.h>
#include <parquet/metadata.h>
#include <parquet/schema.h>

namespace onefold {

Result<Int96Range> Int96Range::open(const ArrowFile& file) {
  Int96Range range;
  const parquet::SchemaDescriptor& schema = *file.metadata().schema();
  std::set<const parquet::schema::Node*> roots;
  for (int i = 0; i < schema.num_columns(); ++i) {
    if (schema.Column(i)->physical_type() == parquet::Type::INT96) {
      roots.insert(schema.GetColumnRoot(i));
    }
  }
  // All leaves of such a column: a struct read in part has another type.
  for (int i = 0; i < schema.num_columns(); ++i) {
    if (roots.contains(schema.GetColumnRoot(i))) range.leaves_.push_back(i);
  }
  if (!range.leaves_.empty()) {
    ONEFOLD_ASSIGN_OR_RETURN(range.micros_, ArrowFile::open(file.path(), arrow::TimeUnit::MICRO));
  }
  return range;
}

Status Int96Range::check(int row_group, const arrow::Table& rows) {
  if (!micros_) return {};
  ONEFOLD_ASSIGN_OR_RETURN(const auto table, micros_->read(row_group, leaves_));
  for (int c = 0; c < table->num_columns(); ++c) {
    const std::string& name = table->field(c)->name();
    const auto type = rows.schema()->GetFieldByName(name)->type();
    const auto cast = arrow::compute::Cast(table->column(c), type);  // checks for overflow
    if (cast.ok()) continue;
    return unsupported(micros_->path() + ": column '" + name +
                       "': an INT96 timestamp outside the years 1677 to 2262; write the column as "
                       "TIMESTAMP_MICROS first");
  }
  return {};
}

}  // namespace onefold
