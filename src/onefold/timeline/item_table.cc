// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/item_table.h"

#include <cmath>
#include <limits>
#include <optional>

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "onefold/log/log_reader.h"
#include "onefold/timeline/cell_column.h"
#include "onefold/timeline/record_stream.h"

namespace onefold {
namespace {

constexpr float kNoDuration = std::numeric_limits<float>::quiet_NaN();

// The cells of one source in the batch, if the mapping has it.
std::optional<CellColumn> cells(const arrow::RecordBatch& batch, const ColumnSource& source) {
  if (!source.given()) return std::nullopt;
  return CellColumn(batch.GetColumnByName(source.column), source);
}

// The feature's first value in a candidate's row.
class ItemFeature {
 public:
  static Result<ItemFeature> find(const Schema& schema, const ColumnSource& source, bool dense) {
    ItemFeature feature;
    if (!source.given()) return feature;
    const FeatureSpec* spec = schema.find(source.column);
    if (!spec || spec->scope != FeatureScope::kItem ||
        (spec->kind == FeatureKind::kDense) != dense || spec->kind == FeatureKind::kFloatList) {
      return not_found("the log has no " + std::string(dense ? "dense" : "id") + " feature '" +
                       source.column + "' of scope item");
    }
    feature.name_ = source.column;
    return feature;
  }

  int64_t id(const FeatureRecords& records, int64_t candidate) const {
    if (name_.empty()) return kMissing;
    const auto row = records.item_features.get<int64_t>(name_).row(candidate);
    return row.empty() ? kMissing : row[0];
  }

  float seconds(const FeatureRecords& records, int64_t candidate) const {
    if (name_.empty()) return kNoDuration;
    const DenseColumns& dense = records.item_dense;
    for (size_t i = 0; i < dense.names.size(); ++i) {
      if (dense.names[i] == name_) return dense.values[candidate * dense.names.size() + i];
    }
    return kNoDuration;
  }

 private:
  std::string name_;
};

}  // namespace

Result<ItemTable> ItemTable::from_file(const ItemSource& source, Vocabularies& vocabularies) {
  std::vector<std::string> names = {source.item.column};
  for (const ColumnSource& column : source.columns) {
    if (column.given()) names.push_back(column.column);
  }
  ONEFOLD_ASSIGN_OR_RETURN(auto stream, RecordStream::open(source.path, names, source.delimiter));
  for (const auto& field : stream->schema()->fields()) {
    const Status status = CellColumn::check_type(*field->type(), field->name());
    if (!status.ok()) return status.with_context(source.path);
  }
  const auto of = [&](EventColumn column) { return source.columns[static_cast<int>(column)]; };
  ItemTable table;
  for (;;) {
    ONEFOLD_ASSIGN_OR_RETURN(const auto batch, stream->next());
    if (!batch) break;
    const auto item = cells(*batch, source.item), author = cells(*batch, of(EventColumn::kAuthor)),
               topic = cells(*batch, of(EventColumn::kTopic)),
               media_type = cells(*batch, of(EventColumn::kMediaType)),
               duration = cells(*batch, of(EventColumn::kDuration));
    std::string name;
    for (int64_t row = 0; row < batch->num_rows(); ++row) {
      int64_t id = 0;
      if (item->id(row, &id) != Cell::kOk) {
        ++table.bad_cells_;
        continue;
      }
      const auto [entry, inserted] = table.items_.try_emplace(id);
      if (!inserted) continue;
      Attributes& attributes = entry->second;
      attributes.duration = kNoDuration;
      if (author) table.bad_cells_ += author->id(row, &attributes.author) == Cell::kBad;
      if (topic) table.bad_cells_ += topic->id(row, &attributes.topic) == Cell::kBad;
      if (duration) table.bad_cells_ += duration->seconds(row, &attributes.duration) == Cell::kBad;
      if (media_type && media_type->name(row, &name) == Cell::kOk) {
        const int64_t code = vocabularies.media_type.add(name);
        if (code >= 0) attributes.media_type = code;
      }
    }
  }
  table.bad_cells_ += stream->malformed_rows();
  return table;
}

Result<ItemTable> ItemTable::from_log(const ItemSource& source, const std::string& directory,
                                      Vocabularies& vocabularies) {
  ONEFOLD_ASSIGN_OR_RETURN(LogReader log, LogReader::open(directory));
  const auto find = [&](EventColumn column, bool dense) {
    return ItemFeature::find(log.schema(), source.columns[static_cast<int>(column)], dense);
  };
  ONEFOLD_ASSIGN_OR_RETURN(const ItemFeature author, find(EventColumn::kAuthor, false));
  ONEFOLD_ASSIGN_OR_RETURN(const ItemFeature topic, find(EventColumn::kTopic, false));
  ONEFOLD_ASSIGN_OR_RETURN(const ItemFeature media_type, find(EventColumn::kMediaType, false));
  ONEFOLD_ASSIGN_OR_RETURN(const ItemFeature duration, find(EventColumn::kDuration, true));
  ItemTable table;
  ONEFOLD_RETURN_IF_ERROR(log.read_features([&](FeatureRecords&& records) -> Status {
    for (int64_t i = 0; i < records.num_candidates(); ++i) {
      const auto [entry, inserted] = table.items_.try_emplace(records.item_id[i]);
      if (!inserted) continue;
      entry->second = {.author = author.id(records, i),
                       .topic = topic.id(records, i),
                       .duration = duration.seconds(records, i)};
      const int64_t type = media_type.id(records, i);
      if (type == kMissing) continue;
      const int64_t code = vocabularies.media_type.add(std::to_string(type));
      if (code >= 0) entry->second.media_type = code;
    }
    return {};
  }));
  return table;
}

void ItemTable::fill(Event& event) const {
  const auto found = items_.find(event.at(EventColumn::kItem));
  if (found == items_.end()) return;
  const auto set = [&](EventColumn column, int64_t value) {
    if (event.at(column) == kMissing) event.at(column) = value;
  };
  set(EventColumn::kAuthor, found->second.author);
  set(EventColumn::kTopic, found->second.topic);
  set(EventColumn::kMediaType, found->second.media_type);
  float& duration = event.seconds(EventColumn::kDuration);
  if (std::isnan(duration)) duration = found->second.duration;
}

}  // namespace onefold
