// SPDX-License-Identifier: Apache-2.0
// For tests: embedding stores with words that say where they come from.
#pragma once

#include <filesystem>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "onefold/embedding_store/embedding_store.h"
#include "onefold/embedding_store/version_writer.h"

namespace onefold {

inline constexpr EmbeddingShape kTestShape{.tokens = 2, .dim = 4};

inline VersionInfo test_version(const std::string& base = "") {
  VersionInfo info;
  info.base = base;
  info.format = EmbeddingFormat::kFp32;
  info.shape = kTestShape;
  info.slices = "5a5a";
  info.model = "c0de";
  return info;
}

// The words of `user` in a version marked `mark`.
inline std::vector<int64_t> test_words(int64_t user, int mark, const VersionInfo& info) {
  std::vector<float> values(info.shape.num_values());
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] =
        static_cast<float>(mark) + static_cast<float>(user) / 1024 + static_cast<float>(i) / 64;
  }
  std::vector<int64_t> words(words_per_user(info.format, info.shape));
  if (!quantize(info.format, info.shape, values, words).ok()) throw std::runtime_error("quantize");
  return words;
}

inline std::vector<int64_t> test_words(int64_t user, int mark) {
  return test_words(user, mark, test_version());
}

// A new version with `users`, marked `mark`; its id. Row groups of two users.
inline std::string write_test_version(const EmbeddingStore& store, const std::set<int64_t>& users,
                                      int mark, const VersionInfo& info = test_version()) {
  auto writer = VersionWriter::open(store, info, {.part_users = 64, .row_group_users = 2}).value();
  for (const int64_t user : users) {
    if (!writer->add(user, test_words(user, mark, info)).ok()) throw std::runtime_error("add");
  }
  return writer->finish().value().id;
}

}  // namespace onefold
