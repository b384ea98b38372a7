// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/parquet_columns.h"

#include <limits>
#include <new>
#include <optional>
#include <stdexcept>

#include <arrow/array.h>
#include <arrow/chunked_array.h>
#include <arrow/io/file.h>
#include <arrow/type.h>
#include <parquet/arrow/reader.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>

#include "onefold/log/arrow_status.h"

namespace onefold {
namespace {

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

// Calls visit(value or nullopt) for each element of `array`; false when it has none of the types.
template <typename Array, typename Visit>
bool visit_values(const arrow::Array& array, const Visit& visit) {
  const auto& values = static_cast<const Array&>(array);
  using Value = std::decay_t<decltype(values.Value(0))>;
  for (int64_t i = 0; i < values.length(); ++i) {
    visit(values.IsNull(i) ? std::nullopt : std::optional<Value>(values.Value(i)));
  }
  return true;
}

template <typename Visit>
bool visit_integers(const arrow::Array& array, const Visit& visit) {
  switch (array.type_id()) {
    case arrow::Type::BOOL:
      return visit_values<arrow::BooleanArray>(array, visit);
    case arrow::Type::INT8:
      return visit_values<arrow::Int8Array>(array, visit);
    case arrow::Type::INT16:
      return visit_values<arrow::Int16Array>(array, visit);
    case arrow::Type::INT32:
      return visit_values<arrow::Int32Array>(array, visit);
    case arrow::Type::INT64:
      return visit_values<arrow::Int64Array>(array, visit);
    case arrow::Type::UINT8:
      return visit_values<arrow::UInt8Array>(array, visit);
    case arrow::Type::UINT16:
      return visit_values<arrow::UInt16Array>(array, visit);
    case arrow::Type::UINT32:
      return visit_values<arrow::UInt32Array>(array, visit);
    case arrow::Type::UINT64:
      return visit_values<arrow::UInt64Array>(array, visit);
    default:
      return false;
  }
}

bool append_floats(const arrow::Array& array, std::vector<float>* values) {
  const auto append = [&](auto value) {
    values->push_back(value ? static_cast<float>(*value) : kMissing);
  };
  switch (array.type_id()) {
    case arrow::Type::FLOAT:
      return visit_values<arrow::FloatArray>(array, append);
    case arrow::Type::DOUBLE:
      return visit_values<arrow::DoubleArray>(array, append);
    default:
      return visit_integers(array, append);
  }
}

int64_t units_per_second(const arrow::DataType& type) {
  switch (static_cast<const arrow::TimestampType&>(type).unit()) {
    case arrow::TimeUnit::SECOND:
      return 1;
    case arrow::TimeUnit::MILLI:
      return 1'000;
    case arrow::TimeUnit::MICRO:
      return 1'000'000;
    case arrow::TimeUnit::NANO:
      return 1'000'000'000;
  }
  return 1;
}

// `value` units of 1/from seconds in units of 1/to seconds, rounded down.
int64_t rescale(int64_t value, int64_t from, int64_t to) {
  if (to >= from) return value * (to / from);
  const int64_t divisor = from / to;
  return value / divisor - (value % divisor < 0 ? 1 : 0);
}

// Calls visit(time in 1/to seconds, or nullopt) for each timestamp.
template <typename Visit>
bool visit_times(const arrow::Array& array, int64_t to, const Visit& visit) {
  if (array.type_id() != arrow::Type::TIMESTAMP) return false;
  const int64_t from = units_per_second(*array.type());
  return visit_values<arrow::TimestampArray>(array, [&](std::optional<int64_t> value) {
    visit(value ? std::optional(rescale(*value, from, to)) : std::nullopt);
  });
}

// Appends one row of length 1 or 0 per value.
auto append_to(JaggedTensor<int64_t>* rows) {
  return [rows](auto value) {
    const int64_t id = value ? static_cast<int64_t>(*value) : 0;
    rows->push_row({&id, static_cast<size_t>(value.has_value())});
  };
}

// Appends each row's length; false when `array` is no list.
template <typename Lists>
void append_lengths(const arrow::Array& array, std::vector<int64_t>* lengths,
                    std::shared_ptr<arrow::Array>* values) {
  const auto& lists = static_cast<const Lists&>(array);
  for (int64_t row = 0; row < lists.length(); ++row) {
    lengths->push_back(lists.IsNull(row) ? 0 : lists.value_length(row));
  }
  *values = lists.Flatten().ValueOr(nullptr);  // leaves out what null rows may point at
}

bool split_lists(const arrow::Array& array, std::vector<int64_t>* lengths,
                 std::shared_ptr<arrow::Array>* values) {
  if (array.type_id() == arrow::Type::LIST) {
    append_lengths<arrow::ListArray>(array, lengths, values);
  } else if (array.type_id() == arrow::Type::LARGE_LIST) {
    append_lengths<arrow::LargeListArray>(array, lengths, values);
  } else {
    return false;
  }
  return *values != nullptr;
}

template <typename T>
Result<JaggedTensor<T>> from_lengths(std::vector<T> values, const std::vector<int64_t>& lengths) {
  if (values.size() > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    return unsupported("holds more than 2^31 - 1 values");
  }
  std::vector<int32_t> offsets = {0};
  offsets.reserve(lengths.size() + 1);
  for (int64_t length : lengths) offsets.push_back(offsets.back() + static_cast<int32_t>(length));
  return JaggedTensor<T>::make(std::move(values), std::move(offsets));
}

// The Arrow side of Parquet returns most errors as Status, but not quite all of them.
template <typename Body>
arrow::Status catch_parquet(const Body& body) {
  try {
    return body();
  } catch (const parquet::ParquetException& error) {
    return arrow::Status::Invalid(error.what());
  } catch (const std::bad_alloc&) {  // damage can look like an absurd length
    return arrow::Status::Invalid("asks for more memory than there is; damaged");
  } catch (const std::length_error&) {
    return arrow::Status::Invalid("holds an impossible length; damaged");
  }
}

}  // namespace

ParquetColumns::ParquetColumns(ParquetColumns&&) noexcept = default;
ParquetColumns::~ParquetColumns() = default;

Result<ParquetColumns> ParquetColumns::open(const std::string& path) {
  ParquetColumns columns;
  columns.path_ = path;
  ONEFOLD_ASSIGN_OR_RETURN_ARROW(auto file, arrow::io::ReadableFile::Open(path), path);
  const arrow::Status opened = catch_parquet([&]() -> arrow::Status {
    ARROW_ASSIGN_OR_RAISE(columns.reader_,
                          parquet::arrow::OpenFile(file, arrow::default_memory_pool()));
    return columns.reader_->GetSchema(&columns.schema_);
  });
  ONEFOLD_RETURN_IF_ARROW_ERROR(opened, path);
  columns.num_rows_ = columns.reader_->parquet_reader()->metadata()->num_rows();
  return columns;
}

Result<std::vector<std::shared_ptr<arrow::Array>>> ParquetColumns::read(const std::string& column) {
  const int index = schema_->GetFieldIndex(column);
  if (index < 0) {
    std::string names;
    for (const std::string& name : schema_->field_names())
      names += (names.empty() ? "" : ", ") + name;
    return schema_error(path_ + ": no column '" + column + "' (it has: " + names + ")");
  }
  std::shared_ptr<arrow::ChunkedArray> chunks;
  const arrow::Status status = catch_parquet([&] { return reader_->ReadColumn(index, &chunks); });
  ONEFOLD_RETURN_IF_ARROW_ERROR(status, path_ + ": column '" + column + "'");
  return chunks->chunks();
}

Status ParquetColumns::wrong_type(const std::string& column, const std::string& expected) const {
  return schema_error(path_ + ": column '" + column + "': expected " + expected + ", got " +
                      schema_->GetFieldByName(column)->type()->ToString());
}

Result<JaggedTensor<int64_t>> ParquetColumns::ids(const std::string& column) {
  ONEFOLD_ASSIGN_OR_RETURN(const auto chunks, read(column));
  JaggedTensor<int64_t> rows;
  for (const auto& chunk : chunks) {
    if (!visit_integers(*chunk, append_to(&rows))) return wrong_type(column, "integers");
  }
  return rows;
}

Result<JaggedTensor<int64_t>> ParquetColumns::times_us(const std::string& column) {
  ONEFOLD_ASSIGN_OR_RETURN(const auto chunks, read(column));
  JaggedTensor<int64_t> rows;
  for (const auto& chunk : chunks) {
    if (!visit_times(*chunk, 1'000'000, append_to(&rows))) return wrong_type(column, "timestamps");
  }
  return rows;
}

Result<std::vector<float>> ParquetColumns::floats(const std::string& column) {
  ONEFOLD_ASSIGN_OR_RETURN(const auto chunks, read(column));
  std::vector<float> values;
  for (const auto& chunk : chunks) {
    if (!append_floats(*chunk, &values)) return wrong_type(column, "numbers");
  }
  return values;
}

// append(values array, &flat values) returns false when the element type is another.
template <typename T, typename Append>
Result<JaggedTensor<T>> ParquetColumns::lists(const std::string& column,
                                              const std::string& expected, const Append& append) {
  ONEFOLD_ASSIGN_OR_RETURN(const auto chunks, read(column));
  std::vector<int64_t> lengths;
  std::vector<T> flat;
  for (const auto& chunk : chunks) {
    std::shared_ptr<arrow::Array> values;
    if (!split_lists(*chunk, &lengths, &values)) return wrong_type(column, expected);
    if (std::is_integral_v<T> && values->null_count() > 0) {
      return data_loss(path_ + ": column '" + column + "': a list holds a null");
    }
    if (!append(*values, &flat)) return wrong_type(column, expected);
  }
  auto rows = from_lengths(std::move(flat), lengths);
  if (!rows.ok()) return rows.status().with_context(path_ + ": column '" + column + "'");
  return rows;
}

Result<JaggedTensor<int64_t>> ParquetColumns::id_lists(const std::string& column) {
  const auto append = [](const arrow::Array& array, std::vector<int64_t>* flat) {
    return visit_integers(array, [&](auto value) { flat->push_back(*value); });
  };
  return lists<int64_t>(column, "lists of integers", append);
}

Result<JaggedTensor<int64_t>> ParquetColumns::time_lists_seconds(const std::string& column) {
  const auto append = [](const arrow::Array& array, std::vector<int64_t>* flat) {
    return visit_times(array, 1, [&](auto value) { flat->push_back(*value); });
  };
  return lists<int64_t>(column, "lists of timestamps", append);
}

Result<JaggedTensor<float>> ParquetColumns::float_lists(const std::string& column) {
  return lists<float>(column, "lists of numbers", append_floats);
}

}  // namespace onefold
