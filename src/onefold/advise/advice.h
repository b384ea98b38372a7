// SPDX-License-Identifier: Apache-2.0
// Advice: which features to group and fold, exact or windowed, and what that saves.
//
// A saving is a factor, what is kept without folding divided by what is kept with it:
//
//   log      values, once per request instead of once per sample
//   table    bytes of values and refs in a row group, before compression
//   reader   the same in a batch
//   lookup   values in a batch that a model looks up or transforms
//
// Predicted: by the model (dedupe_model.h) from statistics of all samples. Measured: by folding and
// merging a sample of sessions.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace onefold {

enum class Stage { kLog, kTable, kReader, kLookup };
inline constexpr std::array kStages = {Stage::kLog, Stage::kTable, Stage::kReader, Stage::kLookup};
const char* to_string(Stage stage);

// What is kept per sample: bytes; at the log and for lookups values.
struct StageCost {
  double plain = 0, predicted = 0;          // without folding, with it: of all samples
  double measured = 0, measured_plain = 0;  // with, without: of the sampled sessions

  double predicted_factor() const { return predicted > 0 ? plain / predicted : 1; }
  double measured_factor() const { return measured > 0 ? measured_plain / measured : 1; }
};

using StageCosts = std::array<StageCost, kStages.size()>;

struct GroupAdvice {
  std::string name;
  std::vector<std::string> features;  // the longest lists first
  bool windowed = false;
  double unchanged = 0;  // d of the model; windowed: values that the sample before has already
  StageCosts costs;
};

struct FeatureAdvice {
  std::string name;
  std::string kind;           // as FeatureReport
  std::string current_group;  // of a table
  std::string group;          // empty: leave it, stored per sample
  bool user_scope = false;    // the same in all samples of a request
  std::string reason;         // to leave it
  double mean_length = 0;
  double unchanged = 0;
};

struct Advice {
  std::string path;
  std::string session_column, user_column;            // of Parquet files, as they were named
  int64_t samples = 0, sessions = 0;                  // of which so many
  int64_t sampled_samples = 0, sampled_sessions = 0;  // were folded
  int64_t batch_size = 0;
  bool knows_requests = false;  // else nothing is said about the log
  double request_samples = 1;   // samples of a request, in the sampled sessions
  // S: samples of a session in a row group, in a batch of the table ordered by session, and in a
  // batch in the order of arrival.
  double row_group_samples = 1, batch_samples = 1, arrival_samples = 1;
  std::vector<FeatureAdvice> features;
  std::vector<GroupAdvice> groups;
  StageCosts all;  // all features, those left alone included
};

nlohmann::ordered_json to_json(const Advice& advice);
std::string to_text(const Advice& advice);

// [[feature]] and [[group]] for the mapping of `onefold import`. Columns that it cannot read are
// named in comments.
std::string to_mapping(const Advice& advice);

// The command that folds Parquet files as they are into these groups; TABLE stands for its
// destination. Empty for a table, without groups, and for names with "," or "=", which the command
// cannot take.
std::string to_fold_command(const Advice& advice);

}  // namespace onefold
