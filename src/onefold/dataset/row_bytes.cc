// SPDX-License-Identifier: Apache-2.0
#include "onefold/dataset/row_bytes.h"

#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/extension_type.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <arrow/util/bitmap_ops.h>

#include "onefold/base/check.h"

namespace onefold {
namespace {

void append_length(int64_t length, std::string& bytes) {
  bytes.append(reinterpret_cast<const char*>(&length), sizeof(length));
}

// A null is one byte 0; anything else is a byte 1 and its value.
class NullableBytes : public RowBytes {
 public:
  explicit NullableBytes(const arrow::Array& array) : array_(array) {}
  void append(int64_t row, std::string& bytes) const final {
    const bool valid = array_.IsValid(row);
    bytes.push_back(valid ? 1 : 0);
    if (valid) append_value(row, bytes);
  }
  virtual void append_value(int64_t row, std::string& bytes) const = 0;

  // Rows [begin, end) one after another, with a way to tell rows with nulls from rows without.
  virtual void append_range(int64_t begin, int64_t end, std::string& bytes) const {
    for (int64_t row = begin; row < end; ++row) append(row, bytes);
  }

 protected:
  const arrow::Array& array_;
};

class NullBytes final : public NullableBytes {
 public:
  using NullableBytes::NullableBytes;
  void append_value(int64_t, std::string&) const override {}
};

class BoolBytes final : public NullableBytes {
 public:
  using NullableBytes::NullableBytes;
  void append_value(int64_t row, std::string& bytes) const override {
    bytes.push_back(static_cast<const arrow::BooleanArray&>(array_).Value(row) ? 1 : 0);
  }
};

// Numbers, decimals, dates, times, timestamps, fixed-size binary.
class FixedBytes final : public NullableBytes {
 public:
  FixedBytes(const arrow::Array& array, int width) : NullableBytes(array), width_(width) {
    const auto& buffer = array.data()->buffers[1];
    if (buffer) {
      values_ = reinterpret_cast<const char*>(buffer->data()) + array.offset() * int64_t{width};
    }
  }
  void append_value(int64_t row, std::string& bytes) const override {
    bytes.append(values_ + row * width_, static_cast<size_t>(width_));
  }
  void append_range(int64_t begin, int64_t end, std::string& bytes) const override {
    const bool nulls = has_nulls(begin, end);
    bytes.push_back(nulls ? 1 : 0);
    if (nulls) {
      NullableBytes::append_range(begin, end, bytes);
    } else if (end > begin) {
      bytes.append(values_ + begin * width_, static_cast<size_t>((end - begin) * width_));
    }
  }

 private:
  bool has_nulls(int64_t begin, int64_t end) const {
    if (array_.null_count() == 0) return false;
    return arrow::internal::CountSetBits(array_.null_bitmap_data(), array_.offset() + begin,
                                         end - begin) != end - begin;
  }

  const int64_t width_;
  const char* values_ = nullptr;
};

// Strings and binary, with 32-bit or 64-bit offsets or as views.
template <typename ArrayType>
class BinaryBytes final : public NullableBytes {
 public:
  using NullableBytes::NullableBytes;
  void append_value(int64_t row, std::string& bytes) const override {
    const std::string_view value = static_cast<const ArrayType&>(array_).GetView(row);
    append_length(static_cast<int64_t>(value.size()), bytes);
    bytes.append(value);
  }
};

std::unique_ptr<NullableBytes> make_nullable_bytes(const arrow::Array& array);

// Lists and maps.
template <typename ArrayType>
class ListBytes final : public NullableBytes {
 public:
  explicit ListBytes(const arrow::Array& array)
      : NullableBytes(array),
        values_(static_cast<const ArrayType&>(array).values()),
        elements_(make_nullable_bytes(*values_)) {}
  void append_value(int64_t row, std::string& bytes) const override {
    const auto& list = static_cast<const ArrayType&>(array_);
    const int64_t begin = list.value_offset(row), length = list.value_length(row);
    append_length(length, bytes);
    elements_->append_range(begin, begin + length, bytes);
  }

 private:
  const std::shared_ptr<arrow::Array> values_;
  const std::unique_ptr<NullableBytes> elements_;
};

class StructBytes final : public NullableBytes {
 public:
  explicit StructBytes(const arrow::Array& array) : NullableBytes(array) {
    const auto& parent = static_cast<const arrow::StructArray&>(array);
    for (int i = 0; i < parent.num_fields(); ++i) {
      children_.push_back(parent.field(i));  // with the parent's offset
      bytes_.push_back(make_nullable_bytes(*children_.back()));
    }
  }
  void append_value(int64_t row, std::string& bytes) const override {
    for (const auto& child : bytes_) child->append(row, bytes);
  }

 private:
  std::vector<std::shared_ptr<arrow::Array>> children_;
  std::vector<std::unique_ptr<NullableBytes>> bytes_;
};

// A dictionary's codes may differ between chunks; its values do not.
class DictionaryBytes final : public NullableBytes {
 public:
  explicit DictionaryBytes(const arrow::Array& array)
      : NullableBytes(array),
        values_(static_cast<const arrow::DictionaryArray&>(array).dictionary()),
        bytes_(make_nullable_bytes(*values_)) {}
  void append_value(int64_t row, std::string& bytes) const override {
    bytes_->append(static_cast<const arrow::DictionaryArray&>(array_).GetValueIndex(row), bytes);
  }

 private:
  const std::shared_ptr<arrow::Array> values_;
  const std::unique_ptr<NullableBytes> bytes_;
};

class ExtensionBytes final : public NullableBytes {
 public:
  explicit ExtensionBytes(const arrow::Array& array)
      : NullableBytes(array),
        storage_(static_cast<const arrow::ExtensionArray&>(array).storage()),
        bytes_(make_nullable_bytes(*storage_)) {}
  void append_value(int64_t row, std::string& bytes) const override {
    bytes_->append_value(row, bytes);
  }

 private:
  const std::shared_ptr<arrow::Array> storage_;
  const std::unique_ptr<NullableBytes> bytes_;
};

std::unique_ptr<NullableBytes> make_nullable_bytes(const arrow::Array& array) {
  const arrow::DataType& type = *array.type();
  switch (type.id()) {
    case arrow::Type::NA:
      return std::make_unique<NullBytes>(array);
    case arrow::Type::BOOL:
      return std::make_unique<BoolBytes>(array);
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return std::make_unique<BinaryBytes<arrow::BinaryArray>>(array);
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return std::make_unique<BinaryBytes<arrow::LargeBinaryArray>>(array);
    case arrow::Type::STRING_VIEW:
    case arrow::Type::BINARY_VIEW:
      return std::make_unique<BinaryBytes<arrow::BinaryViewArray>>(array);
    case arrow::Type::LIST:
    case arrow::Type::MAP:
      return std::make_unique<ListBytes<arrow::ListArray>>(array);
    case arrow::Type::LARGE_LIST:
      return std::make_unique<ListBytes<arrow::LargeListArray>>(array);
    case arrow::Type::FIXED_SIZE_LIST:
      return std::make_unique<ListBytes<arrow::FixedSizeListArray>>(array);
    case arrow::Type::STRUCT:
      return std::make_unique<StructBytes>(array);
    case arrow::Type::DICTIONARY:
      return std::make_unique<DictionaryBytes>(array);
    case arrow::Type::EXTENSION:
      return std::make_unique<ExtensionBytes>(array);
    default:
      ONEFOLD_CHECK(arrow::is_fixed_width(type), "no row bytes for type " + type.ToString());
      return std::make_unique<FixedBytes>(array, type.byte_width());
  }
}

}  // namespace

bool has_row_bytes(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::SPARSE_UNION:
    case arrow::Type::DENSE_UNION:
    case arrow::Type::RUN_END_ENCODED:
    case arrow::Type::LIST_VIEW:
    case arrow::Type::LARGE_LIST_VIEW:
      return false;
    case arrow::Type::DICTIONARY:
      return has_row_bytes(*static_cast<const arrow::DictionaryType&>(type).value_type());
    case arrow::Type::EXTENSION:
      return has_row_bytes(*static_cast<const arrow::ExtensionType&>(type).storage_type());
    default:
      for (const auto& child : type.fields()) {
        if (!has_row_bytes(*child->type())) return false;
      }
      return true;
  }
}

std::unique_ptr<RowBytes> make_row_bytes(const arrow::Array& array) {
  return make_nullable_bytes(array);
}

}  // namespace onefold
