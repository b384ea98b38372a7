// SPDX-License-Identifier: Apache-2.0
// Events of Parquet and CSV files, by a mapping of columns.
#include <algorithm>
#include <optional>

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "onefold/base/hash.h"
#include "onefold/timeline/cell_column.h"
#include "onefold/timeline/event_source.h"
#include "onefold/timeline/record_stream.h"

namespace onefold {
namespace {

// The names of all columns that the mapping uses, each once.
std::vector<std::string> used_columns(const EventMapping& mapping) {
  std::vector<std::string> names = {mapping.user.column};
  for (const ColumnSource& source : mapping.columns) {
    if (source.given()) names.push_back(source.column);
  }
  names.insert(names.end(), mapping.event_id.begin(), mapping.event_id.end());
  if (!mapping.action_column.empty()) names.push_back(mapping.action_column);
  for (const auto& [column, action] : mapping.flags) names.push_back(column);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

// One batch of rows, its columns bound to what they mean.
class RowMapper {
 public:
  RowMapper(const arrow::RecordBatch& batch, const EventMapping& mapping)
      : mapping_(mapping), user_(bind(batch, mapping.user)) {
    for (int i = 0; i < kNumEventColumns; ++i) {
      if (mapping.columns[i].given()) columns_[i].emplace(bind(batch, mapping.columns[i]));
    }
    for (const std::string& column : mapping.event_id) {
      event_id_.push_back(bind(batch, {.column = column}));
    }
    if (!mapping.action_column.empty()) {
      action_.emplace(bind(batch, {.column = mapping.action_column}));
    }
    for (const auto& [column, action] : mapping.flags) {
      flags_.push_back(bind(batch, {.column = column}));
    }
  }

  Status offer(int64_t row, const std::string& file, int64_t file_row, const ItemTable* items,
               EventIntake& intake) {
    Event event = blank_event();
    if (!required(row, file, file_row, event, intake)) return {};
    ONEFOLD_RETURN_IF_ERROR(optional_cells(row, event, intake));
    if (items) items->fill(event);
    std::optional<int64_t> id;
    if (!event_id_.empty()) {
      id = given_id(row);
      if (!id) {
        intake.drop(DropReason::kUnparsable, file, file_row, "no event id");
        return {};
      }
    }
    if (action_) {
      if (action_->name(row, &name_) == Cell::kOk) return intake.offer(event, name_, id);
      intake.drop(DropReason::kNoAction, file, file_row, "no action");
      return {};
    }
    if (!mapping_.every_row.empty()) {
      ONEFOLD_RETURN_IF_ERROR(intake.offer(event, mapping_.every_row, id));
    }
    for (size_t i = 0; i < flags_.size(); ++i) {
      bool set = false;
      if (flags_[i].flag(row, &set) == Cell::kBad) {
        intake.drop(DropReason::kUnparsable, file, file_row,
                    "flag '" + mapping_.flags[i].first + "' is neither true nor false");
      } else if (set) {
        ONEFOLD_RETURN_IF_ERROR(intake.offer(event, mapping_.flags[i].second, id));
      }
    }
    return {};
  }

 private:
  static CellColumn bind(const arrow::RecordBatch& batch, const ColumnSource& source) {
    return CellColumn(batch.GetColumnByName(source.column), source);
  }

  const CellColumn* cells(EventColumn column) const {
    const auto& bound = columns_[static_cast<int>(column)];
    return bound ? &*bound : nullptr;
  }

  // User, item and time; false when the row was dropped.
  bool required(int64_t row, const std::string& file, int64_t file_row, Event& event,
                EventIntake& intake) const {
    const auto take = [&](Cell cell, DropReason empty, const char* what) {
      if (cell == Cell::kOk) return true;
      if (cell == Cell::kEmpty)
        intake.drop(empty, file, file_row, std::string("no ") + what);
      else
        intake.drop(DropReason::kUnparsable, file, file_row,
                    std::string("the ") + what + " cannot be read");
      return false;
    };
    return take(user_.id(row, &event.user_id), DropReason::kNoUser, "user") &&
           take(cells(EventColumn::kItem)->id(row, &event.at(EventColumn::kItem)),
                DropReason::kNoItem, "item") &&
           take(cells(EventColumn::kTime)->time_us(row, &event.at(EventColumn::kTime)),
                DropReason::kNoTime, "time");
  }

  Status optional_cells(int64_t row, Event& event, EventIntake& intake) {
    for (EventColumn column : {EventColumn::kAuthor, EventColumn::kTopic}) {
      const CellColumn* bound = cells(column);
      if (bound && bound->id(row, &event.at(column)) == Cell::kBad) {
        event.at(column) = kMissing;
        intake.blank(column);
      }
    }
    for (EventColumn column : {EventColumn::kSurface, EventColumn::kMediaType}) {
      const CellColumn* bound = cells(column);
      if (!bound) continue;
      if (bound->name(row, &name_) != Cell::kOk) continue;
      ONEFOLD_ASSIGN_OR_RETURN(event.at(column), intake.code(column, name_));
    }
    for (EventColumn column : {EventColumn::kDuration, EventColumn::kWatchTime}) {
      const CellColumn* bound = cells(column);
      if (bound && bound->seconds(row, &event.seconds(column)) == Cell::kBad) intake.blank(column);
    }
    return {};
  }

  // One integer column as it is, else the hash of all cells' text; nullopt when all are empty.
  std::optional<int64_t> given_id(int64_t row) {
    int64_t id = 0;
    if (event_id_.size() == 1 && event_id_[0].id(row, &id) == Cell::kOk) return id;
    std::string key;
    bool any = false;
    for (const CellColumn& cells : event_id_) {
      if (cells.name(row, &name_) == Cell::kOk) {
        any = true;
        key += name_;
      }
      key += '\x1f';
    }
    if (!any) return std::nullopt;
    return static_cast<int64_t>(hash64(key.data(), key.size()));
  }

  const EventMapping& mapping_;
  CellColumn user_;
  std::array<std::optional<CellColumn>, kNumEventColumns> columns_;
  std::vector<CellColumn> event_id_, flags_;
  std::optional<CellColumn> action_;
  std::string name_;  // reused
};

}  // namespace

Status read_record_file(const std::string& path, const EventMapping& mapping,
                        const ItemTable* items, EventIntake& intake) {
  const auto drop = [&](const BadRow& row) {  // with too few or too many cells
    intake.count_rows(1);
    intake.drop(DropReason::kUnparsable, path, row.number, row.detail);
  };
  ONEFOLD_ASSIGN_OR_RETURN(
      auto stream, RecordStream::open(path, used_columns(mapping), mapping.delimiter, drop));
  for (const auto& field : stream->schema()->fields()) {
    const Status status = CellColumn::check_type(*field->type(), field->name());
    if (!status.ok()) return status.with_context(path);
  }
  for (;;) {
    ONEFOLD_ASSIGN_OR_RETURN(const auto batch, stream->next());
    if (!batch) return {};
    RowMapper rows(*batch, mapping);
    intake.count_rows(batch->num_rows());
    for (int64_t row = 0; row < batch->num_rows(); ++row) {
      ONEFOLD_RETURN_IF_ERROR(rows.offer(row, path, stream->row_number(row), items, intake));
    }
  }
}

}  // namespace onefold
