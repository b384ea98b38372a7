// SPDX-License-Identifier: Apache-2.0
// What `onefold demo` measured, and its three forms: a table for people, JSON, an HTML page.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace onefold::cli {

// One model trained twice on the same batches.
struct TrainingComparison {
  std::string block;    // "transformer", "din"
  int64_t steps = 0;    // of each run
  double off_rate = 0;  // samples/s with --dedup off
  double on_rate = 0;   // samples/s with --dedup on
  double off_ne = 0, on_ne = 0;
  double off_auc = 0, on_auc = 0;
  double max_loss_difference = 0;  // relative, largest over the steps
};

// The transformer model trained for one epoch, with dedup on alone.
struct TrainedModel {
  int64_t steps = 0;
  int64_t samples = 0;
  double seconds = 0;
  double ne = 0, auc = 0, grouped_auc = 0;
};

struct DemoReport {
  std::string data;  // "generated" or the directory
  int64_t samples = 0, sessions = 0, positives = 0;
  int64_t log_bytes_request = 0, log_bytes_session = 0;
  int64_t table_bytes_arrival = 0, table_bytes_session = 0, table_bytes_folded = 0;
  double read_plain = 0;         // samples/s, plain table, no folding
  double read_plain_folded = 0;  // samples/s, plain table, folded in the reader
  double read_folded = 0;        // samples/s, folded table
  std::vector<TrainingComparison> training;
  TrainedModel trained;
  std::vector<std::pair<std::string, double>> fold_factors;  // per group, within batches
  double seconds = 0;
};

std::string to_text(const DemoReport& report);
nlohmann::json to_json(const DemoReport& report);
// One self-contained page: no scripts, fonts or images from elsewhere.
std::string to_html(const DemoReport& report);

}  // namespace onefold::cli
