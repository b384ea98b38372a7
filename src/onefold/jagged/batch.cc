// SPDX-License-Identifier: Apache-2.0
#include "onefold/jagged/batch.h"

#include "onefold/jagged/fold.h"
#include "onefold/jagged/gather_windows.h"

namespace onefold {
namespace {

std::vector<int64_t> select(const std::vector<int64_t>& column, std::span<const int32_t> indices) {
  std::vector<int64_t> selected;
  selected.reserve(indices.size());
  for (int32_t index : indices) selected.push_back(column[index]);
  return selected;
}

DenseColumns select(const DenseColumns& columns, std::span<const int32_t> indices) {
  const size_t width = columns.names.size();
  DenseColumns selected{columns.names, {}};
  selected.values.reserve(indices.size() * width);
  for (int32_t index : indices) {
    const auto* row = columns.values.data() + index * width;
    selected.values.insert(selected.values.end(), row, row + width);
  }
  return selected;
}

void append(std::vector<int64_t>& to, const std::vector<int64_t>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

void append(DenseColumns& to, const DenseColumns& from) {
  ONEFOLD_CHECK(to.names == from.names, "batches have different dense columns or labels");
  to.values.insert(to.values.end(), from.values.begin(), from.values.end());
}

KeyedJaggedTensor concatenate_rows(const std::vector<const KeyedJaggedTensor*>& parts) {
  int64_t num_rows = 0;
  for (const auto* part : parts) {
    ONEFOLD_CHECK(part->keys() == parts.front()->keys(), "batches have different jagged features");
    num_rows += part->num_rows();
  }
  KeyedJaggedTensor all(num_rows);
  for (int64_t k = 0; k < parts.front()->num_keys(); ++k) {
    const std::string& key = parts.front()->keys()[k];
    std::visit(
        [&](const auto& first) {
          using Column = std::decay_t<decltype(first)>;
          int64_t num_values = 0;
          for (const auto* part : parts) num_values += onefold::num_values(part->column(k));
          Column rows;
          rows.reserve(num_rows, num_values);
          for (const auto* part : parts) {
            const auto* column = std::get_if<Column>(&part->column(k));
            ONEFOLD_CHECK(column, "feature '" + key + "' has another type in another batch");
            rows.push_rows(column->view(), 0, column->num_rows());
          }
          all.add(key, std::move(rows));
        },
        parts.front()->column(k));
  }
  return all;
}

FeatureGroup concatenate_windowed(std::span<const Batch> parts, size_t g) {
  std::vector<const InverseKeyedJaggedTensor*> tensors;
  std::vector<SampleOfTensor> samples;
  for (const Batch& part : parts) {
    const auto tensor = static_cast<int32_t>(tensors.size());
    tensors.push_back(&part.groups[g].features);
    for (int32_t i = 0; i < part.num_samples(); ++i) samples.push_back({tensor, i});
  }
  return {parts.front().groups[g].name, gather_windows(tensors, samples)};
}

FeatureGroup concatenate_group(std::span<const Batch> parts, size_t g) {
  const bool is_windowed = parts.front().groups[g].features.is_windowed();
  for (const Batch& part : parts) {
    const FeatureGroup& group = part.groups[g];
    ONEFOLD_CHECK(group.name == parts.front().groups[g].name, "batches have different groups");
    ONEFOLD_CHECK(group.features.is_windowed() == is_windowed,
                  "group '" + group.name + "' is windowed in some batches only");
  }
  if (is_windowed) return concatenate_windowed(parts, g);
  std::vector<const KeyedJaggedTensor*> unique;
  std::vector<int32_t> inverse;
  int32_t base = 0;
  for (const Batch& part : parts) {
    const FeatureGroup& group = part.groups[g];
    unique.push_back(&group.features.unique());
    for (int32_t row : group.features.inverse_indices()) inverse.push_back(base + row);
    base += static_cast<int32_t>(group.features.num_unique());
  }
  return {parts.front().groups[g].name,
          InverseKeyedJaggedTensor::make(concatenate_rows(unique), std::move(inverse)).value()};
}

void check_dense(const DenseColumns& columns, const std::vector<std::string>& names,
                 size_t num_samples) {
  ONEFOLD_CHECK(columns.names == names, "dense columns or labels do not follow the schema");
  ONEFOLD_CHECK(columns.values.size() == num_samples * names.size(), "dense values are not [B, F]");
}

void check_jagged(const KeyedJaggedTensor& kjt, const std::vector<FeatureSpec>& specs) {
  ONEFOLD_CHECK(kjt.keys().size() == specs.size(), "jagged features do not follow the schema");
  for (size_t k = 0; k < specs.size(); ++k) {
    const JaggedColumn& column = kjt.column(static_cast<int64_t>(k));
    const bool is_float = std::holds_alternative<JaggedTensor<float>>(column);
    ONEFOLD_CHECK(
        kjt.keys()[k] == specs[k].name && is_float == (specs[k].kind == FeatureKind::kFloatList),
        "feature '" + specs[k].name + "' does not follow the schema");
    if (specs[k].kind != FeatureKind::kId) continue;
    for (int64_t row = 0; row < kjt.num_rows(); ++row) {
      ONEFOLD_CHECK(length(column, row) <= 1, "feature '" + specs[k].name +
                                                  "' is a single id, but row " +
                                                  std::to_string(row) + " holds several");
    }
  }
}

}  // namespace

bool DenseColumns::operator==(const DenseColumns& other) const {
  return names == other.names && JaggedTensor<float>::bytes_equal(values, other.values);
}

const FeatureGroup* Batch::find_group(const std::string& name) const {
  for (const FeatureGroup& group : groups) {
    if (group.name == name) return &group;
  }
  return nullptr;
}

Batch select_samples(const Batch& batch, std::span<const int32_t> indices) {
  Batch selected;
  selected.session_id = select(batch.session_id, indices);
  selected.user_id = select(batch.user_id, indices);
  selected.request_id = select(batch.request_id, indices);
  selected.item_id = select(batch.item_id, indices);
  selected.time_us = select(batch.time_us, indices);
  selected.dense = select(batch.dense, indices);
  selected.labels = select(batch.labels, indices);
  selected.features = select_rows(batch.features, indices);
  for (const FeatureGroup& group : batch.groups) {
    if (group.features.is_windowed()) {
      const InverseKeyedJaggedTensor* const tensors[] = {&group.features};
      std::vector<SampleOfTensor> samples;
      for (int32_t index : indices) samples.push_back({0, index});
      selected.groups.push_back({group.name, gather_windows(tensors, samples)});
      continue;
    }
    std::vector<int32_t> refs;
    refs.reserve(indices.size());
    for (int32_t index : indices) refs.push_back(group.features.inverse_indices()[index]);
    selected.groups.push_back({group.name, from_refs(group.features.unique(), refs).value()});
  }
  return selected;
}

Batch concatenate(std::span<const Batch> parts) {
  ONEFOLD_CHECK(!parts.empty(), "nothing to concatenate");
  Batch all;
  all.dense.names = parts.front().dense.names;
  all.labels.names = parts.front().labels.names;
  std::vector<const KeyedJaggedTensor*> features;
  for (const Batch& part : parts) {
    append(all.session_id, part.session_id);
    append(all.user_id, part.user_id);
    append(all.request_id, part.request_id);
    append(all.item_id, part.item_id);
    append(all.time_us, part.time_us);
    append(all.dense, part.dense);
    append(all.labels, part.labels);
    features.push_back(&part.features);
    ONEFOLD_CHECK(part.groups.size() == parts.front().groups.size(),
                  "batches have different groups");
  }
  all.features = concatenate_rows(features);
  for (size_t g = 0; g < parts.front().groups.size(); ++g) {
    all.groups.push_back(concatenate_group(parts, g));
  }
  return all;
}

Batch unfolded(const Batch& batch) {
  Batch result = batch;
  for (FeatureGroup& group : result.groups) {
    group.features = InverseKeyedJaggedTensor::identity(expand(group.features));
  }
  return result;
}

Batch refolded(const Batch& batch) {
  Batch result = batch;
  for (FeatureGroup& group : result.groups) {
    group.features = std::move(group.features).exact();
    // Folding the unique rows and composing both inverses avoids expanding to B rows first. The
    // composition is in first-seen order because both of its factors are.
    InverseKeyedJaggedTensor again = fold(group.features.unique());
    std::vector<int32_t> inverse;
    inverse.reserve(group.features.num_samples());
    for (int32_t row : group.features.inverse_indices()) {
      inverse.push_back(again.inverse_indices()[row]);
    }
    group.features =
        InverseKeyedJaggedTensor::make(std::move(again.mutable_unique()), std::move(inverse))
            .value();
  }
  return result;
}

void check_batch(const Batch& batch, const Schema& schema) {
  const size_t num_samples = batch.session_id.size();
  for (const auto* ids : {&batch.user_id, &batch.request_id, &batch.item_id, &batch.time_us}) {
    ONEFOLD_CHECK(ids->size() == num_samples, "key columns of a batch differ in length");
  }
  std::vector<std::string> dense_names;
  for (const FeatureSpec& feature : schema.dense_features()) dense_names.push_back(feature.name);
  check_dense(batch.dense, dense_names, num_samples);
  check_dense(batch.labels, schema.label_names(), num_samples);
  ONEFOLD_CHECK(batch.features.num_rows() == batch.num_samples(), "features do not have B rows");
  check_jagged(batch.features, schema.sample_features());
  const std::vector<std::string> groups = schema.groups();
  ONEFOLD_CHECK(batch.groups.size() == groups.size(), "groups do not follow the schema");
  for (size_t g = 0; g < groups.size(); ++g) {
    ONEFOLD_CHECK(batch.groups[g].name == groups[g], "groups do not follow the schema");
    ONEFOLD_CHECK(batch.groups[g].features.num_samples() == batch.num_samples(),
                  "group '" + groups[g] + "' does not have B samples");
    check_jagged(batch.groups[g].features.payload(), schema.group_features(groups[g]));
  }
}

}  // namespace onefold
