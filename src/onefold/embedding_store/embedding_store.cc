// SPDX-License-Identifier: Apache-2.0
#include "onefold/embedding_store/embedding_store.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "onefold/base/files.h"
#include "onefold/base/hash.h"

namespace onefold {
namespace {

using nlohmann::json;

constexpr const char* kStoreName = "_store.json";

std::string store_path(const std::string& directory) { return directory + "/" + kStoreName; }

// The number in "v000012"; 0 for any other name.
int64_t version_number(const std::string& id) {
  int64_t number = 0;
  if (id.size() < 2 || id[0] != 'v') return 0;
  const auto [end, error] = std::from_chars(id.data() + 1, id.data() + id.size(), number);
  return error == std::errc() && end == id.data() + id.size() ? number : 0;
}

Result<std::vector<LiveInterval>> history_from_json(const json& entry) {
  try {
    if (entry.at("format_version").get<int>() > kEmbeddingFormatVersion) {
      return unsupported("the store was written by a newer onefold");
    }
    std::vector<LiveInterval> history;
    for (const json& interval : entry.at("live")) {
      history.push_back(
          {interval.at("version").get<std::string>(), interval.at("from_us").get<int64_t>()});
    }
    return history;
  } catch (const json::exception& error) {
    return schema_error(error.what());
  }
}

// Whether `directory` is absent, empty, or holds only what a killed open_or_create() left there.
bool can_become_store(const std::string& directory) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (entry.path().filename().string() != std::string(kStoreName) + ".tmp") return false;
  }
  return !error || error == std::errc::no_such_file_or_directory;
}

}  // namespace

Result<EmbeddingStore> EmbeddingStore::open(const std::string& directory) {
  const std::string path = store_path(directory);
  if (!path_exists(path)) {
    return not_found(directory + ": is no embedding store (no " + kStoreName +
                     "); make one with `onefold embed generate`");
  }
  ONEFOLD_ASSIGN_OR_RETURN(const std::string text, read_file(path));
  const json entry = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (entry.is_discarded()) return data_loss(path + ": is not JSON; the file is damaged");
  auto history = history_from_json(entry);
  if (!history.ok()) return history.status().with_context(path);
  EmbeddingStore store(directory);
  store.history_ = std::move(history).value();
  return store;
}

Result<EmbeddingStore> EmbeddingStore::open_or_create(const std::string& directory) {
  if (path_exists(store_path(directory))) return open(directory);
  if (!can_become_store(directory)) {
    return invalid_argument(directory + ": is neither empty nor an embedding store");
  }
  ONEFOLD_RETURN_IF_ERROR(make_directories(directory));
  EmbeddingStore store(directory);
  ONEFOLD_RETURN_IF_ERROR(store.save());
  return store;
}

Result<std::vector<std::string>> EmbeddingStore::versions() const {
  std::error_code error;
  std::vector<std::string> ids;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, error)) {
    const std::string name = entry.path().filename().string();
    if (version_number(name) > 0 && path_exists(entry.path().string() + "/" + kVersionName)) {
      ids.push_back(name);
    }
  }
  if (error) return os_error(directory_, error.value());
  std::sort(ids.begin(), ids.end(), [](const std::string& a, const std::string& b) {
    return version_number(a) < version_number(b);
  });
  return ids;
}

Result<VersionInfo> EmbeddingStore::info(const std::string& id) const {
  ONEFOLD_ASSIGN_OR_RETURN(const auto ids, versions());
  if (std::find(ids.begin(), ids.end(), id) == ids.end()) {
    return not_found(fmt::format("{}: no version '{}'; there are: {}", directory_, id,
                                 ids.empty() ? "none" : fmt::format("{}", fmt::join(ids, ", "))));
  }
  return read_version_info(version_directory(id));
}

Result<std::string> EmbeddingStore::next_id() const {
  ONEFOLD_ASSIGN_OR_RETURN(const auto ids, versions());
  return fmt::format("v{:06}", ids.empty() ? 1 : version_number(ids.back()) + 1);
}

std::optional<std::string> EmbeddingStore::live_at(int64_t time_us) const {
  std::optional<std::string> version;
  for (const LiveInterval& interval : history_) {
    if (interval.from_us <= time_us) version = interval.version;
  }
  return version;
}

std::optional<std::string> EmbeddingStore::live() const {
  if (history_.empty()) return std::nullopt;
  return history_.back().version;
}

Status EmbeddingStore::publish(const std::string& id, int64_t at_us) {
  ONEFOLD_RETURN_IF_ERROR(verify(id));
  return append_interval({id, at_us});
}

Status EmbeddingStore::rollback(int64_t at_us) {
  for (auto it = history_.rbegin(); it != history_.rend(); ++it) {
    if (it->version != history_.back().version) {
      ONEFOLD_RETURN_IF_ERROR(verify(it->version));
      return append_interval({it->version, at_us});
    }
  }
  return invalid_argument(directory_ + ": no earlier live version to roll back to");
}

Status EmbeddingStore::verify(const std::string& id) const {
  for (std::string next = id; !next.empty();) {
    ONEFOLD_ASSIGN_OR_RETURN(const VersionInfo version, info(next));
    for (const VersionFile& file : version.files) {
      const std::string path = version_directory(next) + "/" + file.path;
      ONEFOLD_ASSIGN_OR_RETURN(const std::string checksum, hash_file(path));
      if (checksum != file.xxh3) {
        return data_loss(path + ": its checksum is " + checksum + ", expected " + file.xxh3 +
                         "; the file is damaged, generate the version again");
      }
    }
    next = version.base;
  }
  return {};
}

Status EmbeddingStore::append_interval(LiveInterval interval) {
  if (!history_.empty() && interval.from_us <= history_.back().from_us) {
    return invalid_argument(
        fmt::format("version {} is live from {} us on; a publication must be later",
                    history_.back().version, history_.back().from_us));
  }
  history_.push_back(std::move(interval));
  Status status = save();
  if (!status.ok()) history_.pop_back();
  return status;
}

Status EmbeddingStore::save() const {
  json live = json::array();
  for (const LiveInterval& interval : history_) {
    live.push_back({{"version", interval.version}, {"from_us", interval.from_us}});
  }
  const json entry = {{"format", "onefold-embedding-store"},
                      {"format_version", kEmbeddingFormatVersion},
                      {"live", std::move(live)}};
  return write_file_atomic(store_path(directory_), entry.dump(2) + "\n");
}

}  // namespace onefold
