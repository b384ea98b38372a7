// SPDX-License-Identifier: Apache-2.0
#include "onefold/inspect/value_words.h"

#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include <arrow/array.h>
#include <arrow/extension_type.h>
#include <arrow/type.h>

#include "onefold/base/hash.h"
#include "onefold/inspect/sample_source.h"

namespace onefold {
namespace {

using Words = std::vector<int64_t>;

int64_t hash_word(const void* data, size_t size) {
  return static_cast<int64_t>(hash64(data, size));
}

// Calls word_of(i) for every element that is not null.
template <typename WordOf>
Words words_where_valid(const arrow::Array& array, const WordOf& word_of) {
  Words words(array.length(), kNullWord);
  for (int64_t i = 0; i < array.length(); ++i) {
    if (array.IsValid(i)) words[i] = word_of(i);
  }
  return words;
}

template <typename Array>
Words string_words(const arrow::Array& array) {
  const auto& strings = static_cast<const Array&>(array);
  return words_where_valid(array, [&](int64_t i) {
    const std::string_view bytes = strings.GetView(i);
    return hash_word(bytes.data(), bytes.size());
  });
}

// Numbers, times, decimals, fixed-size binary: elements of whole bytes, one after another.
Words fixed_width_words(const arrow::Array& array) {
  const size_t width = static_cast<const arrow::FixedWidthType&>(*array.type()).bit_width() / 8;
  const auto& buffer = array.data()->buffers[1];
  if (!buffer) return Words(array.length(), kNullWord);  // no elements, or all null
  const uint8_t* elements = buffer->data() + array.offset() * width;
  return words_where_valid(array, [&](int64_t i) {
    if (width > sizeof(int64_t)) return hash_word(elements + i * width, width);
    int64_t word = 0;
    std::memcpy(&word, elements + i * width, width);
    return word;
  });
}

// Rows of a list array: row i is elements [begin(i), end(i)) of `elements`.
struct Lists {
  std::shared_ptr<arrow::Array> elements;
  std::vector<int64_t> offsets;  // [num_rows + 1], into elements

  static std::optional<Lists> of(const arrow::Array& array) {
    switch (array.type_id()) {
      case arrow::Type::LIST:
      case arrow::Type::MAP:
        return of_offsets<arrow::ListArray>(array);
      case arrow::Type::LARGE_LIST:
        return of_offsets<arrow::LargeListArray>(array);
      case arrow::Type::FIXED_SIZE_LIST:
        return of_offsets<arrow::FixedSizeListArray>(array);
      default:
        return std::nullopt;
    }
  }

 private:
  template <typename Array>
  static Lists of_offsets(const arrow::Array& array) {
    const auto& lists = static_cast<const Array&>(array);
    const int64_t begin = lists.value_offset(0), end = lists.value_offset(array.length());
    Lists result{lists.values()->Slice(begin, end - begin), {}};
    for (int64_t i = 0; i <= array.length(); ++i) {
      result.offsets.push_back(lists.value_offset(i) - begin);
    }
    return result;
  }
};

Result<Words> list_words(const arrow::Array& array, const Lists& lists) {
  ONEFOLD_ASSIGN_OR_RETURN(const Words elements, value_words(*lists.elements));
  return words_where_valid(array, [&](int64_t i) {
    const int64_t begin = lists.offsets[i];
    return hash_word(elements.data() + begin, (lists.offsets[i + 1] - begin) * sizeof(int64_t));
  });
}

Result<Words> struct_words(const arrow::Array& array) {
  const auto& structs = static_cast<const arrow::StructArray&>(array);
  std::vector<Words> fields;
  for (int f = 0; f < structs.num_fields(); ++f) {
    ONEFOLD_ASSIGN_OR_RETURN(Words words, value_words(*structs.field(f)));
    fields.push_back(std::move(words));
  }
  return words_where_valid(array, [&](int64_t i) {
    uint64_t hash = 0;
    for (const Words& field : fields) hash = hash64(field[i], hash);
    return static_cast<int64_t>(hash);
  });
}

Result<Words> dictionary_words(const arrow::Array& array) {
  const auto& coded = static_cast<const arrow::DictionaryArray&>(array);
  ONEFOLD_ASSIGN_OR_RETURN(const Words dictionary, value_words(*coded.dictionary()));
  return words_where_valid(array, [&](int64_t i) { return dictionary[coded.GetValueIndex(i)]; });
}

}  // namespace

Result<Words> value_words(const arrow::Array& array) {
  if (const auto lists = Lists::of(array)) return list_words(array, *lists);
  switch (array.type_id()) {
    case arrow::Type::NA:
      return Words(array.length(), kNullWord);
    case arrow::Type::BOOL: {
      const auto& bools = static_cast<const arrow::BooleanArray&>(array);
      return words_where_valid(array, [&](int64_t i) { return int64_t{bools.Value(i)}; });
    }
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return string_words<arrow::BinaryArray>(array);
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return string_words<arrow::LargeBinaryArray>(array);
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW:
      return string_words<arrow::BinaryViewArray>(array);
    case arrow::Type::STRUCT:
      return struct_words(array);
    case arrow::Type::DICTIONARY:
      return dictionary_words(array);
    case arrow::Type::EXTENSION:
      return value_words(*static_cast<const arrow::ExtensionArray&>(array).storage());
    default:
      if (arrow::is_fixed_width(array.type_id())) return fixed_width_words(array);
      return unsupported("columns of type " + array.type()->ToString() + " cannot be compared");
  }
}

Result<JaggedTensor<int64_t>> row_words(const arrow::Array& column) {
  JaggedTensor<int64_t> rows;
  const auto lists = Lists::of(column);
  ONEFOLD_ASSIGN_OR_RETURN(const Words words, value_words(lists ? *lists->elements : column));
  rows.reserve(column.length(), static_cast<int64_t>(words.size()));
  for (int64_t i = 0; i < column.length(); ++i) {
    const int64_t begin = lists ? lists->offsets[i] : i;
    const int64_t end = lists ? lists->offsets[i + 1] : i + 1;
    rows.push_row(std::span(words).subspan(begin, column.IsValid(i) ? end - begin : 0));
  }
  return rows;
}

}  // namespace onefold
