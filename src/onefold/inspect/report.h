// SPDX-License-Identifier: Apache-2.0
// InspectReport: how much of a table, or of any Parquet files, is repetition.
//
// Shares are of [0, 1]. Definitions, over the samples of each session in time order (docs/verbs/
// inspect.md has the same with examples):
//
//   exact duplicate    a sample whose value equals an earlier one of its session
//   partial duplicate  a list value that a windowed store would not store again: all values of an
//                      exact duplicate, else overlap() with the list before (overlap.h)
//   unchanged          d(f): of neighbouring samples of a session, how many are equal
//   fold factor        samples / distinct values, counted within batches of batch_size
//   predicted          1 / (1 - (S - 1) / S * d(f)), S samples of a session per batch: the fold
//                      factor that RecD's model (arXiv 2211.05239) gives
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace onefold {

struct FoldFactor {
  double measured = 1;
  double predicted = 1;
};

struct FeatureReport {
  std::string name;
  std::string kind;        // "id_list" in a table, the Arrow type in a Parquet file
  std::string group;       // empty: stored per sample
  double mean_length = 0;  // values per sample
  double exact_duplicates = 0;
  double partial_duplicates = 0;
  double unchanged = 0;
  FoldFactor session_order;
  FoldFactor arrival_order;
};

struct GroupReport {
  std::string name;
  int64_t rows = 0;           // stored payload rows; in a plain table, samples
  int64_t sample_values = 0;  // list values over all samples and features
  int64_t stored_values = 0;
  double session_order = 1;  // fold factor of whole rows of the group
  double arrival_order = 1;

  double values_ratio() const {
    return stored_values == 0 ? 1 : static_cast<double>(sample_values) / stored_values;
  }
};

struct StoredColumn {
  std::string file;  // kind of file: "samples", a group's name, or "parquet"
  std::string name;
  int64_t bytes = 0;               // as stored
  int64_t uncompressed_bytes = 0;  // encoded, before compression
};

struct InspectReport {
  std::string path;
  std::string layout;  // "folded", "plain" or "parquet"
  int64_t samples = 0;
  int64_t sessions = 0;
  std::optional<int64_t> users;  // nullopt: not known
  struct Label {
    std::string name;
    int64_t positives = 0;          // samples whose label is not 0
    std::optional<int64_t> events;  // that made them, where the table knows: an item that was
                                    // clicked twice is one sample and two events
  };
  std::vector<Label> labels;
  struct {
    double mean = 0;
    int64_t p50 = 0, p99 = 0, max = 0;  // nearest rank
  } samples_per_session;
  int64_t batch_size = 0;
  double session_order_samples = 0;  // S: samples of a session in a batch
  double arrival_order_samples = 0;
  bool has_time = false;     // false: arrival order is the order of the file
  int64_t out_of_order = 0;  // samples stored after a later one of their session
  // Sessions were forgotten to bound memory: duplicates of some features are lower bounds.
  bool forgot_sessions = false;
  std::vector<FeatureReport> features;
  std::vector<GroupReport> groups;
  std::vector<StoredColumn> columns;

  // Positive events of the first label, or positive samples where events are not known; nullopt
  // where there is no label.
  std::optional<int64_t> positives() const {
    if (labels.empty()) return std::nullopt;
    return labels.front().events ? labels.front().events : labels.front().positives;
  }
};

nlohmann::ordered_json to_json(const InspectReport& report);

// A few lines and aligned tables, ending with a newline.
std::string to_text(const InspectReport& report);

}  // namespace onefold
