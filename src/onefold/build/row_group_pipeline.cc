// SPDX-License-Identifier: Apache-2.0
#include "onefold/build/row_group_pipeline.h"

#include <utility>

namespace onefold {
namespace {

// Bytes that making the row group takes: its rows are gathered, and folded into a copy.
int64_t working_bytes(const SampleRows& rows) {
  int64_t bytes = 0, in_blocks = 0;
  for (const RecordsPtr& block : rows.blocks) {
    bytes += value_bytes(*block);
    in_blocks += block->num_requests();
  }
  // Of the blocks, only these requests are gathered.
  const auto gathered = static_cast<double>(bytes) * static_cast<double>(rows.requests.size()) /
                        static_cast<double>(std::max<int64_t>(1, in_blocks));
  return 3 * static_cast<int64_t>(gathered);
}

}  // namespace

RowGroupPipeline::RowGroupPipeline(WorkerPool& pool, Source source, Build build, int64_t max_bytes)
    : pool_(pool), source_(std::move(source)), build_(std::move(build)), max_bytes_(max_bytes) {}

RowGroupPipeline::~RowGroupPipeline() {
  std::unique_lock lock(mutex_);
  source_done_ = true;
  changed_.wait(lock, [this] { return tasks_ == 0; });
}

Result<std::optional<BuiltRowGroup>> RowGroupPipeline::next() {
  std::unique_lock lock(mutex_);
  wake_source();
  changed_.wait(lock, [this] {
    return !status_.ok() || exception_ ||
           (slots_.empty() ? source_done_ && !taking_ : slots_.front()->ready);
  });
  if (exception_) std::rethrow_exception(exception_);
  if (!status_.ok()) return status_;
  if (slots_.empty()) return std::optional<BuiltRowGroup>();
  const std::unique_ptr<Slot> slot = std::move(slots_.front());
  slots_.pop_front();
  bytes_ -= slot->bytes;
  wake_source();
  return std::optional(std::move(slot->built));
}

bool RowGroupPipeline::has_room() const {
  return slots_.empty() ||
         (slots_.size() < static_cast<size_t>(pool_.threads()) + 2 && bytes_ < max_bytes_);
}

void RowGroupPipeline::wake_source() {
  if (taking_ || source_done_ || !has_room()) return;
  taking_ = true;
  ++tasks_;
  pool_.spawn([this] { take_some(); });
}

void RowGroupPipeline::take_some() {
  try {
    Result<std::optional<SampleRows>> taken = source_();
    if (!taken.ok()) {
      fail(taken.status(), nullptr);
    } else {
      const std::lock_guard lock(mutex_);
      taking_ = false;
      if (taken->has_value()) {
        auto rows = std::make_shared<const SampleRows>(**std::move(taken));
        Slot& slot = *slots_.emplace_back(std::make_unique<Slot>());
        slot.bytes = working_bytes(*rows);
        bytes_ += slot.bytes;
        ++tasks_;
        pool_.spawn([this, &slot, rows = std::move(rows)]() mutable {
          build_one(slot, *rows);
          rows.reset();  // lets go of the blocks before the task counts as done
          end_task();
        });
        wake_source();
      } else {
        source_done_ = true;
      }
    }
  } catch (...) {
    fail({}, std::current_exception());
  }
  end_task();
}

void RowGroupPipeline::build_one(Slot& slot, const SampleRows& rows) {
  try {
    Result<Batch> batch = build_(rows);
    if (!batch.ok()) return fail(batch.status(), nullptr);
    slot.built = {.period = rows.period,
                  .num_requests = static_cast<int64_t>(rows.requests.size()),
                  .batch = *std::move(batch)};
    const std::lock_guard lock(mutex_);
    slot.ready = true;
  } catch (...) {
    fail({}, std::current_exception());
  }
}

void RowGroupPipeline::fail(Status status, std::exception_ptr exception) {
  const std::lock_guard lock(mutex_);
  if (status_.ok() && !exception_) {
    status_ = std::move(status);
    exception_ = exception;
  }
  source_done_ = true;
  taking_ = false;
}

void RowGroupPipeline::end_task() {
  const std::lock_guard lock(mutex_);
  --tasks_;
  changed_.notify_all();
}

}  // namespace onefold
