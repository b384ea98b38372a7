// SPDX-License-Identifier: Apache-2.0
#include "onefold/row_import/line_reader.h"

#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

namespace onefold {
namespace {

// The lines of a file with these bytes; of long ones their size.
std::vector<std::string> lines_of(const std::string& bytes) {
  const std::string path = testing::TempDir() + "/lines_" + std::to_string(getpid()) + ".txt";
  std::ofstream(path, std::ios::binary) << bytes;
  auto file = TextFile::open(path);
  EXPECT_TRUE(file.ok());
  LineReader reader(path, std::move(file).value());
  std::vector<std::string> lines;
  for (std::string_view line;;) {
    const auto more = reader.next(&line);
    EXPECT_TRUE(more.ok());
    if (!*more) break;
    lines.push_back(line.size() < 100 ? std::string(line) : std::to_string(line.size()));
    EXPECT_EQ(reader.number(), static_cast<int64_t>(lines.size()));
  }
  EXPECT_EQ(reader.fraction_read(), 1);
  unlink(path.c_str());
  return lines;
}

using Lines = std::vector<std::string>;

TEST(LineReader, Ends) {
  EXPECT_EQ(lines_of(""), Lines{});
  EXPECT_EQ(lines_of("\n"), Lines{""});
  EXPECT_EQ(lines_of("a\nbc\n"), (Lines{"a", "bc"}));
  EXPECT_EQ(lines_of("a\r\n\r\nbc"), (Lines{"a", "", "bc"}));
}

TEST(LineReader, LinesAcrossReads) {
  const std::string million(1 << 20, 'x');
  EXPECT_EQ(lines_of(million + "\n" + million + "yz\nb"), (Lines{"1048576", "1048578", "b"}));
  std::string bytes;
  Lines want;
  for (int i = 0; i < 300'000; ++i) {
    want.push_back(std::to_string(i * 719));
    bytes += want.back() + "\n";
  }
  EXPECT_EQ(lines_of(bytes), want);
}

TEST(LineReader, TooLongLinesAreCut) {
  const std::string most(LineReader::kMaxLineBytes, 'x');
  const std::string size = std::to_string(LineReader::kMaxLineBytes);
  const std::string more = std::to_string(LineReader::kMaxLineBytes + 1);
  EXPECT_EQ(lines_of(most + "\na\n" + most + most + "xx\nb\n" + most + "y"),
            (Lines{size, "a", more, "b", more}));
}

}  // namespace
}  // namespace onefold
