// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/event_sorter.h"

#include <algorithm>
#include <tuple>

namespace onefold {
namespace {

// Below this a run's reads are seeks rather than streams.
constexpr size_t kMinReadEvents = 1024;

constexpr auto kEventBytes = static_cast<int64_t>(sizeof(Event));

// A run has a file of its own, so that a merged one gives its space back.
Result<std::unique_ptr<SpillFile>> spill_events(const std::string& directory,
                                                const std::vector<Event>& events) {
  auto file = std::make_unique<SpillFile>(directory);
  ONEFOLD_RETURN_IF_ERROR(
      file->append(events.data(), static_cast<int64_t>(events.size()) * kEventBytes).status());
  return file;
}

int64_t events_in(const SpillFile& file) { return file.bytes() / kEventBytes; }

bool before(const Event& a, const Event& b) {
  const auto key = [](const Event& event) {
    return std::tuple(event.user_id, event.timeline, event.at(EventColumn::kTime),
                      event.at(EventColumn::kEventId), event.arrival);
  };
  return key(a) < key(b);
}

}  // namespace

struct EventSorter::Run {
  SpillFile* file;
  std::vector<Event> buffer;
  int64_t next_read = 0;  // position in the file
  size_t position = 0, filled = 0;

  const Event& head() const { return buffer[position]; }
  // False at the end.
  Result<bool> advance() {
    if (++position < filled) return true;
    return fill();
  }
  Result<bool> fill() {
    const int64_t count =
        std::min(events_in(*file) - next_read, static_cast<int64_t>(buffer.size()));
    ONEFOLD_RETURN_IF_ERROR(
        file->read(next_read * kEventBytes, buffer.data(), count * kEventBytes));
    next_read += count;
    filled = static_cast<size_t>(count);
    position = 0;
    return filled > 0;
  }
};

EventSorter::EventSorter(std::string spill_directory, int64_t memory_bytes)
    : spill_directory_(std::move(spill_directory)),
      buffer_events_(std::max<size_t>(static_cast<size_t>(memory_bytes) / sizeof(Event),
                                      4 * kMinReadEvents)) {}

EventSorter::~EventSorter() = default;

Status EventSorter::add(const Event& event) {
  ONEFOLD_CHECK(!finished_, "add() after finish()");
  if (buffer_.size() == buffer_events_) ONEFOLD_RETURN_IF_ERROR(spill());
  // Doubling would overshoot the budget by half.
  if (buffer_.size() == buffer_.capacity()) {
    buffer_.reserve(std::min(buffer_events_, std::max<size_t>(1024, buffer_.size() * 2)));
  }
  buffer_.push_back(event);
  buffer_.back().arrival = num_events_++;
  return {};
}

Status EventSorter::spill() {
  std::sort(buffer_.begin(), buffer_.end(), before);
  ONEFOLD_ASSIGN_OR_RETURN(auto file, spill_events(spill_directory_, buffer_));
  files_.push_back(std::move(file));
  buffer_.clear();
  ++num_spilled_runs_;
  return {};
}

Status EventSorter::finish() {
  finished_ = true;
  if (files_.empty()) {
    std::sort(buffer_.begin(), buffer_.end(), before);
    return {};
  }
  if (!buffer_.empty()) ONEFOLD_RETURN_IF_ERROR(spill());
  std::vector<Event>().swap(buffer_);
  const size_t max_runs = std::max<size_t>(buffer_events_ / kMinReadEvents - 1, 2);
  while (files_.size() > max_runs) {
    // As few as need be in the first merge, so that later ones are full.
    const size_t excess = files_.size() - max_runs + 1;
    ONEFOLD_RETURN_IF_ERROR(merge_first(std::min(excess, max_runs)));
  }
  return open_runs(files_.size());
}

Status EventSorter::open_runs(size_t count) {
  runs_.clear();
  heap_.clear();
  current_ = nullptr;
  const size_t share = std::max(buffer_events_ / (count + 1), kMinReadEvents);
  for (size_t i = 0; i < count; ++i) {
    auto run = std::make_unique<Run>();
    run->file = files_[i].get();
    run->buffer.resize(std::min<size_t>(share, static_cast<size_t>(events_in(*run->file))));
    ONEFOLD_ASSIGN_OR_RETURN(const bool any, run->fill());
    if (any) heap_.push_back(run.get());
    runs_.push_back(std::move(run));
  }
  std::make_heap(heap_.begin(), heap_.end(),
                 [](const Run* a, const Run* b) { return before(b->head(), a->head()); });
  return {};
}

Status EventSorter::merge_first(size_t count) {
  ONEFOLD_RETURN_IF_ERROR(open_runs(count));
  auto merged = std::make_unique<SpillFile>(spill_directory_);
  std::vector<Event> block;
  for (;;) {
    ONEFOLD_ASSIGN_OR_RETURN(const Event* event, next_merged());
    if (event) block.push_back(*event);
    if (block.size() == kMinReadEvents || !event) {
      const auto bytes = static_cast<int64_t>(block.size()) * kEventBytes;
      ONEFOLD_RETURN_IF_ERROR(merged->append(block.data(), bytes).status());
      block.clear();
    }
    if (!event) break;
  }
  runs_.clear();
  files_.erase(files_.begin(), files_.begin() + static_cast<int64_t>(count));
  files_.push_back(std::move(merged));
  return {};
}

Result<const Event*> EventSorter::next_merged() {
  const auto later = [](const Run* a, const Run* b) { return before(b->head(), a->head()); };
  if (current_) {
    ONEFOLD_ASSIGN_OR_RETURN(const bool more, current_->advance());
    if (more) {
      heap_.push_back(current_);
      std::push_heap(heap_.begin(), heap_.end(), later);
    }
    current_ = nullptr;
  }
  if (heap_.empty()) return static_cast<const Event*>(nullptr);
  std::pop_heap(heap_.begin(), heap_.end(), later);
  current_ = heap_.back();
  heap_.pop_back();
  return &current_->head();
}

Result<const Event*> EventSorter::next() {
  ONEFOLD_CHECK(finished_, "next() before finish()");
  if (!files_.empty()) return next_merged();
  if (next_in_buffer_ == buffer_.size()) return static_cast<const Event*>(nullptr);
  return &buffer_[next_in_buffer_++];
}

}  // namespace onefold
