// SPDX-License-Identifier: Apache-2.0
#include "onefold/row_import/row_reader.h"

#include <algorithm>
#include <limits>
#include <optional>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "onefold/base/nearest_name.h"

namespace onefold {
namespace {

bool has(const std::vector<std::string>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

// "'price' is not an integer: 0.5". `text` is the cell, if it is no list.
LeftOut unparsable(const std::string& column, const std::string& expected,
                   const std::string& text = {}) {
  constexpr size_t kShown = 60;  // bytes of the cell
  std::string detail = "'" + column + "' is not " + expected;
  if (!text.empty()) detail += ": " + text.substr(0, kShown);
  return {"unparsable", detail + (text.size() > kShown ? "..." : "")};
}

// empty_reason: "no_user". Nothing when the cell was read.
LeftOut left_out(Cell cell, const char* empty_reason, const CellColumn& cells, int64_t row,
                 const std::string& column, const char* expected) {
  if (cell == Cell::kOk) return {};
  if (cell == Cell::kEmpty) return {empty_reason, "'" + column + "' is empty"};
  std::string text;
  cells.name(row, &text);
  return unparsable(column, expected, text);
}

constexpr const char* kAnId = "an integer (hash = true takes any text)";

std::string expected_of(FeatureKind kind) {
  switch (kind) {
    case FeatureKind::kDense:
      return "a number";
    case FeatureKind::kFloatList:
      return "a list of numbers";
    case FeatureKind::kIdList:
      return "a list of integers without holes (hash = true takes any text)";
    default:
      return kAnId;
  }
}

}  // namespace

// The columns of one record batch.
struct RowReader::Cells {
  std::optional<CellColumn> user, item, time, request, session;
  std::vector<CellColumn> labels;
  std::vector<FeatureCells> features;

  Cells(const arrow::RecordBatch& batch, const RowMapping& mapping, const Schema& schema) {
    const auto key = [&](const KeyColumn& column, std::optional<CellColumn>* cells) {
      if (!column.given()) return;
      cells->emplace(batch.GetColumnByName(column.source.column), column.source);
    };
    key(mapping.user, &user);
    key(mapping.item, &item);
    key(mapping.time, &time);
    key(mapping.request, &request);
    key(mapping.session, &session);
    for (const LabelColumn& label : mapping.labels) {
      labels.emplace_back(batch.GetColumnByName(label.column), ColumnSource{});
    }
    for (size_t i = 0; i < mapping.features.size(); ++i) {
      const FeatureColumn& feature = mapping.features[i];
      features.emplace_back(batch.GetColumnByName(feature.column), feature,
                            schema.features[i].kind);
    }
  }
};

Status RowReader::check_columns(const arrow::Schema& file) {
  const std::vector<std::string> present = file.field_names();
  for (const MappedColumn& mapped : mapping_->columns()) {
    const auto copies = std::count(present.begin(), present.end(), mapped.column);
    const bool is_table_text = json_ == nullptr && !path_.ends_with(".parquet");
    if (copies == 0 && is_table_text && present.size() == 1) {
      return mapping_->error(mapped.line, mapped.key + ": " + path_ + " has no column '" +
                                              mapped.column +
                                              "' but one column only; set 'delimiter' to what "
                                              "separates its cells");
    }
    if (copies == 0) {
      return mapping_->error(mapped.line, mapped.key + ": " + path_ + " has no column '" +
                                              mapped.column + "'; did you mean '" +
                                              nearest_name(mapped.column, present) + "'?");
    }
    if (copies > 1) {
      return mapping_->error(
          mapped.line, mapped.key + ": " + path_ + " has several columns '" + mapped.column + "'");
    }
    if (!mapped.is_feature) {
      const Status status =
          CellColumn::check_type(*file.GetFieldByName(mapped.column)->type(), mapped.column);
      if (!status.ok()) return mapping_->error(mapped.line, path_ + ": " + status.message());
    }
    if (!has(wanted_, mapped.column)) wanted_.push_back(mapped.column);
  }
  for (const std::string& column : present) {
    if (!has(wanted_, column)) unused_.push_back(column);
  }
  return {};
}

Status RowReader::make_schema(const arrow::Schema& file) {
  for (const FeatureColumn& feature : mapping_->features) {
    const auto kind = kind_in(*file.GetFieldByName(feature.column)->type(), feature, *mapping_,
                              !path_.ends_with(".parquet"));
    if (!kind.ok()) return kind.status().with_context(path_);
    schema_.features.push_back({feature.name, *kind, feature.scope, feature.group});
    const Status valid = schema_.validate();  // after each, to name the line
    if (!valid.ok()) return mapping_->error(feature.line, valid.message());
  }
  for (const LabelColumn& label : mapping_->labels) {
    schema_.labels.push_back({label.name, label.name, label.value});
    const Status valid = schema_.validate();
    if (!valid.ok()) return mapping_->error(label.line, valid.message());
  }
  schema_.windowed_groups = mapping_->windowed_groups;
  const Status valid = schema_.validate();
  return valid.ok() ? valid : invalid_argument(mapping_->source + ": " + valid.message());
}

Status RowReader::open_json() {
  std::vector<JsonColumn> columns;
  for (const MappedColumn& mapped : mapping_->columns()) {
    const auto is_list = [&](const FeatureColumn& feature) {
      return feature.column == mapped.column && feature.separator.empty() &&
             (feature.kind == FeatureKind::kIdList || feature.kind == FeatureKind::kFloatList);
    };
    const JsonColumn column{
        mapped.column, std::any_of(mapping_->features.begin(), mapping_->features.end(), is_list)};
    if (std::find(columns.begin(), columns.end(), column) == columns.end())
      columns.push_back(column);
  }
  const auto keep = [bad = bad_rows_](const BadRow& row) { bad->push_back(row); };
  ONEFOLD_ASSIGN_OR_RETURN(auto json, JsonRecords::open(path_, std::move(columns), keep));
  json_ = json.get();
  stream_ = std::move(json);
  return check_columns(*stream_->schema());
}

Status RowReader::open_stream() {
  if (is_json_file(path_)) return open_json();
  ONEFOLD_ASSIGN_OR_RETURN(const auto file, record_schema(path_, mapping_->delimiter));
  ONEFOLD_RETURN_IF_ERROR(check_columns(*file));
  const auto keep = [bad = bad_rows_](const BadRow& row) { bad->push_back(row); };
  ONEFOLD_ASSIGN_OR_RETURN(stream_, RecordStream::open(path_, wanted_, mapping_->delimiter, keep));
  return {};
}

Result<RowReader> RowReader::open(const std::string& path, const RowMapping& mapping) {
  RowReader reader(path, &mapping);
  ONEFOLD_RETURN_IF_ERROR(reader.open_stream());
  ONEFOLD_RETURN_IF_ERROR(reader.make_schema(*reader.stream_->schema()));
  return reader;
}

std::vector<std::string> RowReader::unused_columns() const {
  if (json_ == nullptr) return unused_;
  std::vector<std::string> unused;
  for (const std::string& key : json_->keys()) {
    if (!has(wanted_, key)) unused.push_back(key);
  }
  return unused;
}

std::vector<std::string> RowReader::absent_columns() const {
  std::vector<std::string> absent;
  if (json_ == nullptr) return absent;
  for (const std::string& column : wanted_) {
    if (!json_->keys().contains(column)) absent.push_back(column);
  }
  return absent;
}

LeftOut RowReader::read_row(const Cells& cells, int64_t row, Row* out) const {
  const auto id = [&](const std::optional<CellColumn>& column, const KeyColumn& key,
                      const char* empty_reason, int64_t* value) -> LeftOut {
    if (!column) return {};
    return left_out(column->id(row, value), empty_reason, *column, row, key.source.column, kAnId);
  };
  if (auto out_of = id(cells.user, mapping_->user, "no_user", &out->user); out_of.reason)
    return out_of;
  if (auto out_of = id(cells.item, mapping_->item, "no_item", &out->item); out_of.reason)
    return out_of;
  const Cell time = cells.time->time_us(row, &out->time_us);
  if (auto out_of =
          left_out(time, "no_time", *cells.time, row, mapping_->time.source.column, "a time");
      out_of.reason)
    return out_of;
  if (auto out_of = id(cells.request, mapping_->request, "no_request", &out->request);
      out_of.reason)
    return out_of;
  if (auto out_of = id(cells.session, mapping_->session, "no_session", &out->session);
      out_of.reason)
    return out_of;
  if (auto out_of = read_labels(cells, row, out); out_of.reason) return out_of;
  out->features.resize(cells.features.size());
  for (size_t i = 0; i < cells.features.size(); ++i) {
    if (cells.features[i].read(row, &out->features[i]) != Cell::kOk) {
      return unparsable(mapping_->features[i].column, expected_of(schema_.features[i].kind),
                        cells.features[i].text(row));
    }
  }
  return {};
}

LeftOut RowReader::read_labels(const Cells& cells, int64_t row, Row* out) const {
  out->labels.resize(cells.labels.size());
  for (size_t i = 0; i < cells.labels.size(); ++i) {
    const LabelColumn& label = mapping_->labels[i];
    double number = std::numeric_limits<double>::quiet_NaN();
    Cell cell = cells.labels[i].real(row, &number);
    if (!label.value) {
      // A count or a probability is no click: taken for one, it would spoil the model silently.
      const bool is_flag = cell != Cell::kOk || number == 0 || number == 1;
      bool flag = false;
      cell = is_flag ? cells.labels[i].flag(row, &flag) : Cell::kBad;
      number = flag ? 1 : 0;
    }
    out->labels[i] = static_cast<float>(number);
    if (cell == Cell::kBad) {
      return left_out(
          cell, "", cells.labels[i], row, label.column,
          label.value ? "a number" : "0, 1, true or false (numbers are [labels.values])");
    }
  }
  return {};
}

Status RowReader::read(const Visit& visit, const VisitBad& visit_bad) {
  for (;;) {
    ONEFOLD_ASSIGN_OR_RETURN(const auto batch, stream_->next());
    for (const BadRow& bad : *bad_rows_) ONEFOLD_RETURN_IF_ERROR(visit_bad(bad));
    bad_rows_->clear();
    if (!batch) return {};
    const Cells cells(*batch, *mapping_, schema_);
    for (int64_t row = 0; row < batch->num_rows(); ++row) {
      Row read;
      const LeftOut left_out = read_row(cells, row, &read);
      ONEFOLD_RETURN_IF_ERROR(visit(stream_->row_number(row), read, left_out));
    }
  }
}

}  // namespace onefold
