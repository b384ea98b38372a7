// SPDX-License-Identifier: Apache-2.0
#include "onefold/dataset/cut_lists.h"

#include <algorithm>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/chunked_array.h>
#include <arrow/compute/api_vector.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include "onefold/log/arrow_status.h"
#include "onefold/table/arrow_lists.h"

namespace onefold {
namespace {

// Of a chunk, so that its 32-bit offsets do not overflow; one list more may begin below it.
constexpr int64_t kValuesAtOnce = 64 << 20;

// Collects the lists of a chunk: where their values are in the payload's.
class ChunkOfLists {
 public:
  explicit ChunkOfLists(std::shared_ptr<arrow::DataType> type)
      : type_(std::move(type)),
        fixed_size_(type_->id() == arrow::Type::FIXED_SIZE_LIST
                        ? static_cast<const arrow::FixedSizeListType&>(*type_).list_size()
                        : -1) {}

  int64_t fixed_size() const { return fixed_size_; }  // -1: any
  int64_t num_values() const { return indices_.length(); }

  arrow::Status append(int64_t begin, int64_t size) {
    ARROW_RETURN_NOT_OK(valid_.Append(true));
    ARROW_RETURN_NOT_OK(indices_.Reserve(size));
    for (int64_t i = 0; i < size; ++i) indices_.UnsafeAppend(begin + i);
    offsets_.push_back(indices_.length());
    return {};
  }

  arrow::Status append_null() {
    ARROW_RETURN_NOT_OK(valid_.Append(false));
    // A fixed size has room for its nulls, too.
    ARROW_RETURN_NOT_OK(indices_.AppendNulls(std::max<int64_t>(fixed_size_, 0)));
    offsets_.push_back(indices_.length());
    return {};
  }

  // The lists, and begins anew.
  arrow::Result<std::shared_ptr<arrow::Array>> finish(const arrow::Array& payload_values) {
    const auto num_rows = static_cast<int64_t>(offsets_.size()) - 1;
    ARROW_ASSIGN_OR_RAISE(const auto indices, indices_.Finish());
    ARROW_ASSIGN_OR_RAISE(auto values, arrow::compute::Take(payload_values, *indices));
    std::shared_ptr<arrow::Buffer> validity;
    if (valid_.false_count() > 0) {
      ARROW_ASSIGN_OR_RAISE(validity, valid_.Finish());
    }
    valid_.Reset();
    const std::vector<int64_t> offsets = std::exchange(offsets_, {0});
    if (fixed_size_ >= 0) {
      return std::make_shared<arrow::FixedSizeListArray>(type_, num_rows, values, validity);
    }
    if (type_->id() == arrow::Type::LARGE_LIST) {
      return std::make_shared<arrow::LargeListArray>(
          type_, num_rows, arrow::Buffer::FromVector(offsets), values, validity);
    }
    const std::vector<int32_t> narrow(offsets.begin(), offsets.end());
    return std::make_shared<arrow::ListArray>(type_, num_rows, arrow::Buffer::FromVector(narrow),
                                              values, validity);
  }

 private:
  const std::shared_ptr<arrow::DataType> type_;
  const int64_t fixed_size_;
  arrow::Int64Builder indices_;
  arrow::TypedBufferBuilder<bool> valid_;
  std::vector<int64_t> offsets_ = {0};
};

}  // namespace

Result<std::shared_ptr<arrow::ChunkedArray>> cut_lists(const arrow::ChunkedArray& payload,
                                                       const SampleRefs& refs,
                                                       const std::shared_ptr<arrow::DataType>& type,
                                                       const std::string& where) {
  if (!ArrowLists::holds(*payload.type()) || !ArrowLists::holds(*type) ||
      !payload.type()->field(0)->type()->Equals(*type->field(0)->type())) {
    return schema_error(fmt::format("{}: {} cannot be cut from {}", where, type->ToString(),
                                    payload.type()->ToString()));
  }
  ONEFOLD_ASSIGN_OR_RETURN(const auto array, one_array(payload, where));
  const ArrowLists lists(*array);
  ChunkOfLists chunk(type);
  arrow::ArrayVector chunks;
  for (size_t i = 0; i < refs.rows.size(); ++i) {
    const int64_t row = refs.rows[i], size = lists.size(row);
    const int64_t start = std::min(refs.starts[i], size);
    const int64_t length = std::min(refs.lengths[i], size - start);
    const bool is_null = lists.is_null(row);
    if (!is_null && chunk.fixed_size() >= 0 && length != chunk.fixed_size()) {
      return data_loss(fmt::format("{}: sample {} has {} values, and each has {} of them", where, i,
                                   length, chunk.fixed_size()));
    }
    ONEFOLD_RETURN_IF_ARROW_ERROR(
        is_null ? chunk.append_null() : chunk.append(lists.begin(row) + start, length), where);
    if (chunk.num_values() < kValuesAtOnce) continue;
    std::shared_ptr<arrow::Array> cut;
    ONEFOLD_ASSIGN_OR_RETURN_ARROW(cut, chunk.finish(*lists.values()), where);
    chunks.push_back(std::move(cut));
  }
  std::shared_ptr<arrow::Array> cut;
  ONEFOLD_ASSIGN_OR_RETURN_ARROW(cut, chunk.finish(*lists.values()), where);
  chunks.push_back(std::move(cut));
  return std::make_shared<arrow::ChunkedArray>(std::move(chunks), type);
}

}  // namespace onefold
