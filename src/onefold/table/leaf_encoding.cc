// SPDX-License-Identifier: Apache-2.0
#include "onefold/table/leaf_encoding.h"

#include <arrow/io/memory.h>
#include <arrow/table.h>
#include <parquet/arrow/schema.h>
#include <parquet/arrow/writer.h>
#include <parquet/exception.h>
#include <parquet/metadata.h>
#include <parquet/properties.h>
#include <parquet/schema.h>

namespace onefold {
namespace {

constexpr int64_t kMeasuredRows = 16 << 10;
// Plain pages are read by a copy, the others are decoded value by value: they must earn it.
constexpr double kWorthDecoding = 0.95;

std::shared_ptr<parquet::SchemaDescriptor> parquet_schema(
    const arrow::Schema& schema, const parquet::ArrowWriterProperties& arrow_properties) {
  std::shared_ptr<parquet::SchemaDescriptor> descriptor;
  PARQUET_THROW_NOT_OK(parquet::arrow::ToParquetSchema(
      &schema, *parquet::default_writer_properties(), arrow_properties, &descriptor));
  return descriptor;
}

// Which encodings exist for a type, and that other engines read.
bool is_possible(ColumnEncoding encoding, parquet::Type::type type) {
  switch (encoding) {
    case ColumnEncoding::kDelta:
      return type == parquet::Type::INT32 || type == parquet::Type::INT64;
    case ColumnEncoding::kByteStreamSplit:
      return type == parquet::Type::FLOAT || type == parquet::Type::DOUBLE;
    case ColumnEncoding::kDictionary:
      return type != parquet::Type::BOOLEAN;
    default:
      return true;
  }
}

void set_encoding(parquet::WriterProperties::Builder& builder, const std::string& path,
                  ColumnEncoding encoding) {
  if (encoding == ColumnEncoding::kDictionary) {
    builder.enable_dictionary(path);
    return;
  }
  builder.disable_dictionary(path);
  if (encoding == ColumnEncoding::kDelta) {
    builder.encoding(path, parquet::Encoding::DELTA_BINARY_PACKED);
  } else if (encoding == ColumnEncoding::kByteStreamSplit) {
    builder.encoding(path, parquet::Encoding::BYTE_STREAM_SPLIT);
  } else {
    builder.encoding(path, parquet::Encoding::PLAIN);
  }
}

// Stored bytes of each leaf [leaves] of `table` as one row group.
std::vector<double> stored_bytes(
    const arrow::Table& table, const LeafEncodings& encodings,
    const std::shared_ptr<parquet::ArrowWriterProperties>& arrow_properties, int zstd_level) {
  PARQUET_ASSIGN_OR_THROW(auto sink, arrow::io::BufferOutputStream::Create());
  PARQUET_ASSIGN_OR_THROW(auto writer, parquet::arrow::FileWriter::Open(
                                           *table.schema(), arrow::default_memory_pool(), sink,
                                           leaf_writer_properties(*table.schema(), encodings,
                                                                  *arrow_properties, zstd_level),
                                           arrow_properties));
  PARQUET_THROW_NOT_OK(writer->WriteTable(table, table.num_rows()));
  PARQUET_THROW_NOT_OK(writer->Close());
  const auto row_group = writer->metadata()->RowGroup(0);
  std::vector<double> bytes;
  for (size_t leaf = 0; leaf < encodings.size(); ++leaf) {
    bytes.push_back(static_cast<double>(
        row_group->ColumnChunk(static_cast<int>(leaf))->total_compressed_size()));
  }
  return bytes;
}

}  // namespace

std::shared_ptr<parquet::WriterProperties> leaf_writer_properties(
    const arrow::Schema& schema, const LeafEncodings& encodings,
    const parquet::ArrowWriterProperties& arrow_properties, int zstd_level) {
  parquet::WriterProperties::Builder builder;
  builder.compression(parquet::Compression::ZSTD)->compression_level(zstd_level);
  builder.enable_page_checksum();
  if (!encodings.empty()) {
    const auto leaves = parquet_schema(schema, arrow_properties);
    if (leaves->num_columns() != static_cast<int>(encodings.size())) {
      throw parquet::ParquetException("other columns than encodings were measured on");
    }
    for (int leaf = 0; leaf < leaves->num_columns(); ++leaf) {
      set_encoding(builder, leaves->Column(leaf)->path()->ToDotString(),
                   encodings[static_cast<size_t>(leaf)]);
    }
  }
  return builder.build();
}

LeafEncodings smallest_leaf_encodings(
    const arrow::Table& table,
    const std::shared_ptr<parquet::ArrowWriterProperties>& arrow_properties, int zstd_level) {
  const auto leaves = parquet_schema(*table.schema(), *arrow_properties);
  const auto rows = table.Slice(0, kMeasuredRows);
  const auto num_leaves = static_cast<size_t>(leaves->num_columns());
  LeafEncodings best(num_leaves, ColumnEncoding::kPlain);
  std::vector<double> best_bytes = stored_bytes(*rows, best, arrow_properties, zstd_level);
  for (double& bytes : best_bytes) bytes *= kWorthDecoding;
  for (const ColumnEncoding encoding :
       {ColumnEncoding::kDictionary, ColumnEncoding::kDelta, ColumnEncoding::kByteStreamSplit}) {
    LeafEncodings tried(num_leaves, ColumnEncoding::kPlain);
    for (size_t leaf = 0; leaf < num_leaves; ++leaf) {
      const auto type = leaves->Column(static_cast<int>(leaf))->physical_type();
      if (is_possible(encoding, type)) tried[leaf] = encoding;
    }
    const auto bytes = stored_bytes(*rows, tried, arrow_properties, zstd_level);
    for (size_t leaf = 0; leaf < num_leaves; ++leaf) {
      if (tried[leaf] != encoding || bytes[leaf] >= best_bytes[leaf]) continue;
      best[leaf] = encoding;
      best_bytes[leaf] = bytes[leaf];
    }
  }
  return best;
}

}  // namespace onefold
