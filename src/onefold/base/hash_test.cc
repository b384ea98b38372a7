// SPDX-License-Identifier: Apache-2.0
#include "onefold/base/hash.h"

#include <limits>

#include <gtest/gtest.h>
#include <unistd.h>

#include "onefold/base/files.h"

namespace onefold {
namespace {

// Expected values come from the Python binding of xxHash (xxhash 4.1.0, library 0.8.4), not from
// this build: they pin the algorithm, the seed and the byte order.
std::string pattern(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>((i * 7 + 3) % 256);
  return bytes;
}

TEST(Hash, GoldenBytes) {
  EXPECT_EQ(hash64(nullptr, 0), 0x2d06800538d394c2u);
  EXPECT_EQ(hash64("", 0, 1), 0x4dc5b0cc826f6703u);
  EXPECT_EQ(hash64("onefold", 7), 0x587f0c7ff3a2aca3u);
  EXPECT_EQ(hash64("onefold", 7, 42), 0xc40eb3296a786b99u);
}

TEST(Hash, GoldenLongInput) {
  const std::string bytes = pattern(1000);
  EXPECT_EQ(hash64(bytes.data(), 300), 0xfd9aa0f0d62e0227u);
  EXPECT_EQ(hash64(bytes.data(), 1000, 99), 0xfb12bd030a630ad6u);
}

TEST(Hash, GoldenIds) {
  EXPECT_EQ(hash64(int64_t{1}), 0x2fbc593564db792eu);
  EXPECT_EQ(hash64(int64_t{-1}), 0x5111c7e47d784413u);
  EXPECT_EQ(hash64(std::numeric_limits<int64_t>::max(), 7), 0xb60e94774d2f33d1u);
}

TEST(Hash, FileLongerThanOneBlock) {
  const std::string path = testing::TempDir() + "hash_test_" + std::to_string(::getpid());
  const std::string bytes = pattern(3 * (1 << 20) + 5);
  ASSERT_TRUE(write_file_atomic(path, bytes).ok());
  const Result<std::string> hash = hash_file(path);
  ::unlink(path.c_str());
  ASSERT_TRUE(hash.ok()) << hash.status().message();
  EXPECT_EQ(*hash, "20e27ad19d0cb411");
}

TEST(Hash, FileErrorsNameThePath) {
  const std::string missing = testing::TempDir() + "hash_test_missing";
  EXPECT_EQ(hash_file(missing).status().code(), StatusCode::kNotFound);
  EXPECT_NE(hash_file(missing).status().message().find(missing), std::string::npos);
  EXPECT_EQ(hash_file(testing::TempDir()).status().code(), StatusCode::kIoError);
}

}  // namespace
}  // namespace onefold
