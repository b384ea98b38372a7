// SPDX-License-Identifier: Apache-2.0
#include "onefold/table/column_encoding.h"

#include <algorithm>
#include <limits>

#include <arrow/array.h>
#include <arrow/io/memory.h>
#include <arrow/type.h>
#include <arrow/util/parallel.h>
#include <parquet/arrow/writer.h>
#include <parquet/exception.h>
#include <parquet/metadata.h>
#include <parquet/properties.h>

namespace onefold {
namespace {

// Enough values for a dictionary to pay for itself and for zstd to see repeats; measuring all of a
// plain row group's copies would cost as much as writing it.
constexpr int64_t kMeasuredValues = 1 << 20;
// A choice made from fewer values, over all columns, is made again when more come.
constexpr int64_t kEnoughValues = 1 << 16;
// Plain pages are read by a copy, the others are decoded value by value: they must earn it.
constexpr double kWorthDecoding = 0.95;

bool is_list(ColumnType type) {
  return type == ColumnType::kIdList || type == ColumnType::kFloatList;
}

bool is_float(ColumnType type) {
  return type == ColumnType::kFloat || type == ColumnType::kFloatList;
}

void set_encoding(parquet::WriterProperties::Builder& builder, const TableColumn& column,
                  ColumnEncoding encoding) {
  const std::string path = is_list(column.type) ? column.name + ".list.element" : column.name;
  if (encoding == ColumnEncoding::kDictionary) {
    builder.enable_dictionary(path);
    return;
  }
  builder.disable_dictionary(path);
  switch (encoding) {
    case ColumnEncoding::kDelta:
      builder.encoding(path, parquet::Encoding::DELTA_BINARY_PACKED);
      break;
    case ColumnEncoding::kByteStreamSplit:
      builder.encoding(path, parquet::Encoding::BYTE_STREAM_SPLIT);
      break;
    default:
      builder.encoding(path, parquet::Encoding::PLAIN);
  }
}

int64_t num_values(const arrow::Array& array) {
  if (array.type_id() != arrow::Type::LIST) return array.length();
  const auto& lists = static_cast<const arrow::ListArray&>(array);
  return lists.value_offset(lists.length()) - lists.value_offset(0);
}

// As many leading rows as have kMeasuredValues values.
std::shared_ptr<arrow::Array> head(const std::shared_ptr<arrow::Array>& array) {
  if (array->type_id() != arrow::Type::LIST) return array->Slice(0, kMeasuredValues);
  const auto& lists = static_cast<const arrow::ListArray&>(*array);
  const int32_t* offsets = lists.raw_value_offsets();
  const int32_t* end =
      std::upper_bound(offsets, offsets + lists.length() + 1, offsets[0] + kMeasuredValues);
  return array->Slice(0, std::max<int64_t>(1, end - offsets - 1));
}

// Stored bytes of `array` as a column chunk.
int64_t stored_bytes(const TableColumn& column, const arrow::Array& array, ColumnEncoding encoding,
                     int zstd_level) {
  PARQUET_ASSIGN_OR_THROW(auto sink, arrow::io::BufferOutputStream::Create());
  PARQUET_ASSIGN_OR_THROW(
      auto writer, parquet::arrow::FileWriter::Open(
                       *arrow::schema({to_arrow_field(column)}), arrow::default_memory_pool(), sink,
                       writer_properties({column}, {encoding}, zstd_level)));
  PARQUET_THROW_NOT_OK(writer->NewRowGroup());
  PARQUET_THROW_NOT_OK(writer->WriteColumnChunk(array));
  PARQUET_THROW_NOT_OK(writer->Close());
  return writer->metadata()->RowGroup(0)->ColumnChunk(0)->total_compressed_size();
}

ColumnEncoding smallest_encoding(const TableColumn& column,
                                 const std::shared_ptr<arrow::Array>& array, int zstd_level) {
  const std::shared_ptr<arrow::Array> rows = head(array);
  auto bytes_of = [&](ColumnEncoding encoding) {
    return static_cast<double>(stored_bytes(column, *rows, encoding, zstd_level));
  };
  ColumnEncoding best = ColumnEncoding::kPlain;
  double best_bytes = bytes_of(ColumnEncoding::kPlain) * kWorthDecoding;
  for (const ColumnEncoding other :
       {ColumnEncoding::kDictionary,
        is_float(column.type) ? ColumnEncoding::kByteStreamSplit : ColumnEncoding::kDelta}) {
    const double bytes = bytes_of(other);
    if (bytes >= best_bytes) continue;
    best = other;
    best_bytes = bytes;
  }
  return best;
}

}  // namespace

std::shared_ptr<parquet::WriterProperties> writer_properties(
    const std::vector<TableColumn>& columns, const std::vector<ColumnEncoding>& encodings,
    int zstd_level) {
  parquet::WriterProperties::Builder builder;
  builder.compression(parquet::Compression::ZSTD)->compression_level(zstd_level);
  // zstd frames carry no checksum: without this a flipped bit could decode to other ids.
  builder.enable_page_checksum();
  builder.created_by("onefold");
  // A row group is what a caller writes as one: the library must not cut it.
  builder.max_row_group_length(std::numeric_limits<int64_t>::max());
  for (size_t c = 0; c < columns.size(); ++c) set_encoding(builder, columns[c], encodings[c]);
  return builder.build();
}

const std::vector<ColumnEncoding>& EncodingChooser::choose(const std::string& kind,
                                                           const std::vector<TableColumn>& columns,
                                                           const ArrowArrays& arrays) {
  Choice& choice = choices_[kind];
  int64_t values = 0;
  for (const auto& array : arrays) values += num_values(*array);
  const bool enough = choice.num_values >= kEnoughValues || values <= choice.num_values;
  if (!choice.encodings.empty() && enough) return choice.encodings;
  choice = {.encodings = {}, .num_values = values};
  choice.encodings.resize(columns.size());
  const auto measure = [&](int c) {
    PARQUET_CATCH_NOT_OK(choice.encodings[c] =
                             smallest_encoding(columns[c], arrays[c], zstd_level_));
    return arrow::Status::OK();
  };
  PARQUET_THROW_NOT_OK(arrow::internal::OptionalParallelFor(
      executor_ != nullptr, static_cast<int>(columns.size()), measure, executor_));
  return choice.encodings;
}

}  // namespace onefold
