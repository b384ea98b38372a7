// SPDX-License-Identifier: Apache-2.0
// LineReader: a text file line by line, however large.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "onefold/base/status.h"
#include "onefold/timeline/text_file.h"

namespace onefold {

class LineReader {
 public:
  static constexpr int64_t kMaxLineBytes = 64 << 20;

  LineReader(std::string path, TextFile file) : path_(std::move(path)), file_(std::move(file)) {}

  // The next line without its end ("\n" or "\r\n"), valid until the next call; false at the end of
  // the file. Of a line longer than kMaxLineBytes the first kMaxLineBytes + 1 bytes come.
  Result<bool> next(std::string_view* line);
  int64_t number() const { return number_; }  // of the last line, from 1
  double fraction_read() const { return file_.fraction_read(); }

 private:
  Status fill();

  std::string path_;
  TextFile file_;
  std::string buffer_;
  size_t begin_ = 0;  // of what is not yet returned
  bool at_end_ = false;
  std::string overlong_;  // the beginning of the line, if it is too long
  int64_t number_ = 0;
};

}  // namespace onefold
