// SPDX-License-Identifier: Apache-2.0
#include "onefold/row_import/feature_cells.h"

#include <limits>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>

#include "onefold/jagged/jagged_tensor.h"

namespace onefold {
namespace {

using Ranges = std::vector<std::pair<int64_t, int64_t>>;

bool is_list(const arrow::DataType& type) {
  return type.id() == arrow::Type::LIST || type.id() == arrow::Type::LARGE_LIST;
}

bool is_text(const arrow::DataType& type) {
  return type.id() == arrow::Type::STRING || type.id() == arrow::Type::LARGE_STRING;
}

bool is_list(FeatureKind kind) {
  return kind == FeatureKind::kIdList || kind == FeatureKind::kFloatList;
}

template <typename Lists>
std::shared_ptr<arrow::Array> list_ranges(const arrow::Array& array, Ranges* ranges) {
  const auto& lists = static_cast<const Lists&>(array);
  for (int64_t row = 0; row < lists.length(); ++row) {
    const int64_t begin = lists.value_offset(row);
    ranges->emplace_back(begin, lists.IsNull(row) ? begin : begin + lists.value_length(row));
  }
  return lists.values();
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// The elements of all cells, one after another. "[1, 2]" is read like "1, 2".
std::shared_ptr<arrow::Array> split_ranges(const CellColumn& cells, int64_t num_rows,
                                           const std::string& separator, Ranges* ranges) {
  arrow::LargeStringBuilder elements;
  std::string cell;
  for (int64_t row = 0; row < num_rows; ++row) {
    const int64_t begin = elements.length();
    std::string_view rest;
    if (cells.name(row, &cell) == Cell::kOk) rest = trimmed(cell);
    if (rest.starts_with('[') && rest.ends_with(']')) rest = rest.substr(1, rest.size() - 2);
    while (!rest.empty()) {
      const size_t end = rest.find(separator);
      const std::string_view element = trimmed(rest.substr(0, end));
      // Two spaces between numbers are no hole in the list.
      if (!element.empty() || separator != " ")
        ONEFOLD_CHECK(elements.Append(element).ok(), "out of memory");
      if (end == rest.npos) break;
      rest.remove_prefix(end + separator.size());
      if (rest.empty() && separator != " ")
        ONEFOLD_CHECK(elements.Append("").ok(), "out of memory");
    }
    ranges->emplace_back(begin, elements.length());
  }
  return elements.Finish().ValueOrDie();
}

Result<FeatureKind> kind_of_type(const arrow::DataType& type, const FeatureColumn& feature,
                                 const RowMapping& mapping, bool untyped) {
  const arrow::DataType& element =
      is_list(type) ? *static_cast<const arrow::BaseListType&>(type).value_type() : type;
  const bool list = is_list(type) || !feature.separator.empty();
  if (arrow::is_floating(element.id())) {
    return list ? FeatureKind::kFloatList : FeatureKind::kDense;
  }
  if (list) return FeatureKind::kIdList;
  if (arrow::is_integer(element.id()) || feature.hash) return FeatureKind::kId;
  if (element.id() == arrow::Type::BOOL) return FeatureKind::kDense;
  return mapping.error(feature.line,
                       "[[feature]] '" + feature.column + "': " +
                           (untyped ? "CSV and JSON columns have no type; give 'kind', or hash "
                                      "= true for text"
                                    : "is " + type.ToString() +
                                          "; give hash = true, or the 'kind' that its text is"));
}

}  // namespace

bool FeatureValue::operator==(const FeatureValue& other) const {
  return ids == other.ids && JaggedTensor<float>::bytes_equal(floats, other.floats);
}

Result<FeatureKind> kind_in(const arrow::DataType& type, const FeatureColumn& feature,
                            const RowMapping& mapping, bool untyped) {
  const std::string where = "[[feature]] '" + feature.column + "'";
  const arrow::DataType& element =
      is_list(type) ? *static_cast<const arrow::BaseListType&>(type).value_type() : type;
  if (!CellColumn::check_type(element, feature.column).ok()) {
    return mapping.error(feature.line, where + " is " + type.ToString() +
                                           "; integers, floats, booleans, strings, timestamps and "
                                           "lists of them can be read");
  }
  if (!feature.separator.empty() && !is_text(type) && !is_list(type)) {
    return mapping.error(feature.line, where + ": a separator splits text, and this is " +
                                           type.ToString() + "; leave it out");
  }
  ONEFOLD_ASSIGN_OR_RETURN(
      const FeatureKind kind,
      feature.kind ? Result(*feature.kind) : kind_of_type(type, feature, mapping, untyped));
  if (is_list(kind) && !is_list(type) && feature.separator.empty()) {
    return mapping.error(feature.line, where + ": " + to_string(kind) +
                                           " needs a list column, or a 'separator' that splits "
                                           "text; this is " +
                                           type.ToString());
  }
  if (!is_list(kind) && (is_list(type) || !feature.separator.empty())) {
    return mapping.error(feature.line,
                         where + ": holds lists, so its kind is id_list or float_list");
  }
  const bool ids = kind == FeatureKind::kId || kind == FeatureKind::kIdList;
  if (!ids && feature.hash) {
    return mapping.error(
        feature.line, where + ": only ids are hashed, and this is " + std::string(to_string(kind)));
  }
  if (ids && !untyped && is_text(element) && !feature.hash && !feature.kind) {
    return mapping.error(feature.line, where + ": holds text; give hash = true");
  }
  return kind;
}

FeatureCells::FeatureCells(const std::shared_ptr<arrow::Array>& array, const FeatureColumn& feature,
                           FeatureKind kind)
    : kind_(kind), lists_(is_list(kind)) {
  const ColumnSource source{.column = feature.column, .hash = feature.hash};
  if (!lists_) {
    cells_.emplace_back(array, source);
  } else if (array->type_id() == arrow::Type::LIST) {
    cells_.emplace_back(list_ranges<arrow::ListArray>(*array, &ranges_), source);
  } else if (array->type_id() == arrow::Type::LARGE_LIST) {
    cells_.emplace_back(list_ranges<arrow::LargeListArray>(*array, &ranges_), source);
  } else {
    const CellColumn whole(array, {});
    cells_.emplace_back(split_ranges(whole, array->length(), feature.separator, &ranges_), source);
  }
}

Cell FeatureCells::read(int64_t row, FeatureValue* value) const {
  value->ids.clear();
  value->floats.clear();
  const auto [begin, end] = lists_ ? ranges_[row] : std::pair(row, row + 1);
  for (int64_t i = begin; i < end; ++i) {
    if (kind_ == FeatureKind::kDense || kind_ == FeatureKind::kFloatList) {
      double number = std::numeric_limits<double>::quiet_NaN();
      const Cell cell = cells_[0].real(i, &number);
      if (cell == Cell::kBad) return cell;
      value->floats.push_back(cell == Cell::kOk ? static_cast<float>(number)
                                                : std::numeric_limits<float>::quiet_NaN());
      continue;
    }
    int64_t id = 0;
    const Cell cell = cells_[0].id(i, &id);
    if (cell == Cell::kBad || (cell == Cell::kEmpty && lists_)) return Cell::kBad;
    if (cell == Cell::kOk) value->ids.push_back(id);
  }
  return Cell::kOk;
}

std::string FeatureCells::text(int64_t row) const {
  std::string text;
  if (!lists_) cells_[0].name(row, &text);
  return text;
}

}  // namespace onefold
