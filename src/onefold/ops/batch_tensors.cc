// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/batch_tensors.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include "onefold/ops/int32_tensor.h"

namespace onefold {
namespace {

at::Tensor int64_tensor(std::span<const int64_t> values) {
  at::Tensor tensor = at::empty({static_cast<int64_t>(values.size())}, at::kLong);
  if (!values.empty()) std::memcpy(tensor.mutable_data_ptr(), values.data(), values.size_bytes());
  return tensor;
}

float signed_log1p(float value) { return std::copysign(std::log1p(std::fabs(value)), value); }
float nan_to_zero(float value) { return std::isnan(value) ? 0.0f : value; }

// The named columns of `columns`, in the order of `names`: [B, names.size()].
Result<at::Tensor> pick(const DenseColumns& columns, const std::vector<std::string>& names,
                        int64_t num_samples, const char* what) {
  const auto width = static_cast<int64_t>(columns.names.size());
  at::Tensor picked = at::empty({num_samples, static_cast<int64_t>(names.size())}, at::kFloat);
  float* to = picked.mutable_data_ptr<float>();
  for (size_t f = 0; f < names.size(); ++f) {
    const auto found = std::find(columns.names.begin(), columns.names.end(), names[f]);
    if (found == columns.names.end()) {
      return schema_error(fmt::format("the batch has no {} '{}'", what, names[f]));
    }
    const float* from = columns.values.data() + (found - columns.names.begin());
    for (int64_t i = 0; i < num_samples; ++i) to[i * names.size() + f] = from[i * width];
  }
  return picked;
}

// Where a jagged feature lives: its column and its group.
struct Found {
  const JaggedColumn* column = nullptr;
  int group = -1;
  const RowWindows* windows = nullptr;  // of a windowed group
};

Found find_feature(const Batch& batch, const std::string& name) {
  if (batch.features.has(name)) return {&batch.features.column(name), -1};
  for (size_t g = 0; g < batch.groups.size(); ++g) {
    const InverseKeyedJaggedTensor& features = batch.groups[g].features;
    if (!features.payload().has(name)) continue;
    return {&features.payload().column(name), static_cast<int>(g),
            features.is_windowed() ? &features.windows() : nullptr};
  }
  return {};
}

// `Rows` is a JaggedIndex or JaggedFloats: its offsets, and its windows if there are any.
template <typename Rows>
void set_rows(const Found& found, const std::vector<int32_t>& offsets, Rows& rows) {
  rows.group = found.group;
  if (found.windows == nullptr) {
    rows.offsets = int32_tensor(offsets);
    return;
  }
  rows.windows =
      std::make_shared<const PayloadWindows>(make_payload_windows(*found.windows, offsets));
  rows.offsets = rows.windows->offsets;
}

Result<JaggedFloats> float_list(const Batch& batch, const std::string& name) {
  const Found found = find_feature(batch, name);
  const auto* lists =
      found.column == nullptr ? nullptr : std::get_if<JaggedTensor<float>>(found.column);
  if (lists == nullptr) return schema_error(fmt::format("the batch has no float list '{}'", name));
  JaggedFloats floats;
  floats.values = at::empty({lists->num_values()}, at::kFloat);
  set_rows(found, lists->offsets(), floats);
  float* to = floats.values.mutable_data_ptr<float>();
  for (float value : lists->values()) *to++ = signed_log1p(nan_to_zero(value));
  return floats;
}

Result<EmbeddingWords> embedding_words(const Batch& batch, const TensorPlan::Embedding& plan) {
  const Found found = find_feature(batch, plan.feature);
  const auto* lists =
      found.column == nullptr ? nullptr : std::get_if<JaggedTensor<int64_t>>(found.column);
  if (lists == nullptr || found.group < 0) {
    return schema_error(fmt::format("the batch has no group with embedding '{}'", plan.feature));
  }
  if (found.windows != nullptr) {
    return schema_error(fmt::format("embedding '{}' is in a windowed group", plan.feature));
  }
  EmbeddingWords embedding{found.group, at::zeros({lists->num_rows(), plan.num_words}, at::kLong),
                           at::empty({lists->num_rows()}, at::kBool)};
  int64_t* to = embedding.words.mutable_data_ptr<int64_t>();
  for (int64_t row = 0; row < lists->num_rows(); ++row, to += plan.num_words) {
    const auto words = lists->row(row);
    embedding.is_empty.mutable_data_ptr<bool>()[row] = words.empty();
    if (words.empty()) continue;
    if (static_cast<int64_t>(words.size()) != plan.num_words) {
      return schema_error(fmt::format(
          "an embedding '{}' has {} words, the model expects {}: it is of another shape or format",
          plan.feature, words.size(), plan.num_words));
    }
    std::copy(words.begin(), words.end(), to);
  }
  return embedding;
}

// Checks labels [B, T], and takes the logarithm of the values among them.
Status prepare_labels(const at::Tensor& labels, const TensorPlan& plan) {
  const auto width = static_cast<int64_t>(plan.labels.size());
  const int64_t num_binary = width - plan.num_value_labels;
  float* values = labels.mutable_data_ptr<float>();
  for (int64_t i = 0; i < labels.numel(); ++i) {
    const bool is_binary = i % width < num_binary;
    const bool fits = is_binary ? values[i] >= 0 && values[i] <= 1 : std::isfinite(values[i]);
    if (!fits) {
      return schema_error(fmt::format(
          "label '{}' of sample {} of a batch is {}; {}", plan.labels[i % width], i / width,
          values[i],
          is_binary ? "binary cross-entropy needs 0 to 1" : "a value must be a finite number"));
    }
    if (!is_binary) values[i] = signed_log1p(values[i]);
  }
  return {};
}

}  // namespace

BatchTensorizer::BatchTensorizer(TensorPlan plan) : plan_(std::move(plan)) {
  for (int64_t num_rows : plan_.table_rows) tables_.emplace_back(num_rows);
}

Result<BatchTensors> BatchTensorizer::operator()(const Batch& batch) {
  for (DistinctIds& table : tables_) table.clear();
  BatchTensors tensors;
  tensors.num_samples = batch.num_samples();
  ONEFOLD_ASSIGN_OR_RETURN(tensors.dense,
                           pick(batch.dense, plan_.dense, batch.num_samples(), "dense feature"));
  float* dense = tensors.dense.mutable_data_ptr<float>();
  for (int64_t i = 0; i < tensors.dense.numel(); ++i) {
    dense[i] = nan_to_zero(dense[i]);
    if (plan_.dense_log1p) dense[i] = signed_log1p(dense[i]);
  }
  ONEFOLD_ASSIGN_OR_RETURN(tensors.labels,
                           pick(batch.labels, plan_.labels, batch.num_samples(), "label"));
  ONEFOLD_RETURN_IF_ERROR(prepare_labels(tensors.labels, plan_));
  std::vector<at::Tensor> numbers;
  for (const TensorPlan::Lookup& lookup : plan_.lookups) {
    ONEFOLD_ASSIGN_OR_RETURN(Numbered numbered, look_up(batch, lookup));
    tensors.lookups.push_back(std::move(numbered.index));
    numbers.push_back(std::move(numbered.numbers));
  }
  for (size_t f = 0; f < numbers.size(); ++f) {
    const auto num_ids = static_cast<int64_t>(tables_[plan_.lookups[f].table].ids().size());
    tensors.lookups[f].ids = id_sort({numbers[f]}, {0}, {num_ids}, num_ids);
  }
  for (const std::string& name : plan_.float_lists) {
    ONEFOLD_ASSIGN_OR_RETURN(JaggedFloats floats, float_list(batch, name));
    tensors.float_lists.push_back(std::move(floats));
  }
  for (const TensorPlan::Embedding& plan : plan_.embeddings) {
    ONEFOLD_ASSIGN_OR_RETURN(EmbeddingWords words, embedding_words(batch, plan));
    tensors.embeddings.push_back(std::move(words));
  }
  for (const FeatureGroup& group : batch.groups) {
    const InverseKeyedJaggedTensor& ikjt = group.features;
    tensors.groups.push_back(
        {make_fold_index(int32_tensor(ikjt.inverse_indices()), ikjt.num_unique()),
         ikjt.num_unique() == ikjt.num_samples()});
  }
  for (const DistinctIds& table : tables_) tensors.table_ids.push_back(int64_tensor(table.ids()));
  return tensors;
}

Result<BatchTensorizer::Numbered> BatchTensorizer::look_up(const Batch& batch,
                                                           const TensorPlan::Lookup& lookup) {
  Numbered numbered;
  JaggedIndex& index = numbered.index;
  if (lookup.feature == "item_id") {
    index.offsets = at::empty({batch.num_samples() + 1}, at::kInt);
    int32_t* offsets = index.offsets.mutable_data_ptr<int32_t>();
    for (int32_t i = 0; i <= batch.num_samples(); ++i) offsets[i] = i;
    ONEFOLD_RETURN_IF_ERROR(number(lookup, batch.item_id, numbered));
    return numbered;
  }
  const Found found = find_feature(batch, lookup.feature);
  const auto* lists =
      found.column == nullptr ? nullptr : std::get_if<JaggedTensor<int64_t>>(found.column);
  if (lists == nullptr) {
    return schema_error(fmt::format("the batch has no id feature '{}'", lookup.feature));
  }
  set_rows(found, lists->offsets(), index);
  ONEFOLD_RETURN_IF_ERROR(number(lookup, lists->values(), numbered));
  return numbered;
}

Status BatchTensorizer::number(const TensorPlan::Lookup& lookup, std::span<const int64_t> ids,
                               Numbered& numbered) {
  numbered.numbers = at::empty({static_cast<int64_t>(ids.size())}, at::kLong);
  const int64_t bad =
      tables_[lookup.table].add(ids, {numbered.numbers.mutable_data_ptr<int64_t>(), ids.size()});
  if (bad < 0) return {};
  return schema_error(
      fmt::format("feature '{}' has id {}, outside its table's rows [0, {}); hash it "
                  "(hash = true) or give the table more rows",
                  lookup.feature, ids[bad], plan_.table_rows[lookup.table]));
}

}  // namespace onefold
