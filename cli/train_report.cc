// SPDX-License-Identifier: Apache-2.0
#include "cli/train_report.h"

#include <algorithm>
#include <cmath>
#include <iostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace onefold::cli {
namespace {

nlohmann::json number(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json();
}

nlohmann::json to_json(const std::vector<LabelMetrics>& labels) {
  nlohmann::json all = nlohmann::json::array();
  for (const LabelMetrics& label : labels) {
    if (label.is_value) {
      all.push_back({{"label", label.label},
                     {"mse", number(label.loss)},
                     {"normalized_mse", number(label.normalized_mse)}});
      continue;
    }
    all.push_back({{"label", label.label},
                   {"label_rate", number(label.label_rate)},
                   {"loss", number(label.loss)},
                   {"ne", number(label.normalized_entropy)},
                   {"auc", number(label.auc)},
                   {"grouped_auc", number(label.grouped_auc)},
                   {"auc_groups", label.auc_groups}});
  }
  return all;
}

}  // namespace

Result<JsonLines> JsonLines::open(const std::string& path) {
  JsonLines lines;
  lines.to_stdout_ = path == "-";
  if (!lines.to_stdout_) {
    lines.file_.open(path, std::ios::app);
    if (!lines.file_) return io_error(path + ": cannot be opened for writing");
  }
  return lines;
}

void JsonLines::write(const std::string& line) {
  // Flushed, so that whoever follows the run sees each line as it happens.
  (to_stdout_ ? std::cout : static_cast<std::ostream&>(file_)) << line << std::endl;
}

void JsonLines::start(const Trainer& trainer) {
  const TrainConfig& config = trainer.config();
  write(nlohmann::json({{"event", "start"},
                        {"table", config.data.table},
                        {"batch_size", config.data.batch_size},
                        {"dedup", config.loop.dedup},
                        {"seed", config.loop.seed},
                        {"dense_parameters", trainer.num_dense_parameters()},
                        {"table_parameters", trainer.num_table_parameters()}})
            .dump());
}

void JsonLines::step(const StepReport& report) {
  if (!report.log) return;
  write(nlohmann::json({{"event", "step"},
                        {"step", report.step},
                        {"epoch", report.epoch},
                        {"samples", report.samples},
                        {"seconds", report.seconds},
                        {"loss", number(report.window_loss)},
                        {"ne", number(report.window_ne)},
                        {"samples_per_second", number(report.window_samples_per_second)}})
            .dump());
}

void JsonLines::eval(const EvalReport& report) {
  write(nlohmann::json({{"event", "eval"},
                        {"step", report.step},
                        {"samples", report.samples},
                        {"seconds", report.seconds},
                        {"labels", to_json(report.labels)}})
            .dump());
}

void JsonLines::checkpoint(const CheckpointReport& report) {
  write(
      nlohmann::json({{"event", "checkpoint"}, {"step", report.step}, {"seconds", report.seconds}})
          .dump());
}

void JsonLines::done(const TrainResult& result) {
  nlohmann::json folds = nlohmann::json::object();
  for (const GroupFold& fold : result.folds) {
    folds[fold.group] = {{"rows", fold.row_factor()}, {"values", fold.value_factor()}};
  }
  write(nlohmann::json({{"event", "done"},
                        {"steps", result.steps},
                        {"samples", result.samples},
                        {"seconds", result.seconds},
                        {"wait_seconds", result.wait_seconds},
                        {"samples_per_second", result.samples_per_second()},
                        {"fold_factors", folds}})
            .dump());
}

void ProgressBar::clear() { std::cerr << "\r\x1b[K"; }

void ProgressBar::step(const StepReport& report) {
  loss_ = drawn_at_ < 0 ? report.loss : 0.98 * loss_ + 0.02 * report.loss;
  if (drawn_at_ >= 0 && report.seconds - drawn_at_ < 0.1) return;
  drawn_at_ = report.seconds;
  std::string bar;
  if (total_steps_ > 0) {
    constexpr int kWidth = 30;
    const double share = std::min(1.0, static_cast<double>(report.step) / total_steps_);
    const int filled = static_cast<int>(share * kWidth);
    bar = fmt::format("[{:<{}}] {:3.0f}% ", std::string(filled, '#'), kWidth, 100 * share);
  }
  clear();
  std::cerr << fmt::format("{}step {}  loss {:.4f}  {:.0f} samples/s", bar, report.step, loss_,
                           static_cast<double>(report.samples) / report.seconds)
            << std::flush;
}

void ProgressBar::eval(const EvalReport& report) {
  clear();
  for (const LabelMetrics& label : report.labels) {
    if (label.is_value) {
      std::cerr << fmt::format("step {}: {} MSE of log(1 + x) {:.4f}, {:.4f} of its variance\n",
                               report.step, label.label, label.loss, label.normalized_mse);
      continue;
    }
    std::cerr << fmt::format(
        "step {}: {} loss {:.4f}, NE {:.4f}, AUC {:.4f}, grouped AUC {:.4f} on {} samples\n",
        report.step, label.label, label.loss, label.normalized_entropy, label.auc,
        label.grouped_auc, report.samples);
  }
}

void ProgressBar::done(const TrainResult& result) {
  clear();
  std::cerr << fmt::format(
      "{} steps, {} samples in {:.1f} s: {:.0f} samples/s ({:.0f} % waiting)\n", result.steps,
      result.samples, result.seconds, result.samples_per_second(),
      result.seconds > 0 ? 100 * result.wait_seconds / result.seconds : 0.0);
  for (const GroupFold& fold : result.folds) {
    std::cerr << fmt::format("group {}: {:.2f} samples per unique row\n", fold.group,
                             fold.row_factor());
  }
}

}  // namespace onefold::cli
