// SPDX-License-Identifier: Apache-2.0
#include "onefold/reader/gather.h"

#include <limits>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include "onefold/jagged/fold.h"
#include "onefold/jagged/gather_windows.h"

namespace onefold {
namespace {

using RowGroups = std::span<const RowGroup* const>;
using Runs = std::span<const RowRange>;

int64_t count_rows(Runs runs) {
  int64_t total = 0;
  for (const RowRange& run : runs) total += run.count;
  return total;
}

// Copies `width` elements a sample of the array that `column_of` finds in a Batch.
template <typename T, typename ColumnOf>
std::vector<T> gather_rows(RowGroups row_groups, Runs runs, size_t width, ColumnOf column_of) {
  std::vector<T> gathered;
  gathered.reserve(count_rows(runs) * width);
  for (const RowRange& run : runs) {
    const T* rows = column_of(row_groups[run.row_group]->batch).data() + run.begin * width;
    gathered.insert(gathered.end(), rows, rows + run.count * width);
  }
  return gathered;
}

DenseColumns gather_dense(RowGroups row_groups, Runs runs, DenseColumns Batch::*columns) {
  const std::vector<std::string>& names = (row_groups.front()->batch.*columns).names;
  return {names, gather_rows<float>(
                     row_groups, runs,
                     names.size(), [&](const Batch& b) -> auto& { return (b.*columns).values; })};
}

// `kjt_of` finds the KeyedJaggedTensor in a Batch.
template <typename T, typename KjtOf>
JaggedTensor<T> gather_column(RowGroups row_groups, Runs runs, int64_t key, KjtOf kjt_of) {
  auto column = [&](int32_t row_group) -> const JaggedTensor<T>& {
    return std::get<JaggedTensor<T>>(kjt_of(row_groups[row_group]->batch).column(key));
  };
  int64_t num_values = 0;
  for (const RowRange& run : runs) {
    const std::vector<int32_t>& offsets = column(run.row_group).offsets();
    num_values += offsets[run.begin + run.count] - offsets[run.begin];
  }
  ONEFOLD_CHECK(num_values <= std::numeric_limits<int32_t>::max(),
                "a batch holds fewer than 2^31 values of a feature; use a smaller batch_size");
  std::vector<T> values;
  std::vector<int32_t> gathered_offsets = {0};
  values.reserve(num_values);
  gathered_offsets.reserve(count_rows(runs) + 1);
  for (const RowRange& run : runs) {
    const JaggedTensor<T>& rows = column(run.row_group);
    const int32_t* offsets = rows.offsets().data() + run.begin;
    const int32_t shift = static_cast<int32_t>(values.size()) - offsets[0];
    values.insert(values.end(), rows.values().data() + offsets[0],
                  rows.values().data() + offsets[run.count]);
    for (int32_t i = 1; i <= run.count; ++i) gathered_offsets.push_back(offsets[i] + shift);
  }
  return JaggedTensor<T>::make(std::move(values), std::move(gathered_offsets)).value();
}

template <typename KjtOf>
KeyedJaggedTensor gather_kjt(RowGroups row_groups, Runs runs, KjtOf kjt_of) {
  const KeyedJaggedTensor& first = kjt_of(row_groups.front()->batch);
  KeyedJaggedTensor gathered(count_rows(runs));
  for (int64_t key = 0; key < first.num_keys(); ++key) {
    std::visit(
        [&]<typename T>(const JaggedTensor<T>&) {
          gathered.add(first.keys()[key], gather_column<T>(row_groups, runs, key, kjt_of));
        },
        first.column(key));
  }
  return gathered;
}

// Finds the unique rows of a batch while its samples go by.
class BatchFolder {
 public:
  BatchFolder(RowGroups row_groups, size_t group)
      : row_groups_(row_groups), group_(group), unique_of_row_(row_groups.size()) {}

  void add(const RowRange& run) {
    const InverseKeyedJaggedTensor& rows = features(run.row_group);
    std::vector<int32_t>& unique_of_row = unique_of_row_[run.row_group];
    if (unique_of_row.empty()) unique_of_row.assign(rows.num_unique(), -1);
    for (int32_t i = run.begin; i < run.begin + run.count; ++i) {
      const int32_t row = rows.inverse_indices()[i];
      int32_t& unique = unique_of_row[row];
      if (unique < 0) unique = find_or_add(run.row_group, row);
      inverse_.push_back(unique);
    }
  }

  InverseKeyedJaggedTensor finish() && {
    auto unique = gather_kjt(
        row_groups_,
        sources_, [g = group_](const Batch& b) -> auto& { return b.groups[g].features.unique(); });
    return InverseKeyedJaggedTensor::make(std::move(unique), std::move(inverse_)).value();
  }

 private:
  const InverseKeyedJaggedTensor& features(int32_t row_group) const {
    return row_groups_[row_group]->batch.groups[group_].features;
  }

  int32_t find_or_add(int32_t row_group, int32_t row) {
    const uint64_t hash = row_groups_[row_group]->row_hashes[group_][row];
    const auto next = static_cast<int32_t>(sources_.size());
    const auto [it, inserted] = unique_of_hash_.try_emplace(hash, next);
    if (!inserted) {
      const RowRange& other = sources_[it->second];
      if (rows_equal(features(other.row_group).unique(), other.begin, features(row_group).unique(),
                     row)) {
        return it->second;
      }
      // Two rows with one 64-bit hash: the later one stays a row of its own, which is correct too.
    }
    sources_.push_back({row_group, row, 1});
    return next;
  }

  RowGroups row_groups_;
  size_t group_;
  std::vector<std::vector<int32_t>> unique_of_row_;  // [row groups][U of the row group], -1: unused
  std::unordered_map<uint64_t, int32_t> unique_of_hash_;
  std::vector<RowRange> sources_;  // [U]
  std::vector<int32_t> inverse_;   // [B]
};

InverseKeyedJaggedTensor gather_folded(RowGroups row_groups, Runs runs, size_t group) {
  BatchFolder folder(row_groups, group);
  for (const RowRange& run : runs) folder.add(run);
  return std::move(folder).finish();
}

InverseKeyedJaggedTensor gather_unfolded(RowGroups row_groups, Runs runs, size_t group) {
  std::vector<RowRange> ranges;
  for (const RowRange& run : runs) {
    const auto& inverse = row_groups[run.row_group]->batch.groups[group].features.inverse_indices();
    for (int32_t i = run.begin; i < run.begin + run.count; ++i) {
      const int32_t row = inverse[i];
      // Rows of a plain table follow one another; then whole runs are copied at once.
      if (!ranges.empty() && ranges.back().row_group == run.row_group &&
          ranges.back().begin + ranges.back().count == row) {
        ++ranges.back().count;
      } else {
        ranges.push_back({run.row_group, row, 1});
      }
    }
  }
  return InverseKeyedJaggedTensor::identity(gather_kjt(
      row_groups,
      ranges, [group](const Batch& b) -> auto& { return b.groups[group].features.unique(); }));
}

bool is_windowed(RowGroups row_groups, size_t group) {
  return row_groups.front()->batch.groups[group].features.is_windowed();
}

InverseKeyedJaggedTensor gather_windowed(RowGroups row_groups, Runs runs, size_t group) {
  std::vector<const InverseKeyedJaggedTensor*> tensors;
  for (const RowGroup* row_group : row_groups) {
    tensors.push_back(&row_group->batch.groups[group].features);
  }
  std::vector<SampleOfTensor> samples;
  samples.reserve(count_rows(runs));
  for (const RowRange& run : runs) {
    for (int32_t i = 0; i < run.count; ++i) samples.push_back({run.row_group, run.begin + i});
  }
  return gather_windows(tensors, samples);
}

InverseKeyedJaggedTensor gather_group(RowGroups row_groups, Runs runs, size_t group, bool fold) {
  if (is_windowed(row_groups, group)) {
    InverseKeyedJaggedTensor features = gather_windowed(row_groups, runs, group);
    return fold ? std::move(features) : InverseKeyedJaggedTensor::identity(expand(features));
  }
  return fold ? gather_folded(row_groups, runs, group) : gather_unfolded(row_groups, runs, group);
}

}  // namespace

Batch gather(RowGroups row_groups, Runs runs, bool fold) {
  ONEFOLD_CHECK(!row_groups.empty(), "a batch needs a row group to come from");
  auto gather_keys = [&](std::vector<int64_t> Batch::*column) {
    return gather_rows<int64_t>(
        row_groups, runs, 1, [&](const Batch& b) -> auto& { return b.*column; });
  };
  Batch batch;
  batch.session_id = gather_keys(&Batch::session_id);
  batch.user_id = gather_keys(&Batch::user_id);
  batch.request_id = gather_keys(&Batch::request_id);
  batch.item_id = gather_keys(&Batch::item_id);
  batch.time_us = gather_keys(&Batch::time_us);
  batch.dense = gather_dense(row_groups, runs, &Batch::dense);
  batch.labels = gather_dense(row_groups, runs, &Batch::labels);
  batch.features = gather_kjt(
      row_groups, runs, [](const Batch& b) -> auto& { return b.features; });
  const std::vector<FeatureGroup>& groups = row_groups.front()->batch.groups;
  for (size_t g = 0; g < groups.size(); ++g) {
    batch.groups.push_back({groups[g].name, gather_group(row_groups, runs, g, fold)});
  }
  return batch;
}

}  // namespace onefold
