// SPDX-License-Identifier: Apache-2.0
#include "onefold/build/rejects.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "onefold/base/files.h"

namespace onefold {
namespace {

Status copy_range(const std::string& from, int64_t offset, int64_t bytes, const std::string& to) {
  std::ifstream in(from, std::ios::binary);
  if (!in.seekg(offset)) return os_error(from, errno);
  std::ofstream out(to, std::ios::binary);
  std::vector<char> block(1 << 16);
  while (bytes > 0 && in && out) {
    in.read(block.data(), std::min<int64_t>(bytes, static_cast<int64_t>(block.size())));
    out.write(block.data(), in.gcount());
    bytes -= in.gcount();
  }
  if (bytes > 0 || !out.flush())
    return io_error(to + ": cannot put the bytes of " + from + " aside");
  return {};
}

}  // namespace

Status write_rejects(const std::string& directory, const std::string& log,
                     const std::vector<TornTail>& tails) {
  if (tails.empty()) return {};
  ONEFOLD_RETURN_IF_ERROR(make_directories(directory + "/" + kRejectsDirectory));
  std::string list;
  for (size_t i = 0; i < tails.size(); ++i) {
    const TornTail& tail = tails[i];
    ONEFOLD_ASSIGN_OR_RETURN(const uint64_t size, file_size(tail.path));
    const int64_t offset = static_cast<int64_t>(size) - tail.bytes_skipped;
    std::string kept;  // a segment without its end marker has lost no bytes that are there
    if (tail.bytes_skipped > 0) {
      kept = fmt::format("{}/{:05}.bytes", kRejectsDirectory, i);
      ONEFOLD_RETURN_IF_ERROR(
          copy_range(tail.path, offset, tail.bytes_skipped, directory + "/" + kept));
    }
    const nlohmann::json line = {
        {"segment", std::filesystem::path(tail.path).lexically_relative(log).string()},
        {"records_read", tail.num_records},
        {"offset", offset},
        {"bytes", tail.bytes_skipped},
        {"reason", tail.reason},
        {"kept", kept}};
    list += line.dump() + "\n";
  }
  return write_file_atomic(directory + "/" + kRejectsList, list);
}

}  // namespace onefold
