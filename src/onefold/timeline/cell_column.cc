// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/cell_column.h"

#include <charconv>
#include <cmath>

#include <arrow/array.h>
#include <arrow/type.h>
#include <arrow/util/value_parsing.h>

#include "onefold/base/hash.h"

namespace onefold {
namespace {

using arrow::Type;

int64_t units_per_second(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::kMillis:
      return 1000;
    case TimeUnit::kMicros:
      return 1000 * 1000;
    case TimeUnit::kNanos:
      return 1000 * 1000 * 1000;
    default:
      return 1;
  }
}

TimeUnit unit_of(arrow::TimeUnit::type unit) {
  switch (unit) {
    case arrow::TimeUnit::SECOND:
      return TimeUnit::kSeconds;
    case arrow::TimeUnit::MILLI:
      return TimeUnit::kMillis;
    case arrow::TimeUnit::MICRO:
      return TimeUnit::kMicros;
    default:
      return TimeUnit::kNanos;
  }
}

// False when the result leaves 64 bits.
bool to_micros(int64_t value, TimeUnit unit, int64_t* micros) {
  if (unit == TimeUnit::kNanos) {
    *micros = value / 1000 - (value % 1000 < 0 ? 1 : 0);
    return true;
  }
  return !__builtin_mul_overflow(value, 1000 * 1000 / units_per_second(unit), micros);
}

Cell parse_integer(std::string_view text, int64_t* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  if (error != std::errc()) return Cell::kBad;
  // "12.0" is how pandas writes an integer column that has holes.
  std::string_view rest(end, static_cast<size_t>(text.data() + text.size() - end));
  if (!rest.empty() && (rest[0] != '.' || rest.find_first_not_of('0', 1) != rest.npos)) {
    return Cell::kBad;
  }
  return Cell::kOk;
}

int64_t hashed_id(std::string_view text) {
  const auto id = static_cast<int64_t>(hash64(text.data(), text.size()));
  return id == kMissing ? 0 : id;
}

// REQUIRES: `array` holds integers, booleans or timestamps.
int64_t integer_at(const arrow::Array& array, int64_t row) {
  switch (array.type_id()) {
    case Type::INT8:
      return static_cast<const arrow::Int8Array&>(array).Value(row);
    case Type::INT16:
      return static_cast<const arrow::Int16Array&>(array).Value(row);
    case Type::INT32:
      return static_cast<const arrow::Int32Array&>(array).Value(row);
    case Type::UINT8:
      return static_cast<const arrow::UInt8Array&>(array).Value(row);
    case Type::UINT16:
      return static_cast<const arrow::UInt16Array&>(array).Value(row);
    case Type::UINT32:
      return static_cast<const arrow::UInt32Array&>(array).Value(row);
    case Type::UINT64:  // ids hashed elsewhere: the same 64 bits
      return static_cast<int64_t>(static_cast<const arrow::UInt64Array&>(array).Value(row));
    case Type::BOOL:
      return static_cast<const arrow::BooleanArray&>(array).Value(row);
    case Type::TIMESTAMP:
      return static_cast<const arrow::TimestampArray&>(array).Value(row);
    default:
      return static_cast<const arrow::Int64Array&>(array).Value(row);
  }
}

}  // namespace

Status CellColumn::check_type(const arrow::DataType& type, const std::string& column) {
  const Type::type id = type.id();
  if (id == Type::DICTIONARY) {
    return check_type(*static_cast<const arrow::DictionaryType&>(type).value_type(), column);
  }
  if (arrow::is_integer(id) || id == Type::FLOAT || id == Type::DOUBLE || id == Type::BOOL ||
      id == Type::STRING || id == Type::LARGE_STRING || id == Type::TIMESTAMP || id == Type::NA) {
    return {};
  }
  return schema_error("column '" + column + "' is " + type.ToString() +
                      "; integers, floats, booleans, strings and timestamps can be read");
}

CellColumn::CellColumn(std::shared_ptr<arrow::Array> array, const ColumnSource& source)
    : array_(std::move(array)), source_(source) {
  if (array_->type_id() == Type::DICTIONARY) {
    const auto& dictionary = static_cast<const arrow::DictionaryArray&>(*array_);
    indices_ = dictionary.indices();
    array_ = dictionary.dictionary();
  }
}

bool CellColumn::is_text() const {
  return array_->type_id() == Type::STRING || array_->type_id() == Type::LARGE_STRING;
}
bool CellColumn::is_integer() const {
  return arrow::is_integer(array_->type_id()) || array_->type_id() == Type::BOOL ||
         array_->type_id() == Type::TIMESTAMP;
}
bool CellColumn::is_float() const {
  return array_->type_id() == Type::FLOAT || array_->type_id() == Type::DOUBLE;
}

std::string_view CellColumn::text(int64_t row) const {
  if (array_->type_id() == Type::STRING) {
    return static_cast<const arrow::StringArray&>(*array_).GetView(row);
  }
  return static_cast<const arrow::LargeStringArray&>(*array_).GetView(row);
}

int64_t CellColumn::integer(int64_t row) const { return integer_at(*array_, row); }

double CellColumn::floating(int64_t row) const {
  if (array_->type_id() == Type::FLOAT) {
    return static_cast<const arrow::FloatArray&>(*array_).Value(row);
  }
  return static_cast<const arrow::DoubleArray&>(*array_).Value(row);
}

int64_t CellColumn::value_row(int64_t row) const {
  if (array_->type_id() == Type::NA) return -1;
  if (indices_) {
    if (indices_->IsNull(row)) return -1;
    row = integer_at(*indices_, row);
  }
  return array_->IsNull(row) ? -1 : row;
}

Cell CellColumn::integral(int64_t row, int64_t* value) const {
  if (is_integer()) {
    *value = integer(row);
    return Cell::kOk;
  }
  if (is_text()) {
    if (text(row).empty()) return Cell::kEmpty;
    return parse_integer(text(row), value);
  }
  const double number = floating(row);
  if (std::isnan(number)) return Cell::kEmpty;
  if (number != std::floor(number) || std::abs(number) >= 9.2e18) return Cell::kBad;
  *value = static_cast<int64_t>(number);
  return Cell::kOk;
}

Cell CellColumn::number(int64_t row, double* value) const {
  if (is_integer()) {
    *value = static_cast<double>(integer(row));
    return Cell::kOk;
  }
  if (is_float()) {
    *value = floating(row);
    return std::isnan(*value) ? Cell::kEmpty : Cell::kOk;
  }
  const std::string_view cell = text(row);
  if (cell.empty()) return Cell::kEmpty;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), *value);
  return error == std::errc() && end == cell.data() + cell.size() ? Cell::kOk : Cell::kBad;
}

Cell CellColumn::id(int64_t row, int64_t* value) const {
  row = value_row(row);
  if (row < 0) return Cell::kEmpty;
  if (source_.hash) {
    if (is_text() && text(row).empty()) return Cell::kEmpty;
    if (is_text()) {
      *value = hashed_id(text(row));
      return Cell::kOk;
    }
    int64_t number = 0;
    const Cell cell = integral(row, &number);
    if (cell == Cell::kOk) *value = hashed_id(std::to_string(number));
    return cell;
  }
  const Cell cell = integral(row, value);
  return cell == Cell::kOk && *value == kMissing ? Cell::kEmpty : cell;
}

Cell CellColumn::time_us(int64_t row, int64_t* value) const {
  row = value_row(row);
  if (row < 0) return Cell::kEmpty;
  if (array_->type_id() == Type::TIMESTAMP) {
    const auto& type = static_cast<const arrow::TimestampType&>(*array_->type());
    return to_micros(integer(row), unit_of(type.unit()), value) ? Cell::kOk : Cell::kBad;
  }
  if (source_.unit == TimeUnit::kIso) {
    if (!is_text()) return Cell::kBad;
    if (text(row).empty()) return Cell::kEmpty;
    const std::string_view cell = text(row);
    return arrow::internal::ParseTimestampISO8601(cell.data(), cell.size(), arrow::TimeUnit::MICRO,
                                                  value)
               ? Cell::kOk
               : Cell::kBad;
  }
  int64_t exact = 0;
  const Cell cell = integral(row, &exact);
  if (cell == Cell::kOk) return to_micros(exact, source_.unit, value) ? Cell::kOk : Cell::kBad;
  double fraction = 0;  // 1650882384.975 s
  const Cell as_number = number(row, &fraction);
  if (as_number != Cell::kOk) return as_number;
  fraction *= 1e6 / static_cast<double>(units_per_second(source_.unit));
  if (!(std::abs(fraction) < 9.2e18)) return Cell::kBad;
  *value = std::llround(fraction);
  return Cell::kOk;
}

Cell CellColumn::seconds(int64_t row, float* value) const {
  row = value_row(row);
  if (row < 0) return Cell::kEmpty;
  double read = 0;
  const Cell cell = number(row, &read);
  if (cell != Cell::kOk) return cell;
  if (!(read >= 0) || !std::isfinite(read)) return Cell::kBad;
  *value = static_cast<float>(read / static_cast<double>(units_per_second(source_.unit)));
  return Cell::kOk;
}

Cell CellColumn::real(int64_t row, double* value) const {
  row = value_row(row);
  return row < 0 ? Cell::kEmpty : number(row, value);
}

Cell CellColumn::name(int64_t row, std::string* value) const {
  row = value_row(row);
  if (row < 0) return Cell::kEmpty;
  if (is_text()) {
    *value = text(row);
    return value->empty() ? Cell::kEmpty : Cell::kOk;
  }
  if (array_->type_id() == Type::BOOL) {
    *value = integer(row) ? "true" : "false";
    return Cell::kOk;
  }
  int64_t whole = 0;
  const Cell cell = integral(row, &whole);
  if (cell == Cell::kOk) *value = std::to_string(whole);
  if (cell != Cell::kBad) return cell;
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof(digits), floating(row)).ptr;
  value->assign(digits, end);
  return Cell::kOk;
}

Cell CellColumn::flag(int64_t row, bool* value) const {
  *value = false;
  row = value_row(row);
  if (row < 0) return Cell::kOk;
  if (is_text()) {
    const std::string_view cell = text(row);
    *value = cell == "true" || cell == "True" || cell == "TRUE";
    if (*value || cell.empty() || cell == "false" || cell == "False" || cell == "FALSE") {
      return Cell::kOk;
    }
  }
  double read = 0;
  const Cell cell = number(row, &read);
  *value = cell == Cell::kOk && read != 0;
  return cell == Cell::kBad ? Cell::kBad : Cell::kOk;
}

}  // namespace onefold
