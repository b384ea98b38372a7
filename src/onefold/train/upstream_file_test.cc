// SPDX-License-Identifier: Apache-2.0
#include "onefold/train/upstream_file.h"

#include <gtest/gtest.h>

#include "onefold/base/files.h"

namespace onefold {
namespace {

std::string directory() {
  const std::string path = testing::TempDir() + "upstream_file_" +
                           testing::UnitTest::GetInstance()->current_test_info()->name();
  EXPECT_TRUE(make_directories(path).ok());
  return path;
}

UpstreamConfig config() {
  UpstreamConfig config;
  config.slice_set = SliceSet::load("news").value();
  config.gap_us = 5;
  config.max_events = {10, 20};
  config.dim = 12;
  config.table_rows = {100, 50, 7};
  config.outputs = 3;
  config.encoder = {.type = EncoderType::kFunnel,
                    .axis = EncoderAxis::kDims,
                    .mixer = EncoderMixer::kDims,
                    .tokens = 9,
                    .lce_tokens = 2,
                    .stride = 3,
                    .layers = 1,
                    .heads = 4,
                    .hidden = 11};
  return config;
}

TEST(UpstreamFile, ReadsBackWhatDecidesWeights) {
  ModelConfig model;
  EXPECT_EQ(upstream_file(model), "");
  model.upstream = config();
  ASSERT_TRUE(write_file_atomic(directory() + "/upstream.json", upstream_file(model)).ok());
  EXPECT_TRUE(read_upstream_file(directory()).value() == config());
}

TEST(UpstreamFile, SaysWhatIsWrong) {
  const std::string path = directory() + "/upstream.json";
  auto error = [&](const std::string& text) {
    EXPECT_TRUE(write_file_atomic(path, text).ok());
    return read_upstream_file(directory()).status().message();
  };
  ModelConfig model;
  model.upstream = config();
  std::string text = upstream_file(model);
  EXPECT_NE(error("{}").find("not the description of a user encoder"), std::string::npos);
  const size_t at = text.find("\"funnel\"");
  EXPECT_NE(error(std::string(text).replace(at, 8, "\"tunnel\"")).find("'tunnel' is no encoder"),
            std::string::npos);
  const std::string version = config().slice_set.version();
  EXPECT_NE(error(text.replace(text.find(version), 16, "0123456789abcdef")).find("have version"),
            std::string::npos);
  const auto absent = read_upstream_file("/nowhere/step-000000001");
  EXPECT_EQ(absent.status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace onefold
