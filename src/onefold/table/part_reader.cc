// SPDX-License-Identifier: Apache-2.0
#include "onefold/table/part_reader.h"

#include <algorithm>

#include <fmt/format.h>

#include "onefold/base/files.h"
#include "onefold/jagged/fold.h"
#include "onefold/jagged/gather_windows.h"

namespace onefold {
namespace {

// Opens a file that the manifest lists, and compares it with what the manifest says.
Result<std::unique_ptr<ParquetFile>> open_listed(const std::string& root, const TableFile& listed) {
  const std::string path = root + "/" + listed.path;
  if (!path_exists(path)) {
    return not_found(path + ": listed in " + kManifestName + " but missing; restore the file or " +
                     "build the table again");
  }
  ONEFOLD_ASSIGN_OR_RETURN(const uint64_t bytes, file_size(path));
  if (static_cast<int64_t>(bytes) != listed.bytes) {
    return data_loss(fmt::format("{}: {} bytes, but {} says {}; truncated or replaced", path, bytes,
                                 kManifestName, listed.bytes));
  }
  ONEFOLD_ASSIGN_OR_RETURN(auto file, ParquetFile::open(path));
  if (file->row_group_rows() != listed.row_group_rows) {
    return data_loss(fmt::format("{}: its row groups have other numbers of rows than {} says", path,
                                 kManifestName));
  }
  return file;
}

Result<BoundColumn> find_column(const ParquetFile& file, const TableColumn& column) {
  ONEFOLD_ASSIGN_OR_RETURN(const int leaf, file.find(column));
  return BoundColumn{column, leaf};
}

// Looks up `columns` and appends them to `bound`.
Status find_columns(const ParquetFile& file, const std::vector<TableColumn>& columns,
                    std::vector<BoundColumn>& bound) {
  for (const TableColumn& column : columns) {
    ONEFOLD_ASSIGN_OR_RETURN(const BoundColumn found, find_column(file, column));
    bound.push_back(found);
  }
  return {};
}

std::vector<TableColumn> columns_of(const std::vector<FeatureSpec>& features) {
  std::vector<TableColumn> columns;
  for (const FeatureSpec& feature : features) columns.push_back(feature_column(feature));
  return columns;
}

Result<DenseColumns> read_dense(RowGroupColumns& row_group,
                                const std::vector<BoundColumn>& columns) {
  DenseColumns dense;
  const size_t width = columns.size();
  dense.values.resize(row_group.num_rows() * width);
  for (size_t c = 0; c < width; ++c) {
    dense.names.push_back(columns[c].column.name);
    ONEFOLD_ASSIGN_OR_RETURN(const std::vector<float> values, row_group.read_float(columns[c]));
    for (size_t row = 0; row < values.size(); ++row) dense.values[row * width + c] = values[row];
  }
  return dense;
}

Result<KeyedJaggedTensor> read_features(RowGroupColumns& row_group,
                                        const std::vector<BoundColumn>& columns) {
  KeyedJaggedTensor features(row_group.num_rows());
  for (const BoundColumn& column : columns) {
    ONEFOLD_ASSIGN_OR_RETURN(JaggedColumn values, row_group.read_jagged(column));
    features.add(column.column.name, std::move(values));
  }
  return features;
}

// Refs as rows of the payload row group. A ref of another row group would break reading any row
// group alone, so it is an error and not a lookup.
Result<std::vector<int32_t>> local_refs(const std::vector<int64_t>& refs, int64_t first_ref,
                                        int64_t num_rows, const std::string& path,
                                        const std::string& column) {
  std::vector<int32_t> local(refs.size());
  for (size_t i = 0; i < refs.size(); ++i) {
    // Unsigned, so that a ref below first_ref is out of range too, and nothing overflows.
    const uint64_t row = static_cast<uint64_t>(refs[i]) - static_cast<uint64_t>(first_ref);
    if (row >= static_cast<uint64_t>(num_rows)) {
      return data_loss(
          fmt::format("{}: column '{}', sample {}: ref {} leaves its row group, which "
                      "holds refs {} to {}",
                      path, column, i, refs[i], first_ref, first_ref + num_rows - 1));
    }
    local[i] = static_cast<int32_t>(row);
  }
  return local;
}

// Windows to what the longest list here has of them.
void clip_windows(const KeyedJaggedTensor& payload, const std::vector<int32_t>& rows,
                  std::vector<int64_t>& starts, std::vector<int64_t>& lengths) {
  for (size_t i = 0; i < rows.size(); ++i) {
    if (starts[i] < 0) continue;  // damage, which from_windows() refuses
    const int64_t size = longest_list(payload, rows[i]);
    starts[i] = std::min(starts[i], size);
    lengths[i] = std::min(lengths[i], size - starts[i]);
  }
}

// Whether local refs are numbered in first-seen order and leave no row out: true of every table
// that this program writes.
bool is_first_seen_order(const std::vector<int32_t>& refs, int64_t num_unique) {
  int32_t next = 0;
  for (const int32_t ref : refs) {
    if (ref > next) return false;
    if (ref == next) ++next;
  }
  return next == num_unique;
}

}  // namespace

Result<std::shared_ptr<const PartReader>> PartReader::open(const std::string& root,
                                                           const TablePart& part,
                                                           TableLayout layout,
                                                           const Schema& schema) {
  auto reader = std::make_shared<PartReader>();
  ONEFOLD_ASSIGN_OR_RETURN(reader->samples_, open_listed(root, part.samples));
  ONEFOLD_RETURN_IF_ERROR(reader->bind_samples(schema, layout));
  if (layout == TableLayout::kPlain) return std::shared_ptr<const PartReader>(std::move(reader));
  const std::vector<std::string> wanted = schema.groups();
  for (const GroupFile& file : part.groups) {
    if (std::find(wanted.begin(), wanted.end(), file.group) == wanted.end()) continue;
    ONEFOLD_RETURN_IF_ERROR(reader->bind_group(root, file, schema));
  }
  return std::shared_ptr<const PartReader>(std::move(reader));
}

Status PartReader::bind_samples(const Schema& schema, TableLayout layout) {
  std::vector<TableColumn> labels;
  for (const std::string& label : schema.label_names())
    labels.push_back({label, ColumnType::kFloat});
  ONEFOLD_RETURN_IF_ERROR(find_columns(*samples_, key_columns(), keys_));
  ONEFOLD_RETURN_IF_ERROR(find_columns(*samples_, labels, labels_));
  ONEFOLD_RETURN_IF_ERROR(find_columns(*samples_, columns_of(schema.dense_features()), dense_));
  ONEFOLD_RETURN_IF_ERROR(find_columns(*samples_, columns_of(schema.sample_features()), features_));
  if (layout == TableLayout::kFolded) return {};
  for (const std::string& name : schema.groups()) {
    Group group;
    group.name = name;
    ONEFOLD_RETURN_IF_ERROR(
        find_columns(*samples_, columns_of(schema.group_features(name)), group.features));
    groups_.push_back(std::move(group));
  }
  return {};
}

Status PartReader::bind_group(const std::string& root, const GroupFile& file,
                              const Schema& schema) {
  Group group;
  group.name = file.group;
  ONEFOLD_ASSIGN_OR_RETURN(group.payload, open_listed(root, file.file));
  const TableColumn samples_ref{ref_column(file.group), ColumnType::kInt64};
  const TableColumn payload_ref{kRefColumn, ColumnType::kInt64};
  ONEFOLD_ASSIGN_OR_RETURN(group.samples_ref, find_column(*samples_, samples_ref));
  ONEFOLD_ASSIGN_OR_RETURN(group.payload_ref, find_column(*group.payload, payload_ref));
  group.windowed = schema.is_windowed(file.group);
  if (group.windowed) {
    const TableColumn start{start_column(file.group), ColumnType::kInt64};
    const TableColumn length{length_column(file.group), ColumnType::kInt64};
    ONEFOLD_ASSIGN_OR_RETURN(group.samples_start, find_column(*samples_, start));
    ONEFOLD_ASSIGN_OR_RETURN(group.samples_length, find_column(*samples_, length));
  }
  ONEFOLD_RETURN_IF_ERROR(
      find_columns(*group.payload, columns_of(schema.group_features(file.group)), group.features));
  group.is_part = static_cast<int>(group.features.size()) < group.payload->num_columns() - 1;
  int64_t first_ref = file.first_ref;
  for (const int64_t rows : file.file.row_group_rows) {
    group.first_refs.push_back(first_ref);
    first_ref += rows;
  }
  groups_.push_back(std::move(group));
  return {};
}

Result<Batch> PartReader::read(int row_group, bool fold, bool windows, int64_t& bytes_read) const {
  ONEFOLD_ASSIGN_OR_RETURN(RowGroupColumns samples, RowGroupColumns::open(*samples_, row_group));
  Batch batch;
  std::vector<int64_t>* const keys[] = {&batch.session_id, &batch.user_id, &batch.request_id,
                                        &batch.item_id, &batch.time_us};
  for (size_t k = 0; k < keys_.size(); ++k) {
    ONEFOLD_ASSIGN_OR_RETURN(*keys[k], samples.read_int64(keys_[k]));
  }
  ONEFOLD_ASSIGN_OR_RETURN(batch.labels, read_dense(samples, labels_));
  ONEFOLD_ASSIGN_OR_RETURN(batch.dense, read_dense(samples, dense_));
  ONEFOLD_ASSIGN_OR_RETURN(batch.features, read_features(samples, features_));
  for (const Group& group : groups_) {
    if (group.payload) {
      ONEFOLD_ASSIGN_OR_RETURN(auto features, read_folded(group, samples, row_group, bytes_read));
      if (!fold) {
        features = InverseKeyedJaggedTensor::identity(expand(features));
      } else if (!windows) {
        features = std::move(features).exact();
      }
      batch.groups.push_back({group.name, std::move(features)});
    } else {
      ONEFOLD_ASSIGN_OR_RETURN(KeyedJaggedTensor rows, read_features(samples, group.features));
      batch.groups.push_back(
          {group.name,
           fold ? onefold::fold(rows) : InverseKeyedJaggedTensor::identity(std::move(rows))});
    }
  }
  bytes_read += samples.bytes_read();
  return batch;
}

Result<InverseKeyedJaggedTensor> PartReader::read_folded(const Group& group,
                                                         RowGroupColumns& samples, int row_group,
                                                         int64_t& bytes_read) const {
  ONEFOLD_ASSIGN_OR_RETURN(RowGroupColumns payload,
                           RowGroupColumns::open(*group.payload, row_group));
  const std::string& path = group.payload->path();
  const int64_t first_ref = group.first_refs[row_group];
  ONEFOLD_ASSIGN_OR_RETURN(const auto payload_refs, payload.read_int64(group.payload_ref));
  for (size_t row = 0; row < payload_refs.size(); ++row) {
    if (payload_refs[row] == first_ref + static_cast<int64_t>(row)) continue;
    return data_loss(fmt::format("{}: row {} of row group {} has ref {}, expected {}", path, row,
                                 row_group, payload_refs[row], first_ref + row));
  }
  ONEFOLD_ASSIGN_OR_RETURN(const auto refs, samples.read_int64(group.samples_ref));
  ONEFOLD_ASSIGN_OR_RETURN(auto inverse,
                           local_refs(refs, first_ref, payload.num_rows(), samples_->path(),
                                      group.samples_ref.column.name));
  ONEFOLD_ASSIGN_OR_RETURN(KeyedJaggedTensor rows, read_features(payload, group.features));
  bytes_read += payload.bytes_read();
  if (group.windowed) return read_windows(group, samples, std::move(rows), inverse);
  if (is_first_seen_order(inverse, rows.num_rows())) {
    return InverseKeyedJaggedTensor::make(std::move(rows), std::move(inverse));
  }
  return from_refs(rows, inverse);
}

Result<InverseKeyedJaggedTensor> PartReader::read_windows(const Group& group,
                                                          RowGroupColumns& samples,
                                                          KeyedJaggedTensor payload,
                                                          const std::vector<int32_t>& rows) const {
  ONEFOLD_ASSIGN_OR_RETURN(auto starts, samples.read_int64(group.samples_start));
  ONEFOLD_ASSIGN_OR_RETURN(auto lengths, samples.read_int64(group.samples_length));
  // A window is as long as the group's longest list, which may not be among those that are read.
  if (group.is_part) clip_windows(payload, rows, starts, lengths);
  auto features = from_windows(std::move(payload), rows, starts, lengths);
  if (!features.ok()) {
    return features.status().with_context(samples_->path() + ": group '" + group.name + "'");
  }
  return features;
}

}  // namespace onefold
