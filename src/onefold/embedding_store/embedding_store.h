// SPDX-License-Identifier: Apache-2.0
// EmbeddingStore: the versions of one user embedding, and which of them was live when.
//
// Generating a version does not publish it: it becomes visible to consumers when publish() adds it
// to the live history, in one atomic rewrite of `_store.json`. The history is never shortened, so
// that training can join each sample with the version that was live at its time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/embedding_store/version_info.h"

namespace onefold {

struct LiveInterval {
  std::string version;
  int64_t from_us = 0;  // until the next interval's from_us

  bool operator==(const LiveInterval&) const = default;
};

class EmbeddingStore {
 public:
  // Opens the store at `directory`. kNotFound when there is none.
  static Result<EmbeddingStore> open(const std::string& directory);
  // Opens it, or makes an empty one. kInvalidArgument when the directory holds something else.
  static Result<EmbeddingStore> open_or_create(const std::string& directory);

  const std::string& directory() const { return directory_; }
  std::string version_directory(const std::string& id) const { return directory_ + "/" + id; }

  // Ids of all finished versions, oldest first; published or not.
  Result<std::vector<std::string>> versions() const;
  // kNotFound lists the versions there are.
  Result<VersionInfo> info(const std::string& id) const;
  // The id that the next version will get.
  Result<std::string> next_id() const;

  const std::vector<LiveInterval>& history() const { return history_; }
  // The version live at a time; nullopt before the first publication.
  std::optional<std::string> live_at(int64_t time_us) const;
  // The newest published version, nullopt if none.
  std::optional<std::string> live() const;

  // Checks every file of the version and of its bases against its checksum, then makes it live
  // from `at_us` on. kDataLoss for a damaged file, kInvalidArgument when `at_us` is not after the
  // newest interval's start.
  Status publish(const std::string& id, int64_t at_us);
  // Makes the version that was live before the newest live one live again from `at_us` on.
  // kInvalidArgument when there is none.
  Status rollback(int64_t at_us);
  // Checksums of one version's files, bases included.
  Status verify(const std::string& id) const;

 private:
  explicit EmbeddingStore(std::string directory) : directory_(std::move(directory)) {}
  Status append_interval(LiveInterval interval);
  Status save() const;

  std::string directory_;
  std::vector<LiveInterval> history_;
};

}  // namespace onefold
