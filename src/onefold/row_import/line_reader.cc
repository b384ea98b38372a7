// SPDX-License-Identifier: Apache-2.0
#include "onefold/row_import/line_reader.h"

#include <arrow/io/interfaces.h>

#include "onefold/log/arrow_status.h"

namespace onefold {
namespace {

constexpr int64_t kReadBytes = 1 << 20;

std::string_view without_return(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

// Drops what was returned and reads on.
Status LineReader::fill() {
  buffer_.erase(0, begin_);
  begin_ = 0;
  const size_t size = buffer_.size();
  buffer_.resize(size + kReadBytes);
  int64_t read = 0;
  ONEFOLD_ASSIGN_OR_RETURN_ARROW(read, file_.input()->Read(kReadBytes, buffer_.data() + size),
                                 path_);
  buffer_.resize(size + read);
  at_end_ = read == 0;
  return {};
}

Result<bool> LineReader::next(std::string_view* line) {
  overlong_.clear();
  size_t searched = 0;  // bytes of the line known to hold no end
  size_t end = buffer_.npos;
  while ((end = buffer_.find('\n', begin_ + searched)) == buffer_.npos && !at_end_) {
    searched = buffer_.size() - begin_;
    if (static_cast<int64_t>(searched) > kMaxLineBytes) {
      if (overlong_.empty()) overlong_ = buffer_.substr(begin_, kMaxLineBytes + 1);
      begin_ = buffer_.size();
      searched = 0;
    }
    ONEFOLD_RETURN_IF_ERROR(fill());
  }
  if (end == buffer_.npos && begin_ == buffer_.size() && overlong_.empty()) return false;
  const size_t length = (end == buffer_.npos ? buffer_.size() : end) - begin_;
  *line = overlong_.empty() ? without_return(std::string_view(buffer_).substr(begin_, length))
                            : std::string_view(overlong_);
  begin_ += length + (end != buffer_.npos);
  ++number_;
  return true;
}

}  // namespace onefold
