// SPDX-License-Identifier: Apache-2.0
#include "onefold/table/part_writer.h"

#include <future>

#include <arrow/util/thread_pool.h>
#include <fmt/format.h>

#include "onefold/base/files.h"
#include "onefold/jagged/fold.h"

namespace onefold {
namespace {

// A part holds fewer than 2^32 payload rows, so refs of different parts never meet.
int64_t first_ref_of(int64_t part_number) { return part_number << 32; }

// What a samples file says of a group: the payload row of each sample and, windowed, its window.
struct SampleRefs {
  std::vector<int64_t> ref, start, length;  // [B]; the last two empty when not windowed
};

SampleRefs refs_of(const InverseKeyedJaggedTensor& features, int64_t first_ref) {
  SampleRefs refs;
  refs.ref.reserve(features.num_samples());
  if (!features.is_windowed()) {
    for (const int32_t row : features.inverse_indices()) refs.ref.push_back(first_ref + row);
    return refs;
  }
  const RowWindows& windows = features.windows();
  for (const int32_t window : features.inverse_indices()) {
    refs.ref.push_back(first_ref + windows.row[window]);
    refs.start.push_back(windows.start[window]);
    refs.length.push_back(windows.length[window]);
  }
  return refs;
}

ArrowArrays key_arrays(const Batch& batch) {
  ArrowArrays arrays = {to_arrow(batch.session_id), to_arrow(batch.user_id),
                        to_arrow(batch.request_id), to_arrow(batch.item_id),
                        to_arrow_time(batch.time_us)};
  for (size_t t = 0; t < batch.labels.names.size(); ++t)
    arrays.push_back(to_arrow(batch.labels, t));
  for (size_t f = 0; f < batch.dense.names.size(); ++f) arrays.push_back(to_arrow(batch.dense, f));
  return arrays;
}

}  // namespace

Result<std::unique_ptr<PartWriter>> PartWriter::create(const PartOptions& options,
                                                       const Schema& schema,
                                                       EncodingChooser* chooser) {
  std::unique_ptr<PartWriter> part(new PartWriter(options, schema, chooser->executor()));
  ONEFOLD_RETURN_IF_ERROR(make_directories(options.root + "/" + options.partition));
  const bool folded = options.layout == TableLayout::kFolded;
  const std::string suffix = folded ? "samples.parquet" : "parquet";
  part->samples_ = std::make_unique<ParquetWriter>(part->file_path(suffix), "samples",
                                                   sample_columns(schema, options.layout), chooser);
  if (!folded) return part;
  for (const std::string& group : schema.groups()) {
    part->payloads_.push_back(
        {.group = group,
         .file = std::make_unique<ParquetWriter>(part->file_path(group + ".parquet"), group,
                                                 payload_columns(schema, group), chooser),
         .next_ref = first_ref_of(options.number)});
  }
  return part;
}

std::string PartWriter::file_path(const std::string& suffix) const {
  const std::string name = fmt::format("part-{:05}.{}", options_.number, suffix);
  const std::string directory =
      options_.partition.empty() ? options_.root : options_.root + "/" + options_.partition;
  return directory + "/" + name;
}

Status PartWriter::write(const Batch& batch) {
  ArrowArrays arrays = key_arrays(batch);
  append_features(batch.features, schema_.sample_features(), arrays);
  std::vector<KeyedJaggedTensor> expanded;  // what the arrays borrow from
  std::vector<SampleRefs> refs;
  expanded.reserve(batch.groups.size());
  refs.reserve(batch.groups.size());
  std::vector<RowGroup> files;
  for (size_t g = 0; g < batch.groups.size(); ++g) {
    const FeatureGroup& group = batch.groups[g];
    if (options_.layout == TableLayout::kPlain) {
      expanded.push_back(expand(group.features));
      append_features(expanded.back(), schema_.group_features(group.name), arrays);
      continue;
    }
    refs.push_back(refs_of(group.features, payloads_[g].next_ref));
    arrays.push_back(to_arrow(refs.back().ref));
    if (group.features.is_windowed()) {
      arrays.push_back(to_arrow(refs.back().start));
      arrays.push_back(to_arrow(refs.back().length));
    }
    files.push_back(payload_row_group(group.features, payloads_[g]));
  }
  files.push_back({samples_.get(), batch.num_samples(), std::move(arrays), {}});
  num_samples_ += batch.num_samples();
  return encode_all(files);
}

PartWriter::RowGroup PartWriter::payload_row_group(const InverseKeyedJaggedTensor& features,
                                                   GroupPayload& payload) {
  const KeyedJaggedTensor& rows = features.payload();
  RowGroup row_group{payload.file.get(), rows.num_rows(), {}, {}};
  row_group.refs.resize(rows.num_rows());
  for (int64_t& ref : row_group.refs) ref = payload.next_ref++;
  row_group.arrays = {to_arrow(row_group.refs)};
  append_features(rows, schema_.group_features(payload.group), row_group.arrays);
  return row_group;
}

// Narrow files are encoded in threads of their own while this one sees to the wide ones.
Status PartWriter::encode_all(const std::vector<RowGroup>& files) const {
  for (const RowGroup& file : files) ONEFOLD_RETURN_IF_ERROR(file.file->begin(file.arrays));
  std::vector<std::future<Status>> narrow;
  for (const RowGroup& file : files) {
    if (executor_ == nullptr || file.file->uses_executor()) continue;
    auto task = std::make_shared<std::packaged_task<Status()>>(
        [&file] { return file.file->encode(file.num_rows, file.arrays); });
    narrow.push_back(task->get_future());
    const arrow::Status spawned = executor_->Spawn([task] { (*task)(); });
    ONEFOLD_CHECK(spawned.ok(), "a table outlives the threads it is written in");
  }
  Status status;
  for (const RowGroup& file : files) {
    if (!status.ok() || (executor_ != nullptr && !file.file->uses_executor())) continue;
    status = file.file->encode(file.num_rows, file.arrays);
  }
  for (std::future<Status>& encoded : narrow) encoded.wait();  // they use `files`
  for (std::future<Status>& encoded : narrow) {
    if (Status other = encoded.get(); status.ok()) status = std::move(other);
  }
  return status;
}

Result<TablePart> PartWriter::close() {
  // The manifest's paths are relative to the table.
  auto relative = [this](TableFile file) {
    file.path = file.path.substr(options_.root.size() + 1);
    return file;
  };
  TablePart part;
  part.partition = options_.partition;
  ONEFOLD_ASSIGN_OR_RETURN(TableFile samples, samples_->close());
  part.samples = relative(std::move(samples));
  for (GroupPayload& payload : payloads_) {
    ONEFOLD_ASSIGN_OR_RETURN(TableFile file, payload.file->close());
    part.groups.push_back({.group = payload.group,
                           .file = relative(std::move(file)),
                           .first_ref = first_ref_of(options_.number)});
  }
  return part;
}

}  // namespace onefold
