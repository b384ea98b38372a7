// SPDX-License-Identifier: Apache-2.0
// VersionWriter: writes one version, user by user in ascending order, in bounded memory, and
// continues where a killed run stopped.
//
//   ONEFOLD_ASSIGN_OR_RETURN(auto writer, VersionWriter::open(store, info));
//   for (user : users after writer->resume_after()) writer->add(user, words);
//   ONEFOLD_ASSIGN_OR_RETURN(VersionInfo done, writer->finish());
//
// Parts are written to STORE/.v000001.partial/ and sealed one by one; finish() writes the manifest
// and renames the directory, which is the moment the version exists.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "onefold/base/status.h"
#include "onefold/embedding_store/embedding_store.h"

namespace onefold {

struct VersionWriterOptions {
  int64_t part_users = 65536;      // users per file: what a kill can cost at most
  int64_t row_group_users = 1024;  // users per row group: what one lookup decodes
};

class VersionWriter {
 public:
  // `info` says format, shape, slices, model, as_of and base; its id and files are filled here.
  // Parts that an earlier, killed run with the same description left are kept; those of another
  // description are removed. kSchema when the base is not compatible (check_compatible).
  static Result<std::unique_ptr<VersionWriter>> open(const EmbeddingStore& store, VersionInfo info,
                                                     const VersionWriterOptions& options = {});
  virtual ~VersionWriter() = default;

  // The last user already sealed by an earlier run: go on after it. nullopt: begin at the start.
  virtual std::optional<int64_t> resume_after() const = 0;
  // Sealed or added so far.
  virtual int64_t num_users() const = 0;

  // REQUIRES: `user_id` is greater than every one before it and than resume_after(), and `words`
  // has words_per_user() entries (CheckError).
  virtual Status add(int64_t user_id, std::span<const int64_t> words) = 0;

  // Adds to the version's quantisation error: sum of squared differences over `count` values.
  virtual void add_error(double sum_of_squares, int64_t count) = 0;

  virtual Result<VersionInfo> finish() = 0;
};

}  // namespace onefold
