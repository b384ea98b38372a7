// SPDX-License-Identifier: Apache-2.0
#include "onefold/reader/transform.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "onefold/base/hash.h"

namespace onefold {
namespace {

constexpr const char* kItemId = "item_id";

Status check_size(const FeatureTransform& transform) {
  if (transform.size > 0) return {};
  return invalid_argument("transform of '" + transform.feature + "': size is " +
                          std::to_string(transform.size) + ", expected at least 1");
}

Status not_transformable(const FeatureTransform& transform, const std::string& reason) {
  return schema_error("transform of '" + transform.feature + "': " + reason);
}

void hash_ids(std::vector<int64_t>& ids, const FeatureTransform& transform) {
  const auto size = static_cast<uint64_t>(transform.size);
  for (int64_t& id : ids) id = static_cast<int64_t>(hash64(id, transform.seed) % size);
}

template <typename T>
void keep_newest(JaggedTensor<T>& rows, int64_t max_length) {
  const std::vector<int32_t>& offsets = rows.offsets();
  bool all_fit = true;
  for (int64_t row = 0; row < rows.num_rows(); ++row) all_fit &= rows.length(row) <= max_length;
  if (all_fit) return;
  std::vector<T> values;
  std::vector<int32_t> kept_offsets = {0};
  kept_offsets.reserve(offsets.size());
  values.reserve(std::min<int64_t>(rows.num_values(), rows.num_rows() * max_length));
  for (int64_t row = 0; row < rows.num_rows(); ++row) {
    const auto all = rows.row(row);
    const auto newest = all.last(std::min<size_t>(all.size(), max_length));
    values.insert(values.end(), newest.begin(), newest.end());
    kept_offsets.push_back(static_cast<int32_t>(values.size()));
  }
  rows = JaggedTensor<T>::make(std::move(values), std::move(kept_offsets)).value();
}

Status apply_to_column(const FeatureTransform& transform, JaggedColumn& column) {
  if (transform.kind == FeatureTransform::Kind::kTruncate) {
    std::visit([&](auto& rows) { keep_newest(rows, transform.size); }, column);
    return {};
  }
  auto* ids = std::get_if<JaggedTensor<int64_t>>(&column);
  if (!ids) return not_transformable(transform, "only ids can be hashed, these are floats");
  hash_ids(ids->mutable_values(), transform);
  return {};
}

// The group that `feature` is in; nullptr if there is none.
FeatureGroup* find_group(Batch& batch, const std::string& feature) {
  for (FeatureGroup& group : batch.groups) {
    if (group.features.payload().has(feature)) return &group;
  }
  return nullptr;
}

// The jagged column of `feature`, per sample or in a group; nullptr if there is none.
JaggedColumn* find_column(Batch& batch, const std::string& feature) {
  if (batch.features.has(feature)) return &batch.features.mutable_column(feature);
  if (FeatureGroup* group = find_group(batch, feature)) {
    return &group->features.mutable_payload().mutable_column(feature);
  }
  return nullptr;
}

// Whether `transforms` keep as many values of every key of the group.
bool truncates_all(const std::vector<FeatureTransform>& transforms, const FeatureTransform& one,
                   const std::vector<std::string>& keys) {
  return std::all_of(keys.begin(), keys.end(), [&](const std::string& key) {
    return std::any_of(transforms.begin(), transforms.end(), [&](const FeatureTransform& other) {
      return other.feature == key && other.kind == FeatureTransform::Kind::kTruncate &&
             other.size == one.size;
    });
  });
}

// Windows are shortened where all keys are truncated alike; else rows are cut out and are truncated
// like those of any group. True: done.
bool truncate_windows(const std::vector<FeatureTransform>& transforms,
                      const FeatureTransform& transform, Batch& batch) {
  if (transform.kind != FeatureTransform::Kind::kTruncate) return false;
  FeatureGroup* group = find_group(batch, transform.feature);
  if (group == nullptr || !group->features.is_windowed()) return false;
  if (truncates_all(transforms, transform, group->features.keys()) &&
      is_parallel(group->features.payload())) {
    group->features.keep_newest(static_cast<int32_t>(
        std::min<int64_t>(transform.size, std::numeric_limits<int32_t>::max())));
    return true;
  }
  group->features = std::move(group->features).exact();
  return false;
}

Status no_such_feature(const FeatureTransform& transform) {
  return not_found("transform of '" + transform.feature + "': no such feature is read");
}

}  // namespace

Status check_transforms(const std::vector<FeatureTransform>& transforms, const Schema& schema) {
  for (const FeatureTransform& transform : transforms) {
    ONEFOLD_RETURN_IF_ERROR(check_size(transform));
    const bool hashes = transform.kind == FeatureTransform::Kind::kHash;
    if (transform.feature == kItemId) {
      if (!hashes) return not_transformable(transform, "it is one id, not a list to truncate");
      continue;
    }
    const FeatureSpec* spec = schema.find(transform.feature);
    if (!spec) return no_such_feature(transform);
    if (spec->kind == FeatureKind::kDense) {
      return not_transformable(transform, "it is dense, expected ids or a list");
    }
    if (hashes && spec->kind == FeatureKind::kFloatList) {
      return not_transformable(transform, "only ids can be hashed, these are floats");
    }
  }
  return {};
}

Status apply_transforms(const std::vector<FeatureTransform>& transforms, Batch& batch) {
  for (const FeatureTransform& transform : transforms) {
    ONEFOLD_RETURN_IF_ERROR(check_size(transform));
    if (transform.feature == kItemId && transform.kind == FeatureTransform::Kind::kHash) {
      hash_ids(batch.item_id, transform);
      continue;
    }
    if (truncate_windows(transforms, transform, batch)) continue;
    JaggedColumn* column = find_column(batch, transform.feature);
    if (!column) return no_such_feature(transform);
    ONEFOLD_RETURN_IF_ERROR(apply_to_column(transform, *column));
  }
  return {};
}

}  // namespace onefold
