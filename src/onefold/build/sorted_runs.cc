// SPDX-License-Identifier: Apache-2.0
#include "onefold/build/sorted_runs.h"

#include <algorithm>

#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/dictionary.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>

#include "onefold/log/arrow_status.h"
#include "onefold/log/record_buffer.h"

namespace onefold {
namespace {

constexpr const char* kSpilled = "spilled requests";

template <typename T>
int64_t bytes_of(const std::vector<T>& values) {
  return static_cast<int64_t>(values.size() * sizeof(T));
}

int64_t bytes_of(const KeyedJaggedTensor& columns) {
  int64_t bytes = 0;
  for (int64_t k = 0; k < columns.num_keys(); ++k) {
    bytes += std::visit(
        [](const auto& column) { return bytes_of(column.values()) + bytes_of(column.offsets()); },
        columns.column(k));
  }
  return bytes;
}

void sort_rows(SortedRun& run) {
  std::sort(run.rows.begin(), run.rows.end(),
            [](const SortedRun::Row& a, const SortedRun::Row& b) { return a.key < b.key; });
}

}  // namespace

int64_t value_bytes(const FeatureRecords& records) {
  return bytes_of(records.session_id) + bytes_of(records.user_id) + bytes_of(records.request_id) +
         bytes_of(records.time_us) + bytes_of(records.user_dense.values) +
         bytes_of(records.user_features) + bytes_of(records.candidate_offsets) +
         bytes_of(records.item_id) + bytes_of(records.item_dense.values) +
         bytes_of(records.item_features);
}

Status SortedRuns::Collector::add(FeatureRecords&& records, const std::vector<KeyedRow>& rows) {
  if (rows.empty()) return {};
  const auto block = static_cast<int32_t>(run_.blocks.size());
  for (const KeyedRow& row : rows) run_.rows.push_back({row.key, block, row.row});
  const int64_t bytes =
      value_bytes(records) + static_cast<int64_t>(rows.size() * sizeof(SortedRun::Row));
  run_.blocks.push_back(std::make_shared<const FeatureRecords>(std::move(records)));
  bytes_ += bytes;
  const int64_t used = runs_.used_ += bytes;
  // A thread that has little leaves it to the others: runs should be long.
  if (used <= runs_.memory_bytes_ || bytes_ < runs_.memory_bytes_ / (2 * threads_)) return {};
  SortedRun run = std::exchange(run_, {});
  ONEFOLD_RETURN_IF_ERROR(runs_.spill(run));
  runs_.used_ -= std::exchange(bytes_, 0);
  const std::lock_guard lock(runs_.adding_);
  runs_.runs_.push_back(std::move(run));
  return {};
}

void SortedRuns::Collector::finish() {
  if (run_.rows.empty()) return;
  sort_rows(run_);
  const std::lock_guard lock(runs_.adding_);
  runs_.runs_.push_back(std::move(run_));
}

Status SortedRuns::settle(WorkerPool& pool) {
  if (num_spilled() == 0) return {};
  return pool.run_all(static_cast<int64_t>(runs_.size()),
                      [this](int64_t i) { return spill(runs_[i]); });
}

int64_t SortedRuns::num_spilled() const {
  return std::count_if(runs_.begin(), runs_.end(),
                       [](const SortedRun& run) { return !run.spilled.empty(); });
}

Status SortedRuns::spill(SortedRun& run) const {
  if (run.rows.empty()) return {};
  sort_rows(run);
  FeatureBuffer buffer(schema_);
  std::vector<RequestKey> keys;
  for (const SortedRun::Row& row : run.rows) {
    buffer.append(*run.blocks[row.block], row.row);
    keys.push_back(row.key);
    if (buffer.bytes() >= block_bytes_) {
      ONEFOLD_RETURN_IF_ERROR(spill_block(buffer.take(), keys, run));
    }
  }
  if (!keys.empty()) ONEFOLD_RETURN_IF_ERROR(spill_block(buffer.take(), keys, run));
  std::vector<SortedRun::Row>().swap(run.rows);
  std::vector<RecordsPtr>().swap(run.blocks);
  return {};
}

Status SortedRuns::spill_block(FeatureRecords&& records, std::vector<RequestKey>& keys,
                               SortedRun& run) const {
  const Block block = codec_.encode(records);
  ONEFOLD_ASSIGN_OR_RETURN_ARROW(
      const auto bytes,
      arrow::ipc::SerializeRecordBatch(*block.batch, arrow::ipc::IpcWriteOptions::Defaults()),
      kSpilled);
  SpilledBlock spilled{.bytes = bytes->size(), .num_requests = records.num_requests()};
  ONEFOLD_ASSIGN_OR_RETURN(spilled.offset, spill_.append(bytes->data(), bytes->size()));
  ONEFOLD_ASSIGN_OR_RETURN(spilled.keys_offset, spill_.append(keys.data(), bytes_of(keys)));
  run.spilled.push_back(spilled);
  keys.clear();
  return {};
}

Result<LoadedBlock> SortedRuns::load(const SpilledBlock& block) const {
  LoadedBlock loaded;
  loaded.keys.resize(block.num_requests);
  ONEFOLD_RETURN_IF_ERROR(
      spill_.read(block.keys_offset, loaded.keys.data(), bytes_of(loaded.keys)));
  ONEFOLD_ASSIGN_OR_RETURN_ARROW(auto bytes, arrow::AllocateBuffer(block.bytes), kSpilled);
  ONEFOLD_RETURN_IF_ERROR(spill_.read(block.offset, bytes->mutable_data(), block.bytes));
  arrow::io::BufferReader stream(std::shared_ptr<arrow::Buffer>(std::move(bytes)));
  arrow::ipc::DictionaryMemo memo;
  auto options = arrow::ipc::IpcReadOptions::Defaults();
  options.use_threads = false;
  ONEFOLD_ASSIGN_OR_RETURN_ARROW(
      auto batch, arrow::ipc::ReadRecordBatch(codec_.arrow_schema(), &memo, options, &stream),
      kSpilled);
  ONEFOLD_ASSIGN_OR_RETURN(FeatureRecords records,
                           codec_.decode({.batch = std::move(batch), .checksum = ""}));
  loaded.records = std::make_shared<const FeatureRecords>(std::move(records));
  return loaded;
}

}  // namespace onefold
