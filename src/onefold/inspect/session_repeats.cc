// SPDX-License-Identifier: Apache-2.0
#include "onefold/inspect/session_repeats.h"

#include "onefold/base/hash.h"
#include "onefold/inspect/overlap.h"

namespace onefold {

void SessionRepeats::add(uint64_t session, uint64_t hash, std::span<const int64_t> list) {
  if (!current_previous_ || session != current_session_) {
    if (contiguous_) {
      previous_.clear();
      seen_.clear();
    }
    current_session_ = session;
    current_previous_ = &previous_[session];
  }
  if (!seen_.insert(hash64(static_cast<int64_t>(session), hash))) {
    repeat(static_cast<int64_t>(list.size()));
  } else {
    covered_values_ += overlap(*current_previous_, list);
  }
  current_previous_->assign(list.begin(), list.end());
}

}  // namespace onefold
