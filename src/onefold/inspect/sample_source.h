// SPDX-License-Identifier: Apache-2.0
// SampleSource: the samples of a table or of Parquet files, in the order in which they are stored,
// as the statistics need them: keys, and every value as a 64-bit word.
//
//   feature "tags"   rows ["a","b"] [] ["a"]     words [h(a),h(b)] [] [h(a)]
//
// Equal values have equal words; that is all the statistics ask of them. Integers are their own
// words, floats their bits, anything longer than 8 bytes its hash.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/jagged/jagged_tensor.h"

namespace onefold {

struct SourceFeature {
  std::string name;
  std::string kind;  // "id_list" in a table, the Arrow type in a Parquet file
};

// Features that share their rows. A feature stored per sample is a group of its own.
struct SourceGroup {
  std::string name;  // empty: stored per sample
  std::vector<SourceFeature> features;
};

// N samples, stored one after another.
struct SampleChunk {
  std::vector<uint64_t> session;   // [N] equal for samples of one session
  std::vector<uint64_t> user;      // [N], or empty where users are not known
  std::vector<uint64_t> request;   // [N], or empty where requests are not known
  std::vector<int64_t> time;       // [N], any unit, or empty: they arrived as they are stored
  std::vector<int64_t> positives;  // [labels] how many of the N samples
  struct Rows {
    std::vector<int32_t> row_of_sample;           // [N], or empty: sample i has row i
    std::vector<JaggedTensor<int64_t>> features;  // words; a missing value is an empty row
  };
  std::vector<Rows> groups;

  int64_t num_samples() const { return static_cast<int64_t>(session.size()); }
};

// The word of a null where a value is expected: no user, a null inside a list.
inline constexpr int64_t kNullWord = 0x6e756c6c6e756c6c;

class SampleSource {
 public:
  virtual ~SampleSource() = default;

  virtual const std::vector<SourceGroup>& groups() const = 0;
  virtual const std::vector<std::string>& labels() const = 0;
  // nullopt after the last sample.
  virtual Result<std::optional<SampleChunk>> next() = 0;
};

}  // namespace onefold
