// SPDX-License-Identifier: Apache-2.0
#include "onefold/inspect/session_repeats.h"

#include "onefold/base/hash.h"
#include "onefold/inspect/overlap.h"

namespace onefold {
namespace {

constexpr int64_t kBytesPerSession = 96;  // a map node with its vector
constexpr int64_t kBytesPerHash = 48;     // two to four slots of 16 bytes

}  // namespace

void SessionRepeats::add(uint64_t session, uint64_t hash, std::span<const int64_t> list) {
  if (bytes_ > max_bytes_) forget();
  if (!current_previous_ || session != current_session_) {
    current_session_ = session;
    const auto [entry, inserted] = previous_.try_emplace(session);
    current_previous_ = &entry->second;
    bytes_ += inserted ? kBytesPerSession : 0;
  }
  if (seen_.insert(hash64(static_cast<int64_t>(session), hash))) {
    covered_values_ += overlap(*current_previous_, list);
    bytes_ += kBytesPerHash;
  } else {
    count_exact(list.size());
  }
  const size_t capacity = current_previous_->capacity();
  current_previous_->assign(list.begin(), list.end());
  bytes_ += static_cast<int64_t>((current_previous_->capacity() - capacity) * sizeof(int64_t));
}

void SessionRepeats::forget() {
  previous_.clear();
  seen_.clear();
  current_previous_ = nullptr;
  bytes_ = 0;
  forgot_sessions_ = true;
}

}  // namespace onefold
