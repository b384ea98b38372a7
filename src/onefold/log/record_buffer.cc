// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/record_buffer.h"

#include <utility>

namespace onefold {
namespace {

constexpr int64_t kRequestKeyBytes = 4 * sizeof(int64_t) + sizeof(int32_t);
constexpr int64_t kEventBytes = 5 * sizeof(int64_t) + sizeof(float) + sizeof(int32_t);

// Appends rows [begin, end) of `from` to `to` and returns their bytes.
int64_t append_rows(JaggedColumn& to, const JaggedColumn& from, int64_t begin, int64_t end) {
  return std::visit(
      [&](auto& tensor) {
        using Tensor = std::decay_t<decltype(tensor)>;
        const Tensor& source = std::get<Tensor>(from);
        for (int64_t row = begin; row < end; ++row) tensor.push_row(source.row(row));
        const int64_t num_values = source.offsets()[end] - source.offsets()[begin];
        return num_values * static_cast<int64_t>(sizeof(tensor.values()[0])) +
               (end - begin) * static_cast<int64_t>(sizeof(int32_t));
      },
      to);
}

int64_t append_rows(DenseColumns& to, const DenseColumns& from, int64_t begin, int64_t end) {
  const int64_t width = static_cast<int64_t>(from.names.size());
  to.values.insert(to.values.end(), from.values.begin() + begin * width,
                   from.values.begin() + end * width);
  return (end - begin) * width * static_cast<int64_t>(sizeof(float));
}

std::vector<JaggedColumn> empty_columns(const std::vector<FeatureSpec>& features) {
  std::vector<JaggedColumn> columns;
  for (const FeatureSpec& feature : features) columns.push_back(empty_column(feature.kind));
  return columns;
}

}  // namespace

FeatureBuffer::FeatureBuffer(const Schema& schema)
    : user_specs_(jagged_features(schema, FeatureScope::kUser)),
      item_specs_(jagged_features(schema, FeatureScope::kItem)),
      empty_(empty_feature_records(schema)) {
  reset();
}

void FeatureBuffer::reset() {
  records_ = empty_;
  user_columns_ = empty_columns(user_specs_);
  item_columns_ = empty_columns(item_specs_);
  bytes_ = 0;
}

void FeatureBuffer::append(const FeatureRecords& from, int64_t row) {
  records_.session_id.push_back(from.session_id[row]);
  records_.user_id.push_back(from.user_id[row]);
  records_.request_id.push_back(from.request_id[row]);
  records_.time_us.push_back(from.time_us[row]);
  bytes_ += kRequestKeyBytes;
  bytes_ += append_rows(records_.user_dense, from.user_dense, row, row + 1);
  for (size_t f = 0; f < user_columns_.size(); ++f) {
    bytes_ += append_rows(user_columns_[f], from.user_features.column(f), row, row + 1);
  }
  const int32_t begin = from.candidate_offsets[row], end = from.candidate_offsets[row + 1];
  records_.item_id.insert(records_.item_id.end(), from.item_id.begin() + begin,
                          from.item_id.begin() + end);
  records_.candidate_offsets.push_back(static_cast<int32_t>(records_.item_id.size()));
  bytes_ += (end - begin) * static_cast<int64_t>(sizeof(int64_t));
  bytes_ += append_rows(records_.item_dense, from.item_dense, begin, end);
  for (size_t f = 0; f < item_columns_.size(); ++f) {
    bytes_ += append_rows(item_columns_[f], from.item_features.column(f), begin, end);
  }
}

FeatureRecords FeatureBuffer::take() {
  FeatureRecords taken = std::move(records_);
  taken.user_features = keyed(user_specs_, taken.num_requests(), std::move(user_columns_));
  taken.item_features = keyed(item_specs_, taken.num_candidates(), std::move(item_columns_));
  reset();
  return taken;
}

void EventBuffer::append(const EventRecords& from, int64_t row) {
  records_.session_id.push_back(from.session_id[row]);
  records_.user_id.push_back(from.user_id[row]);
  records_.request_id.push_back(from.request_id[row]);
  records_.item_id.push_back(from.item_id[row]);
  records_.time_us.push_back(from.time_us[row]);
  records_.action.push_back(from.action[row]);
  records_.value.push_back(from.value[row]);
  bytes_ += kEventBytes + static_cast<int64_t>(from.action[row].size());
}

EventRecords EventBuffer::take() {
  bytes_ = 0;
  return std::exchange(records_, {});
}

}  // namespace onefold
