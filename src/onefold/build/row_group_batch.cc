// SPDX-License-Identifier: Apache-2.0
#include "onefold/build/row_group_batch.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "onefold/jagged/fold.h"

namespace onefold {
namespace {

bool is_user(const FeatureSpec& feature) { return feature.scope == FeatureScope::kUser; }

// Index of `name` among `features`.
int64_t position_of(const std::string& name, const std::vector<FeatureSpec>& features) {
  const auto it = std::find_if(features.begin(), features.end(),
                               [&](const FeatureSpec& feature) { return feature.name == name; });
  ONEFOLD_CHECK(it != features.end(), "feature '" + name + "' is not in the schema");
  return it - features.begin();
}

template <typename T>
Result<JaggedColumn> gather_rows(const FeatureSpec& feature,
                                 const std::vector<const JaggedColumn*>& columns,
                                 std::span<const RowRef> refs) {
  int64_t num_values = 0;
  for (size_t i = 0; i < refs.size(); ++i) num_values += length(*columns[i], refs[i].row);
  if (num_values > std::numeric_limits<int32_t>::max()) {
    return invalid_argument(
        fmt::format("feature '{}' has {} values in one row group, more than 2^31 - 1; ask for "
                    "smaller row groups",
                    feature.name, num_values));
  }
  JaggedTensor<T> rows;
  rows.reserve(static_cast<int64_t>(refs.size()), num_values);
  for (size_t i = 0; i < refs.size(); ++i) {
    rows.push_row(std::get<JaggedTensor<T>>(*columns[i]).row(refs[i].row));
  }
  return JaggedColumn(std::move(rows));
}

}  // namespace

RowGroupBuilder::RowGroupBuilder(const Schema& schema) : label_names_(schema.label_names()) {
  auto sources = [&](const std::vector<FeatureSpec>& features) {
    std::vector<Source> found;
    for (const FeatureSpec& feature : features) {
      const auto all = feature.kind == FeatureKind::kDense ? dense_features(schema, feature.scope)
                                                           : jagged_features(schema, feature.scope);
      found.push_back({feature, position_of(feature.name, all)});
    }
    return found;
  };
  dense_ = sources(schema.dense_features());
  sample_features_ = sources(schema.sample_features());
  for (const std::string& group : schema.groups()) {
    groups_.emplace_back(group, sources(schema.group_features(group)));
  }
}

Result<Batch> RowGroupBuilder::build(const SampleRows& rows) const {
  Batch batch;
  fill_keys(rows, batch);
  fill_dense(rows, batch);
  batch.labels = {.names = label_names_, .values = rows.labels};
  ONEFOLD_ASSIGN_OR_RETURN(batch.features, gather(sample_features_, rows, /*per_request=*/false));
  for (const auto& [name, sources] : groups_) {
    ONEFOLD_ASSIGN_OR_RETURN(auto features, fold_group(sources, rows));
    batch.groups.push_back({name, std::move(features)});
  }
  return batch;
}

void RowGroupBuilder::fill_keys(const SampleRows& rows, Batch& batch) const {
  for (size_t i = 0; i < rows.candidates.size(); ++i) {
    const RowRef& request = rows.requests[rows.request_of[i]];
    batch.session_id.push_back(rows.session_id(request));
    batch.user_id.push_back(rows.user_id(request));
    batch.request_id.push_back(rows.request_id(request));
    batch.time_us.push_back(rows.time_us(request));
    batch.item_id.push_back(rows.block(rows.candidates[i]).item_id[rows.candidates[i].row]);
  }
}

void RowGroupBuilder::fill_dense(const SampleRows& rows, Batch& batch) const {
  for (const Source& source : dense_) batch.dense.names.push_back(source.feature.name);
  batch.dense.values.reserve(rows.candidates.size() * dense_.size());
  for (size_t i = 0; i < rows.candidates.size(); ++i) {
    for (const Source& source : dense_) {
      const RowRef& ref =
          is_user(source.feature) ? rows.requests[rows.request_of[i]] : rows.candidates[i];
      const FeatureRecords& block = rows.block(ref);
      const DenseColumns& columns = is_user(source.feature) ? block.user_dense : block.item_dense;
      batch.dense.values.push_back(columns.values[ref.row * columns.names.size() + source.column]);
    }
  }
}

Result<KeyedJaggedTensor> RowGroupBuilder::gather(const std::vector<Source>& sources,
                                                  const SampleRows& rows, bool per_request) const {
  const size_t num_rows = per_request ? rows.requests.size() : rows.candidates.size();
  KeyedJaggedTensor gathered(static_cast<int64_t>(num_rows));
  std::vector<RowRef> refs(num_rows);
  std::vector<const JaggedColumn*> columns(num_rows);  // of each row
  for (const Source& source : sources) {
    ONEFOLD_CHECK(!per_request || is_user(source.feature), "an item feature has no request row");
    for (size_t i = 0; i < num_rows; ++i) {
      refs[i] = per_request               ? rows.requests[i]
                : is_user(source.feature) ? rows.requests[rows.request_of[i]]
                                          : rows.candidates[i];
      const FeatureRecords& block = rows.block(refs[i]);
      columns[i] = &(is_user(source.feature) ? block.user_features : block.item_features)
                        .column(source.column);
    }
    const bool is_float = source.feature.kind == FeatureKind::kFloatList;
    ONEFOLD_ASSIGN_OR_RETURN(JaggedColumn column,
                             is_float ? gather_rows<float>(source.feature, columns, refs)
                                      : gather_rows<int64_t>(source.feature, columns, refs));
    gathered.add(source.feature.name, std::move(column));
  }
  return gathered;
}

Result<InverseKeyedJaggedTensor> RowGroupBuilder::fold_group(const std::vector<Source>& sources,
                                                             const SampleRows& rows) const {
  const bool per_request = std::all_of(sources.begin(), sources.end(),
                                       [](const Source& s) { return is_user(s.feature); });
  ONEFOLD_ASSIGN_OR_RETURN(const KeyedJaggedTensor all, gather(sources, rows, per_request));
  InverseKeyedJaggedTensor folded = fold(all);
  if (!per_request) return folded;
  // Every request has a sample, so first-seen order over requests is first-seen order over samples.
  std::vector<int32_t> inverse;
  inverse.reserve(rows.request_of.size());
  for (const int32_t request : rows.request_of) {
    inverse.push_back(folded.inverse_indices()[request]);
  }
  return InverseKeyedJaggedTensor::make(std::move(folded.mutable_unique()), std::move(inverse));
}

}  // namespace onefold
