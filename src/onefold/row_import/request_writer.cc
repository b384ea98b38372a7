// SPDX-License-Identifier: Apache-2.0
#include "onefold/row_import/request_writer.h"

#include <array>
#include <cmath>
#include <limits>

#include "onefold/base/hash.h"

namespace onefold {
namespace {

// Requests held before they are appended.
constexpr int64_t kChunkRequests = 256;

// Which of the schema's features are of `scope`, dense ones apart.
void split_features(const Schema& schema, FeatureScope scope, std::vector<size_t>* dense,
                    std::vector<size_t>* jagged) {
  for (size_t i = 0; i < schema.features.size(); ++i) {
    if (schema.features[i].scope != scope) continue;
    (schema.features[i].kind == FeatureKind::kDense ? dense : jagged)->push_back(i);
  }
}

std::vector<JaggedColumn> empty_columns(const Schema& schema, const std::vector<size_t>& features) {
  std::vector<JaggedColumn> columns;
  for (size_t feature : features) columns.push_back(empty_column(schema.features[feature].kind));
  return columns;
}

void push_features(const Row& row, const std::vector<size_t>& dense,
                   const std::vector<size_t>& jagged, std::vector<float>* dense_values,
                   std::vector<JaggedColumn>* columns) {
  for (size_t feature : dense) dense_values->push_back(row.features[feature].floats.front());
  for (size_t i = 0; i < jagged.size(); ++i) {
    const FeatureValue& value = row.features[jagged[i]];
    if (auto* ids = std::get_if<JaggedTensor<int64_t>>(&(*columns)[i])) {
      ids->push_row(value.ids);
    } else {
      std::get<JaggedTensor<float>>((*columns)[i]).push_row(value.floats);
    }
  }
}

}  // namespace

RequestWriter::RequestWriter(Schema schema, const RowMapping& mapping, LogWriter& writer,
                             RowCounts* counts)
    : schema_(std::move(schema)), mapping_(mapping), writer_(writer), counts_(counts) {
  split_features(schema_, FeatureScope::kUser, &user_dense_, &user_jagged_);
  split_features(schema_, FeatureScope::kItem, &item_dense_, &item_jagged_);
  records_ = empty_feature_records(schema_);
  user_columns_ = empty_columns(schema_, user_jagged_);
  item_columns_ = empty_columns(schema_, item_jagged_);
}

int64_t RequestWriter::key_of(const Row& row) const {
  if (mapping_.request.given()) return row.request;
  const std::array key = {row.user, row.time_us};
  return static_cast<int64_t>(hash64(key.data(), sizeof(key)));
}

int64_t RequestWriter::session_of(const Row& row) {
  if (mapping_.session.given()) return row.session;
  const auto [entry, is_new] = sessions_.try_emplace(row.user);
  Session& session = entry->second;
  // Going back in time by more than the gap starts a session, too.
  const double idle =
      std::abs(static_cast<double>(row.time_us) - static_cast<double>(session.last_us));
  if (is_new || idle > static_cast<double>(mapping_.gap_us)) session.id = ++num_sessions_;
  session.last_us = row.time_us;
  return session.id;
}

bool RequestWriter::differs(const Row& row) const {
  const Row& first = open_->first;
  if (row.time_us != first.time_us || row.session != first.session) return true;
  for (const auto* features : {&user_dense_, &user_jagged_}) {
    for (size_t feature : *features) {
      if (!(row.features[feature] == first.features[feature])) return true;
    }
  }
  return false;
}

Result<LeftOut> RequestWriter::add(Row&& row) {
  const int64_t key = key_of(row);
  if (!open_ || open_->key != key) {
    if (!seen_.insert(key).second) {
      return LeftOut{"not_adjacent",
                     "its request was closed by rows of another one; sort the rows so that those "
                     "of one request follow each other"};
    }
    ONEFOLD_RETURN_IF_ERROR(open_request(std::move(row), key));
    return LeftOut();
  }
  if (row.user != open_->first.user) {
    return LeftOut{"other_user", "its request has rows of another user"};
  }
  if (!open_->items.insert(row.item).second) {
    return LeftOut{"duplicate", "item " + std::to_string(row.item) + " is in its request already"};
  }
  counts_->differing_rows += differs(row);
  add_candidate(row);
  return LeftOut();
}

Status RequestWriter::open_request(Row&& row, int64_t key) {
  if (records_.num_requests() >= kChunkRequests) ONEFOLD_RETURN_IF_ERROR(flush());
  ++counts_->requests;
  const int64_t request_id = mapping_.request.given() ? row.request : counts_->requests;
  const int64_t session_id = session_of(row);
  records_.session_id.push_back(session_id);
  records_.user_id.push_back(row.user);
  records_.request_id.push_back(request_id);
  records_.time_us.push_back(row.time_us);
  records_.candidate_offsets.push_back(records_.candidate_offsets.back());
  push_features(row, user_dense_, user_jagged_, &records_.user_dense.values, &user_columns_);
  open_.emplace(Open{std::move(row), key, request_id, session_id});
  open_->items.insert(open_->first.item);
  add_candidate(open_->first);
  return {};
}

void RequestWriter::add_candidate(const Row& row) {
  ++counts_->candidates;
  records_.item_id.push_back(row.item);
  records_.candidate_offsets.back() = static_cast<int32_t>(records_.item_id.size());
  push_features(row, item_dense_, item_jagged_, &records_.item_dense.values, &item_columns_);
  for (size_t i = 0; i < mapping_.labels.size(); ++i) {
    const LabelColumn& label = mapping_.labels[i];
    // A label without an event is 0.
    if (std::isnan(row.labels[i]) || row.labels[i] == 0) continue;
    events_.session_id.push_back(open_->session_id);
    events_.user_id.push_back(row.user);
    events_.request_id.push_back(open_->request_id);
    events_.item_id.push_back(row.item);
    events_.time_us.push_back(open_->first.time_us);
    events_.action.push_back(label.name);
    events_.value.push_back(label.value ? row.labels[i] : std::numeric_limits<float>::quiet_NaN());
    ++counts_->events;
  }
}

Status RequestWriter::flush() {
  records_.user_features = keyed(jagged_features(schema_, FeatureScope::kUser),
                                 records_.num_requests(), std::move(user_columns_));
  records_.item_features = keyed(jagged_features(schema_, FeatureScope::kItem),
                                 records_.num_candidates(), std::move(item_columns_));
  ONEFOLD_RETURN_IF_ERROR(writer_.append(records_));
  ONEFOLD_RETURN_IF_ERROR(writer_.append(events_));
  records_ = empty_feature_records(schema_);
  user_columns_ = empty_columns(schema_, user_jagged_);
  item_columns_ = empty_columns(schema_, item_jagged_);
  events_ = {};
  return {};
}

Status RequestWriter::finish() { return flush(); }

}  // namespace onefold
