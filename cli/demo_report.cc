// SPDX-License-Identifier: Apache-2.0
#include "cli/demo_report.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace onefold::cli {
namespace {

std::string megabytes(int64_t bytes) { return fmt::format("{:.2f} MB", bytes / 1e6); }
std::string rate(double per_second) { return fmt::format("{:.0f} /s", per_second); }

std::string row(const std::string& what, const std::string& before, const std::string& after,
                double ratio) {
  return fmt::format("  {:<34} {:>16} {:>16} {:>9.2f}x\n", what, before, after, ratio);
}

std::string heading(const std::string& what, const std::string& before, const std::string& after) {
  return fmt::format("{:<36} {:>16} {:>16} {:>10}\n", what, before, after, "ratio");
}

double ratio(double a, double b) { return b > 0 ? a / b : 0; }

}  // namespace

std::string to_text(const DemoReport& r) {
  std::string text =
      fmt::format("{} samples, {} sessions ({:.1f} samples each), {} positives ({})\n\n", r.samples,
                  r.sessions, ratio(r.samples, r.sessions), r.positives, r.data);
  text += heading("log", "by request", "by session");
  text += row("feature + event log", megabytes(r.log_bytes_request), megabytes(r.log_bytes_session),
              ratio(r.log_bytes_request, r.log_bytes_session));
  text += heading("table (Parquet, zstd)", "plain", "folded");
  text += row("against arrival order", megabytes(r.table_bytes_arrival),
              megabytes(r.table_bytes_folded), ratio(r.table_bytes_arrival, r.table_bytes_folded));
  text += row("against session order", megabytes(r.table_bytes_session),
              megabytes(r.table_bytes_folded), ratio(r.table_bytes_session, r.table_bytes_folded));
  text += heading("reader, samples", "plain", "folded");
  text += row("folded table", rate(r.read_plain), rate(r.read_folded),
              ratio(r.read_folded, r.read_plain));
  text += row("plain table, folded in the reader", rate(r.read_plain), rate(r.read_plain_folded),
              ratio(r.read_plain_folded, r.read_plain));
  text += heading("training, samples", "dedup off", "dedup on");
  for (const TrainingComparison& t : r.training) {
    text += row(fmt::format("{} ({} steps)", t.block, t.steps), rate(t.off_rate), rate(t.on_rate),
                ratio(t.on_rate, t.off_rate));
  }
  text += fmt::format("{:<36} {:>16} {:>16} {:>10}\n", "quality, held-out sessions", "dedup off",
                      "dedup on", "loss diff");
  for (const TrainingComparison& t : r.training) {
    text += fmt::format("  {:<34} {:>16} {:>16} {:>10.1e}\n", t.block + " NE / AUC",
                        fmt::format("{:.4f} / {:.4f}", t.off_ne, t.off_auc),
                        fmt::format("{:.4f} / {:.4f}", t.on_ne, t.on_auc), t.max_loss_difference);
  }
  text += fmt::format(
      "transformer, one epoch of {} samples in {:.0f} s, dedup on: NE {:.4f}, AUC {:.4f}, AUC "
      "within "
      "users "
      "{:.4f}\n",
      r.trained.samples, r.trained.seconds, r.trained.ne, r.trained.auc, r.trained.grouped_auc);
  for (const auto& [group, factor] : r.fold_factors) {
    text +=
        fmt::format("fold factor of group '{}' within training batches: {:.1f}\n", group, factor);
  }
  return text + fmt::format("the whole demo took {:.0f} s\n", r.seconds);
}

nlohmann::json to_json(const DemoReport& r) {
  nlohmann::json json = {
      {"data", r.data},
      {"samples", r.samples},
      {"sessions", r.sessions},
      {"positives", r.positives},
      {"log_bytes", {{"by_request", r.log_bytes_request}, {"by_session", r.log_bytes_session}}},
      {"table_bytes",
       {{"arrival_plain", r.table_bytes_arrival},
        {"session_plain", r.table_bytes_session},
        {"folded", r.table_bytes_folded}}},
      {"reader_samples_per_second",
       {{"plain", r.read_plain},
        {"plain_folded_in_reader", r.read_plain_folded},
        {"folded", r.read_folded}}},
      {"training", nlohmann::json::array()},
      {"trained",
       {{"steps", r.trained.steps},
        {"samples", r.trained.samples},
        {"seconds", r.trained.seconds},
        {"ne", r.trained.ne},
        {"auc", r.trained.auc},
        {"grouped_auc", r.trained.grouped_auc}}},
      {"fold_factors", nlohmann::json::object()},
      {"seconds", r.seconds}};
  for (const TrainingComparison& t : r.training) {
    json["training"].push_back({{"block", t.block},
                                {"steps", t.steps},
                                {"samples_per_second", {{"off", t.off_rate}, {"on", t.on_rate}}},
                                {"ratio", ratio(t.on_rate, t.off_rate)},
                                {"ne", {{"off", t.off_ne}, {"on", t.on_ne}}},
                                {"auc", {{"off", t.off_auc}, {"on", t.on_auc}}},
                                {"max_relative_loss_difference", t.max_loss_difference}});
  }
  for (const auto& [group, factor] : r.fold_factors) json["fold_factors"][group] = factor;
  return json;
}

}  // namespace onefold::cli
