// SPDX-License-Identifier: Apache-2.0
#include "onefold/build/request_stream.h"

#include <algorithm>
#include <mutex>
#include <optional>

namespace onefold {
namespace {

// A block that the pool loads if it comes to it in time; else whoever needs it does.
class AheadBlock {
 public:
  AheadBlock(const SortedRuns& runs, SpilledBlock block) : runs_(runs), block_(block) {}
  Result<LoadedBlock>& load() {
    std::call_once(once_, [&] { loaded_.emplace(runs_.load(block_)); });
    return *loaded_;
  }

 private:
  const SortedRuns& runs_;
  SpilledBlock block_;
  std::once_flag once_;
  std::optional<Result<LoadedBlock>> loaded_;
};

}  // namespace

// Where one run is.
class RequestStream::Cursor {
 public:
  Cursor(const SortedRuns& runs, const SortedRun& run, WorkerPool* ahead)
      : runs_(runs), run_(run), ahead_(ahead) {}

  const SortedRequest& value() const { return value_; }

  // Moves to the first or the next request; false at the end.
  Result<bool> next() { return run_.spilled.empty() ? next_in_memory() : next_spilled(); }

 private:
  bool next_in_memory() {
    if (row_ == run_.rows.size()) return false;
    const SortedRun::Row& row = run_.rows[row_++];
    value_ = {row.key, run_.blocks[row.block], row.row};
    return true;
  }

  Result<bool> next_spilled() {
    if (row_ == loaded_.keys.size()) {
      ONEFOLD_ASSIGN_OR_RETURN(const bool loaded, load_next());
      if (!loaded) return false;
    }
    value_ = {loaded_.keys[row_], loaded_.records, static_cast<int32_t>(row_)};
    ++row_;
    return true;
  }

  Result<bool> load_next() {
    value_ = {};  // lets go of the block
    loaded_ = {};
    row_ = 0;
    if (block_ == run_.spilled.size()) return false;
    if (!next_) next_ = std::make_shared<AheadBlock>(runs_, run_.spilled[block_]);
    Result<LoadedBlock>& loaded = next_->load();
    if (!loaded.ok()) return loaded.status();
    loaded_ = *std::move(loaded);
    next_.reset();
    if (++block_ < run_.spilled.size() && ahead_ != nullptr) {
      next_ = std::make_shared<AheadBlock>(runs_, run_.spilled[block_]);
      ahead_->spawn([next = next_] {
        try {
          (void)next->load();
        } catch (...) {  // who needs the block loads it again, and throws where it is caught
        }
      });
    }
    return true;
  }

  const SortedRuns& runs_;
  const SortedRun& run_;
  WorkerPool* ahead_;
  SortedRequest value_;
  size_t row_ = 0;  // the next one, in run_.rows or loaded_
  LoadedBlock loaded_;
  size_t block_ = 0;  // the next one to load
  std::shared_ptr<AheadBlock> next_;
};

RequestStream::RequestStream() = default;
RequestStream::~RequestStream() = default;

bool RequestStream::later(const Cursor* a, const Cursor* b) {
  return b->value().key < a->value().key;
}

Result<std::unique_ptr<RequestStream>> RequestStream::open(const SortedRuns& runs, WorkerPool& pool,
                                                           bool read_ahead) {
  std::unique_ptr<RequestStream> stream(new RequestStream());
  for (const SortedRun& run : runs.runs()) {
    stream->cursors_.push_back(std::make_unique<Cursor>(runs, run, read_ahead ? &pool : nullptr));
    ONEFOLD_ASSIGN_OR_RETURN(const bool found, stream->cursors_.back()->next());
    if (found) stream->heap_.push_back(stream->cursors_.back().get());
  }
  std::make_heap(stream->heap_.begin(), stream->heap_.end(), later);
  return stream;
}

const SortedRequest& RequestStream::value() const { return heap_.front()->value(); }

Status RequestStream::advance() {
  std::pop_heap(heap_.begin(), heap_.end(), later);
  ONEFOLD_ASSIGN_OR_RETURN(const bool found, heap_.back()->next());
  if (found) {
    std::push_heap(heap_.begin(), heap_.end(), later);
  } else {
    heap_.pop_back();
  }
  return {};
}

}  // namespace onefold
