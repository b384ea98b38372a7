// SPDX-License-Identifier: Apache-2.0
#include "onefold/dataset/folded_part.h"

#include <algorithm>
#include <numeric>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include "onefold/base/files.h"
#include "onefold/dataset/fold_rows.h"
#include "onefold/dataset/source_files.h"
#include "onefold/table/table_columns.h"

namespace onefold {
namespace {

// An array over `values`, which must outlive it.
std::shared_ptr<arrow::ChunkedArray> borrow(const std::vector<int64_t>& values) {
  return std::make_shared<arrow::ChunkedArray>(std::make_shared<arrow::Int64Array>(
      static_cast<int64_t>(values.size()), arrow::Buffer::Wrap(values.data(), values.size())));
}

std::shared_ptr<arrow::Field> required_int64(const std::string& name) {
  return arrow::field(name, arrow::int64(), /*nullable=*/false);
}

// Who owns the lists of each sample: equal values of column `user`, or all are one's.
std::vector<int32_t> owners_of(const arrow::Table& rows, const std::string& user) {
  if (user.empty()) return std::vector<int32_t>(static_cast<size_t>(rows.num_rows()), 0);
  return fold_rows({rows.GetColumnByName(user)}, rows.num_rows()).refs;
}

bool any_windowed(const std::vector<FoldedGroup>& groups) {
  return std::any_of(groups.begin(), groups.end(),
                     [](const FoldedGroup& folded) { return folded.group.windowed; });
}

}  // namespace

Result<std::unique_ptr<FoldedPart>> FoldedPart::create(const FoldedPartOptions& options,
                                                       const ArrowFile& source,
                                                       const std::vector<ColumnGroup>& groups) {
  std::unique_ptr<FoldedPart> part(new FoldedPart());
  part->options_ = options;
  ONEFOLD_RETURN_IF_ERROR(part->name_files(source, groups));
  return part;
}

Status FoldedPart::name_files(const ArrowFile& source, const std::vector<ColumnGroup>& groups) {
  std::string base = options_.root;
  if (!options_.partition.empty()) base += "/" + options_.partition;
  ONEFOLD_RETURN_IF_ERROR(make_directories(base));
  base += fmt::format("/part-{:05}.", options_.number);
  const arrow::Schema& schema = *source.schema();
  arrow::FieldVector fields;
  for (const auto& field : schema.fields()) {
    if (!in_a_group(groups, field->name())) fields.push_back(field);
  }
  for (const ColumnGroup& group : groups) {
    fields.push_back(required_int64(ref_column(group.name)));
    if (!group.windowed) continue;
    fields.push_back(required_int64(start_column(group.name)));
    fields.push_back(required_int64(length_column(group.name)));
  }
  const SourceTraits traits = source_traits(source);
  file_options_ = traits.file_options(options_.zstd_level);
  // INT96 has no order, so engines could not skip row groups by its statistics.
  file_options_.int96_timestamps = false;
  samples_ = {.kind = "samples",
              .path = base + "samples.parquet",
              .schema = arrow::schema(fields, describe_source(schema, traits))};
  for (const ColumnGroup& group : groups) {
    arrow::FieldVector payload_fields = {required_int64(kRefColumn)};
    for (const std::string& column : group.columns) {
      payload_fields.push_back(payload_field(group, schema.GetFieldByName(column)));
    }
    Payload payload{.group = group};
    payload.file = {.kind = group.name,
                    .path = base + group.name + ".parquet",
                    .schema = arrow::schema(payload_fields)};
    payload.first_ref = payload.next_ref = options_.number << 32;
    payloads_.push_back(std::move(payload));
  }
  return {};
}

// `rows`: nullptr when there are none to measure on.
Status FoldedPart::begin(Output& output, const arrow::Table* rows) {
  ArrowFileOptions options = file_options_;
  const auto measured = options_.encodings->find(output.kind);
  if (measured != options_.encodings->end()) {
    options.encodings = measured->second;
  } else if (rows != nullptr && rows->num_rows() > 0) {
    ONEFOLD_ASSIGN_OR_RETURN(options.encodings, measure_encodings(*rows, options));
    (*options_.encodings)[output.kind] = options.encodings;
  }
  ONEFOLD_ASSIGN_OR_RETURN(output.writer,
                           ArrowFileWriter::create(output.path, *output.schema, options));
  return {};
}

Status FoldedPart::write_rows(Output& output, const arrow::Table& rows) {
  if (!output.writer) ONEFOLD_RETURN_IF_ERROR(begin(output, &rows));
  return output.writer->write_row_group(rows);
}

Result<TableFile> FoldedPart::close_file(Output& output) {
  if (!output.writer) ONEFOLD_RETURN_IF_ERROR(begin(output, nullptr));
  ONEFOLD_ASSIGN_OR_RETURN(TableFile file, output.writer->close());
  file.path.erase(0, options_.root.size() + 1);
  return file;
}

Status FoldedPart::write_payload(Payload& payload, const GroupRows& stored) {
  std::vector<int64_t> refs(static_cast<size_t>(stored.num_payload));
  std::iota(refs.begin(), refs.end(), payload.next_ref);
  ArrowColumns columns = {borrow(refs)};
  columns.insert(columns.end(), stored.payload.begin(), stored.payload.end());
  payload.next_ref += stored.num_payload;
  if (payload.next_ref - payload.first_ref > int64_t{1} << 32) {
    return unsupported("a file with more than 2^32 distinct rows of a group; split it");
  }
  return write_rows(payload.file,
                    *arrow::Table::Make(payload.file.schema, columns, stored.num_payload));
}

Status FoldedPart::write(const arrow::Table& rows, std::vector<FoldedGroup>& folded,
                         std::vector<GroupStats>& stats) {
  ArrowColumns samples;
  for (const auto& field : samples_.schema->fields()) {
    if (auto column = rows.GetColumnByName(field->name())) samples.push_back(std::move(column));
  }
  const std::vector<int32_t> owners =
      any_windowed(folded) ? owners_of(rows, options_.user) : std::vector<int32_t>{};
  std::vector<GroupRows> stored(payloads_.size());  // borrowed by `samples`
  for (size_t g = 0; g < payloads_.size(); ++g) {
    auto group_rows = fold_group(rows, owners, folded[g], stats[g]);
    if (!group_rows.ok()) return group_rows.status().with_context(options_.source);
    stored[g] = *std::move(group_rows);
    const int64_t first_ref = payloads_[g].next_ref;
    ONEFOLD_RETURN_IF_ERROR(write_payload(payloads_[g], stored[g]));
    stored[g].payload.clear();
    for (int64_t& row : stored[g].rows) row += first_ref;
    samples.push_back(borrow(stored[g].rows));
    if (!folded[g].group.windowed) continue;
    samples.push_back(borrow(stored[g].starts));
    samples.push_back(borrow(stored[g].lengths));
  }
  return write_rows(samples_, *arrow::Table::Make(samples_.schema, samples, rows.num_rows()));
}

Result<TablePart> FoldedPart::close() {
  TablePart part{.partition = options_.partition};
  ONEFOLD_ASSIGN_OR_RETURN(part.samples, close_file(samples_));
  for (Payload& payload : payloads_) {
    ONEFOLD_ASSIGN_OR_RETURN(TableFile file, close_file(payload.file));
    part.groups.push_back({payload.group.name, std::move(file), payload.first_ref});
  }
  return part;
}

}  // namespace onefold
