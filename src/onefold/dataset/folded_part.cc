// SPDX-License-Identifier: Apache-2.0
#include "onefold/dataset/folded_part.h"

#include <algorithm>
#include <numeric>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/compute/api_vector.h>
#include <arrow/datum.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include "onefold/base/files.h"
#include "onefold/dataset/fold_rows.h"
#include "onefold/dataset/source_files.h"
#include "onefold/log/arrow_status.h"
#include "onefold/table/table_columns.h"

namespace onefold {
namespace {

using Columns = std::vector<std::shared_ptr<arrow::ChunkedArray>>;

// An array over `values`, which must outlive it.
std::shared_ptr<arrow::Array> borrow(const std::vector<int64_t>& values) {
  return std::make_shared<arrow::Int64Array>(static_cast<int64_t>(values.size()),
                                             arrow::Buffer::Wrap(values.data(), values.size()));
}

std::shared_ptr<arrow::ChunkedArray> chunked(const std::vector<int64_t>& values) {
  return std::make_shared<arrow::ChunkedArray>(borrow(values));
}

// Elements of a list in row `row`; 1 for what is no list.
int64_t num_values(const arrow::Array& array, int64_t row) {
  if (array.IsNull(row)) return 0;
  switch (array.type_id()) {
    case arrow::Type::LIST:
    case arrow::Type::MAP:
      return static_cast<const arrow::ListArray&>(array).value_length(row);
    case arrow::Type::LARGE_LIST:
      return static_cast<const arrow::LargeListArray&>(array).value_length(row);
    case arrow::Type::FIXED_SIZE_LIST:
      return static_cast<const arrow::FixedSizeListArray&>(array).value_length(row);
    default:
      return 1;
  }
}

// Counts as docs/table_format.md says for group_stats: list values before and after folding.
void count_values(const Columns& columns, const FoldedRows& folded, GroupStats& stats) {
  stats.samples += static_cast<int64_t>(folded.refs.size());
  stats.unique += static_cast<int64_t>(folded.rows.size());
  for (const auto& column : columns) {
    size_t row = 0;
    std::vector<bool> seen(folded.rows.size());
    for (const auto& chunk : column->chunks()) {
      for (int64_t i = 0; i < chunk->length(); ++i, ++row) {
        const int64_t values = num_values(*chunk, i);
        const auto ref = static_cast<size_t>(folded.refs[row]);
        stats.sample_values += values;
        if (!seen[ref]) stats.unique_values += values;
        seen[ref] = true;
      }
    }
  }
}

std::shared_ptr<arrow::Field> required_int64(const std::string& name) {
  return arrow::field(name, arrow::int64(), /*nullable=*/false);
}

bool in_a_group(const std::vector<ColumnGroup>& groups, const std::string& column) {
  return std::any_of(groups.begin(), groups.end(), [&](const ColumnGroup& group) {
    return std::find(group.columns.begin(), group.columns.end(), column) != group.columns.end();
  });
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
  for (const ColumnGroup& group : groups) fields.push_back(required_int64(ref_column(group.name)));
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
      payload_fields.push_back(schema.GetFieldByName(column));
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

Status FoldedPart::write(const arrow::Table& rows, std::vector<FoldedGroup>& folded_groups,
                         std::vector<GroupStats>& stats) {
  const int64_t num_rows = rows.num_rows();
  Columns samples;
  std::vector<std::vector<int64_t>> refs;  // [groups], borrowed by `samples`
  for (size_t g = 0; g < payloads_.size(); ++g) {
    Payload& payload = payloads_[g];
    Columns columns;
    for (const std::string& name : payload.group.columns) {
      columns.push_back(rows.GetColumnByName(name));
    }
    const FoldedRows folded = fold_rows(columns, num_rows);
    const auto num_unique = static_cast<int64_t>(folded.rows.size());
    count_values(columns, folded, stats[g]);
    folded_groups[g].samples += num_rows;
    folded_groups[g].unique += num_unique;
    folded_groups[g].bytes += folded.bytes;
    folded_groups[g].unique_bytes += folded.unique_bytes;
    std::vector<int64_t> payload_refs(folded.rows.size());
    std::iota(payload_refs.begin(), payload_refs.end(), payload.next_ref);
    Columns unique = {chunked(payload_refs)};
    for (const auto& column : columns) {
      arrow::Datum taken;
      ONEFOLD_ASSIGN_OR_RETURN_ARROW(taken, arrow::compute::Take(column, borrow(folded.rows)),
                                     options_.root);
      unique.push_back(taken.chunked_array());
    }
    ONEFOLD_RETURN_IF_ERROR(
        write_rows(payload.file, *arrow::Table::Make(payload.file.schema, unique, num_unique)));
    std::vector<int64_t>& sample_refs = refs.emplace_back();
    for (int32_t ref : folded.refs) sample_refs.push_back(payload.next_ref + ref);
    payload.next_ref += num_unique;
    if (payload.next_ref - payload.first_ref > int64_t{1} << 32) {
      return unsupported("a file with more than 2^32 distinct rows of a group; split it");
    }
  }
  for (const auto& field : samples_.schema->fields()) {
    if (auto column = rows.GetColumnByName(field->name())) samples.push_back(std::move(column));
  }
  for (const auto& group_refs : refs) samples.push_back(chunked(group_refs));
  return write_rows(samples_, *arrow::Table::Make(samples_.schema, samples, num_rows));
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
