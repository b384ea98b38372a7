// SPDX-License-Identifier: Apache-2.0
#include "onefold/train/safetensors.h"

#include <cstring>
#include <fstream>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "onefold/base/files.h"

namespace onefold {
namespace {

class SafetensorsTest : public testing::Test {
 protected:
  std::string path() const {
    return testing::TempDir() + "onefold_" +
           testing::UnitTest::GetInstance()->current_test_info()->name() + ".safetensors";
  }
  void write_raw(const std::string& bytes) { std::ofstream(path(), std::ios::binary) << bytes; }
  // A file with this header text and `data_bytes` zeros.
  void write_header(const std::string& header, size_t data_bytes) {
    const uint64_t size = header.size();
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), &size, 8);
    write_raw(bytes + header + std::string(data_bytes, '\0'));
  }
  Status read_status() { return read_safetensors(path()).status(); }
};

TEST_F(SafetensorsTest, RoundTrip) {
  const std::vector<NamedTensor> tensors = {{"a", at::randn({3, 5})},
                                            {"double", at::randn({2}, at::kDouble)},
                                            {"empty", at::empty({0, 4})},
                                            {"scalar", at::tensor(7, at::kLong)},
                                            {"int \"quoted\" \n", at::tensor({1, -2}, at::kInt)}};
  ASSERT_TRUE(write_safetensors(path(), tensors, {{"format", "pt"}}).ok());
  const Safetensors file = read_safetensors(path()).value();
  EXPECT_EQ(file.metadata.at("format"), "pt");
  ASSERT_EQ(file.tensors.size(), tensors.size());
  for (const NamedTensor& tensor : tensors) {
    EXPECT_EQ(file.tensors.at(tensor.name).scalar_type(), tensor.value.scalar_type());
    EXPECT_TRUE(at::equal(file.tensors.at(tensor.name), tensor.value)) << tensor.name;
  }
}

TEST_F(SafetensorsTest, BytesAreTheFormats) {
  ASSERT_TRUE(write_safetensors(path(), {{"x", at::tensor({1.0f, 2.0f})}}).ok());
  const std::string bytes = read_file(path()).value();
  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data(), 8);
  EXPECT_EQ(header_bytes % 8, 0u);
  EXPECT_EQ(bytes.size(), 8 + header_bytes + 8);
  EXPECT_EQ(bytes.substr(8, 55), R"({"x":{"data_offsets":[0,8],"dtype":"F32","shape":[2]}} )");
  float values[2];
  std::memcpy(values, bytes.data() + 8 + header_bytes, 8);
  EXPECT_EQ(values[1], 2.0f);
}

TEST_F(SafetensorsTest, NoTensors) {
  ASSERT_TRUE(write_safetensors(path(), {}).ok());
  EXPECT_TRUE(read_safetensors(path()).value().tensors.empty());
}

TEST_F(SafetensorsTest, MissingFile) { EXPECT_EQ(read_status().code(), StatusCode::kNotFound); }

struct BadHeader {
  const char* header;
  size_t data_bytes;
  const char* message;
};

TEST_F(SafetensorsTest, HeadersThatDoNotHoldTogether) {
  const BadHeader cases[] = {
      {"[]", 0, "not a JSON object"},
      {"{", 0, "not a JSON object"},
      {"", 0, "not a JSON object"},
      {R"({"x": 1})", 0, "needs dtype"},
      {R"({"x": {"dtype": "F32", "shape": [1]}})", 4, "needs dtype"},
      {R"({"x": {"dtype": "F32", "shape": 1, "data_offsets": [0, 4]}})", 4, "shape is not"},
      {R"({"x": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}})", 4, "shape is not"},
      {R"({"x": {"dtype": "F32", "shape": [1.5], "data_offsets": [0, 4]}})", 4, "shape is not"},
      {R"({"x": {"dtype": "F32", "shape": [1], "data_offsets": [0]}})", 4, "data_offsets is not"},
      {R"({"x": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}})", 4, "disagree"},
      {R"({"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}})", 4, "disagree"},
      {R"({"x": {"dtype": "F32", "shape": [4611686018427387904, 4], "data_offsets": [0, 0]}})", 0,
       "impossibly large"},
      {R"({"x": {"dtype": "F32", "shape": [18446744073709551615], "data_offsets": [0, 4]}})", 4,
       "impossibly large"},
      {R"({"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})", 8, "the file has 8"},
      {R"({"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})", 0, "the file has 0"},
      {R"({"x": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}})", 8, "expected 0"},
      {R"({"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
           "y": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})",
       4, "expected 4"},
      {R"({"__metadata__": [1]})", 0, "__metadata__"},
      {R"({"__metadata__": {"a": 1}})", 0, "metadata 'a'"},
  };
  for (const BadHeader& bad : cases) {
    write_header(bad.header, bad.data_bytes);
    const Status status = read_status();
    EXPECT_EQ(status.code(), StatusCode::kDataLoss) << bad.header;
    EXPECT_NE(status.message().find(bad.message), std::string::npos) << status.message();
    EXPECT_NE(status.message().find(path()), std::string::npos) << "names the file";
  }
  write_header(R"({"x": {"dtype": "F8_E4M3", "shape": [1], "data_offsets": [0, 1]}})", 1);
  EXPECT_EQ(read_status().code(), StatusCode::kUnsupported);
}

TEST_F(SafetensorsTest, LengthsThatLie) {
  write_raw("");
  EXPECT_EQ(read_status().code(), StatusCode::kDataLoss);
  write_raw("1234567");
  EXPECT_EQ(read_status().code(), StatusCode::kDataLoss);
  write_raw(std::string(7, '\0') + "\x7f{}");  // a header of 2^62 bytes
  EXPECT_EQ(read_status().code(), StatusCode::kDataLoss);
}

// Whatever one byte is changed to, reading ends in a Status or in tensors, and truncation is found.
TEST_F(SafetensorsTest, EveryByteFlippedEveryLengthCut) {
  ASSERT_TRUE(write_safetensors(path(), {{"a", at::ones({2, 2})}, {"b", at::ones({3}, at::kLong)}},
                                {{"k", "v"}})
                  .ok());
  const std::string good = read_file(path()).value();
  for (size_t i = 0; i < good.size(); ++i) {
    for (unsigned char flip : {0x01, 0x10, 0x80, 0xff}) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ flip);
      write_raw(bad);
      const auto result = read_safetensors(path());
      if (!result.ok()) {
        EXPECT_NE(result.status().code(), StatusCode::kIoError);
      }
    }
    write_raw(good.substr(0, i));
    EXPECT_EQ(read_status().code(), StatusCode::kDataLoss) << "cut at " << i;
  }
}

}  // namespace
}  // namespace onefold
