// SPDX-License-Identifier: Apache-2.0
#include "onefold/table/list_reader.h"

#include <cstring>
#include <limits>

#include <parquet/column_page.h>
#include <parquet/column_reader.h>
#include <parquet/encoding.h>
#include <parquet/exception.h>
#include <parquet/level_conversion.h>

#include "onefold/table/level_bits.h"

namespace onefold {
namespace {

using parquet::ParquetException;

template <typename T>
using ParquetType =
    std::conditional_t<std::is_same_v<T, float>, parquet::FloatType, parquet::Int64Type>;

// The values of one column chunk, page by page, whatever each page's encoding.
template <typename T>
class ValueDecoder {
 public:
  explicit ValueDecoder(const parquet::ColumnDescriptor* descriptor) : descriptor_(descriptor) {}

  void set_dictionary(const parquet::DictionaryPage& page) {
    auto plain = parquet::MakeTypedDecoder<ParquetType<T>>(parquet::Encoding::PLAIN, descriptor_);
    plain->SetData(page.num_values(), page.data(), page.size());
    dictionary_ = parquet::MakeDictDecoder<ParquetType<T>>(descriptor_);
    dictionary_->SetDict(plain.get());
  }

  void decode(parquet::Encoding::type encoding, std::span<const uint8_t> data, int count, T* out) {
    if (count == 0) return;
    if (encoding == parquet::Encoding::PLAIN) return copy_plain(data, count, out);
    parquet::TypedDecoder<ParquetType<T>>& decoder = decoder_for(encoding);
    decoder.SetData(count, data.data(), static_cast<int>(data.size()));
    if (decoder.Decode(out, count) != count)
      throw ParquetException("a page ends before its values");
  }

 private:
  static void copy_plain(std::span<const uint8_t> data, int count, T* out) {
    if (data.size() < count * sizeof(T)) throw ParquetException("a page ends before its values");
    std::memcpy(out, data.data(), count * sizeof(T));
  }

  parquet::TypedDecoder<ParquetType<T>>& decoder_for(parquet::Encoding::type encoding) {
    if (encoding == parquet::Encoding::RLE_DICTIONARY ||
        encoding == parquet::Encoding::PLAIN_DICTIONARY) {
      if (!dictionary_) throw ParquetException("a dictionary encoded page without a dictionary");
      return *dictionary_;
    }
    if (!other_ || other_->encoding() != encoding) {
      other_ = parquet::MakeTypedDecoder<ParquetType<T>>(encoding, descriptor_);
    }
    return *other_;
  }

  const parquet::ColumnDescriptor* descriptor_;
  std::unique_ptr<parquet::DictDecoder<ParquetType<T>>> dictionary_;
  std::unique_ptr<parquet::TypedDecoder<ParquetType<T>>> other_;
};

// A data page cut into its three sections.
struct PageSections {
  std::span<const uint8_t> repetition, definition, values;
};

std::span<const uint8_t> take(std::span<const uint8_t>& from, size_t size) {
  if (size > from.size()) throw ParquetException("a page ends inside its levels");
  const auto taken = from.first(size);
  from = from.subspan(size);
  return taken;
}

// Levels of a version 1 page follow a 4-byte length.
std::span<const uint8_t> take_prefixed(std::span<const uint8_t>& from) {
  uint32_t size = 0;
  std::memcpy(&size, take(from, sizeof(size)).data(), sizeof(size));
  return take(from, size);
}

PageSections sections_of(const parquet::DataPage& page) {
  std::span<const uint8_t> rest(page.data(), page.size());
  PageSections sections;
  if (page.type() == parquet::PageType::DATA_PAGE) {
    const auto& v1 = static_cast<const parquet::DataPageV1&>(page);
    if (v1.repetition_level_encoding() != parquet::Encoding::RLE ||
        v1.definition_level_encoding() != parquet::Encoding::RLE) {
      throw ParquetException("levels are not RLE encoded");
    }
    sections.repetition = take_prefixed(rest);
    sections.definition = take_prefixed(rest);
  } else {
    const auto& v2 = static_cast<const parquet::DataPageV2&>(page);
    if (v2.repetition_levels_byte_length() < 0 || v2.definition_levels_byte_length() < 0) {
      throw ParquetException("a page has levels of negative size");
    }
    sections.repetition = take(rest, v2.repetition_levels_byte_length());
    sections.definition = take(rest, v2.definition_levels_byte_length());
  }
  sections.values = rest;
  return sections;
}

template <typename T>
JaggedTensor<T> to_jagged(std::vector<T> values, std::vector<int32_t> offsets) {
  auto rows = JaggedTensor<T>::make(std::move(values), std::move(offsets));
  if (!rows.ok()) throw ParquetException(rows.status().message());
  return *std::move(rows);
}

// Page headers have no checksum; a page that claims fewer entries than it has would lose the end of
// its last row unseen.
void check_entries(int64_t num_entries, const parquet::ColumnChunkMetaData& chunk) {
  if (num_entries == chunk.num_values()) return;
  throw ParquetException("pages have ", num_entries, " entries, the footer says ",
                         chunk.num_values());
}

// HasNext() says no at a page of zero values, which the library's own writer leaves now and then
// (26.0: a row longer than a dictionary page); the page after it needs another call.
bool has_next(parquet::ColumnReader& reader) { return reader.HasNext() || reader.HasNext(); }

// Required lists of required elements, as this program writes them.
template <typename T>
JaggedTensor<T> read_required_lists(parquet::RowGroupReader& row_group, int column,
                                    int64_t num_rows) {
  const auto chunk = row_group.metadata()->ColumnChunk(column);
  auto pages = row_group.GetColumnPageReader(column);
  ValueDecoder<T> decoder(row_group.metadata()->schema()->Column(column));
  LevelBits repetition, definition;
  std::vector<T> values;
  while (auto page = pages->NextPage()) {
    if (page->type() == parquet::PageType::DICTIONARY_PAGE) {
      decoder.set_dictionary(static_cast<const parquet::DictionaryPage&>(*page));
      continue;
    }
    if (page->type() != parquet::PageType::DATA_PAGE &&
        page->type() != parquet::PageType::DATA_PAGE_V2) {
      continue;  // index pages and what later versions may add
    }
    const auto& data = static_cast<const parquet::DataPage&>(*page);
    const int64_t begin = definition.size();
    if (data.num_values() < 0 || data.num_values() > chunk->num_values() - begin) {
      throw ParquetException("pages have more entries than the footer says");
    }
    const PageSections sections = sections_of(data);
    repetition.append(sections.repetition, data.num_values());
    definition.append(sections.definition, data.num_values());
    const int64_t count = definition.count_ones(begin, definition.size());
    const size_t old_size = values.size();
    // The chunk's entries bound its values, and with few empty rows they are as many. A damaged
    // footer may claim any number, so larger columns than this grow as they come.
    if (old_size == 0) values.reserve(std::min<int64_t>(chunk->num_values(), int64_t{1} << 26));
    values.resize(old_size + count);
    decoder.decode(data.encoding(), sections.values, static_cast<int>(count),
                   values.data() + old_size);
  }
  check_entries(repetition.size(), *chunk);
  return to_jagged(std::move(values), offsets_from_levels(repetition, definition, num_rows));
}

}  // namespace

template <typename T>
JaggedTensor<T> read_lists(parquet::RowGroupReader& row_group, int column, int64_t num_rows) {
  const auto* descriptor = row_group.metadata()->schema()->Column(column);
  if (descriptor->max_repetition_level() == 1 && descriptor->max_definition_level() == 1) {
    return read_required_lists<T>(row_group, column, num_rows);
  }
  return read_nullable_lists<T>(row_group, column, num_rows);
}

template <typename T>
JaggedTensor<T> read_nullable_lists(parquet::RowGroupReader& row_group, int column,
                                    int64_t num_rows) {
  constexpr int64_t kEntries = 64 << 10;
  auto reader = std::static_pointer_cast<parquet::TypedColumnReader<ParquetType<T>>>(
      row_group.Column(column));
  const auto level = parquet::internal::LevelInfo::ComputeLevelInfo(reader->descr());
  std::vector<int16_t> definition(kEntries), repetition(kEntries);
  std::vector<T> values;
  std::vector<int32_t> offsets;
  int64_t num_values = 0, num_entries = 0;
  while (has_next(*reader)) {
    values.resize(num_values + kEntries);
    int64_t values_read = 0;
    const int64_t entries = reader->ReadBatch(kEntries, definition.data(), repetition.data(),
                                              values.data() + num_values, &values_read);
    if (entries == 0) throw ParquetException("a column chunk ends before its values");
    int64_t position = num_values;
    for (int64_t i = 0; i < entries; ++i) {
      if (repetition[i] == 0) offsets.push_back(static_cast<int32_t>(position));
      if (definition[i] == level.def_level) {
        ++position;
      } else if (definition[i] >= level.repeated_ancestor_def_level) {
        throw ParquetException("a null inside a list; only whole lists may be null");
      }
    }
    num_entries += entries;
    num_values += values_read;
    if (position != num_values) throw ParquetException("levels contradict the values");
    if (num_values > std::numeric_limits<int32_t>::max()) {
      throw ParquetException("a row group has more than 2^31 - 1 values");
    }
  }
  check_entries(num_entries, *row_group.metadata()->ColumnChunk(column));
  if (static_cast<int64_t>(offsets.size()) != num_rows) {
    throw ParquetException("a column has ", offsets.size(), " rows, expected ", num_rows);
  }
  values.resize(num_values);
  offsets.push_back(static_cast<int32_t>(num_values));
  return to_jagged(std::move(values), std::move(offsets));
}

template JaggedTensor<int64_t> read_lists(parquet::RowGroupReader&, int, int64_t);
template JaggedTensor<float> read_lists(parquet::RowGroupReader&, int, int64_t);
template JaggedTensor<int64_t> read_nullable_lists(parquet::RowGroupReader&, int, int64_t);
template JaggedTensor<float> read_nullable_lists(parquet::RowGroupReader&, int, int64_t);

}  // namespace onefold
