// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/user_list.h"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/io/file.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/writer.h>
#include <parquet/properties.h>

#include "onefold/base/files.h"
#include "onefold/log/arrow_status.h"
#include "onefold/table/parquet_errors.h"
#include "onefold/timeline/parquet_status.h"

namespace onefold {
namespace {

constexpr int64_t kRowGroupRows = 1 << 20;

std::shared_ptr<arrow::Schema> user_schema() {
  return arrow::schema({arrow::field("user_id", arrow::int64(), /*nullable=*/false)});
}

}  // namespace

Status write_user_list(const std::string& path, const std::vector<int64_t>& users) {
  return catch_parquet(path, [&]() -> Status {
    const auto array = std::make_shared<arrow::Int64Array>(
        static_cast<int64_t>(users.size()),
        std::make_shared<arrow::Buffer>(reinterpret_cast<const uint8_t*>(users.data()),
                                        static_cast<int64_t>(users.size() * sizeof(int64_t))));
    const auto table = arrow::Table::Make(user_schema(), {array});
    parquet::WriterProperties::Builder properties;
    properties.compression(parquet::Compression::ZSTD)->disable_dictionary();
    properties.enable_page_checksum()->created_by("onefold");
    ONEFOLD_ASSIGN_OR_RETURN_ARROW(auto sink, arrow::io::FileOutputStream::Open(path + ".tmp"),
                                   path);
    ONEFOLD_RETURN_IF_ARROW_ERROR(
        parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), sink, kRowGroupRows,
                                   properties.build()),
        path);
    ONEFOLD_RETURN_IF_ARROW_ERROR(sink->Close(), path);
    return publish_file(path + ".tmp", path);
  });
}

Result<std::vector<int64_t>> read_user_list(const std::string& path) {
  return catch_parquet(path, [&]() -> Result<std::vector<int64_t>> {
    ONEFOLD_ASSIGN_OR_RETURN_PARQUET(auto file, arrow::io::ReadableFile::Open(path), path);
    parquet::ReaderProperties properties;
    properties.set_page_checksum_verification(true);
    parquet::arrow::FileReaderBuilder builder;
    ONEFOLD_RETURN_IF_PARQUET_ERROR(builder.Open(file, properties), path);
    std::unique_ptr<parquet::arrow::FileReader> reader;
    ONEFOLD_RETURN_IF_PARQUET_ERROR(builder.Build(&reader), path);
    ONEFOLD_ASSIGN_OR_RETURN_PARQUET(const auto table, reader->ReadTable(), path);
    if (!table->schema()->Equals(*user_schema(), /*check_metadata=*/false)) {
      return schema_error(path + ": should have one column, user_id: int64");
    }
    std::vector<int64_t> users;
    for (const auto& chunk : table->column(0)->chunks()) {
      const auto& values = static_cast<const arrow::Int64Array&>(*chunk);
      users.insert(users.end(), values.raw_values(), values.raw_values() + values.length());
    }
    return users;
  });
}

}  // namespace onefold
