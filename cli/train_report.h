// SPDX-License-Identifier: Apache-2.0
// What `onefold train` shows while it runs: a progress bar for people, JSON lines for programs.
#pragma once

#include <fstream>
#include <string>

#include "onefold/base/status.h"
#include "onefold/train/trainer.h"

namespace onefold::cli {

// One line of JSON per event: {"event": "start" | "step" | "eval" | "checkpoint" | "done", ...}.
// docs/verbs/train.md lists the fields. NaN is written as null.
class JsonLines {
 public:
  // Appends to `path`, or writes to stdout if it is "-".
  static Result<JsonLines> open(const std::string& path);

  void start(const Trainer& trainer);
  void step(const StepReport& report);
  void eval(const EvalReport& report);
  void checkpoint(const CheckpointReport& report);
  void done(const TrainResult& result);

 private:
  void write(const std::string& line);

  std::ofstream file_;
  bool to_stdout_ = false;
};

// A bar on stderr, redrawn in place at most ten times a second, and a few lines for what lasts.
class ProgressBar {
 public:
  // `total_steps` 0: not known, only the count is shown.
  explicit ProgressBar(int64_t total_steps) : total_steps_(total_steps) {}

  void step(const StepReport& report);
  void eval(const EvalReport& report);
  void done(const TrainResult& result);

 private:
  void clear();

  int64_t total_steps_;
  double drawn_at_ = -1;
  double loss_ = 0;  // exponential mean, so that the number can be read
};

}  // namespace onefold::cli
