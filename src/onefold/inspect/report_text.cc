// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "onefold/inspect/report.h"
#include "onefold/inspect/text_table.h"

namespace onefold {
namespace {

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }
std::string factor(double value) { return fmt::format("{:.2f}", value); }

std::string bytes_text(int64_t bytes) {
  if (bytes < 10'000) return with_commas(bytes) + " B";
  if (bytes < 10'000'000) return fmt::format("{:.1f} kB", static_cast<double>(bytes) / 1e3);
  return fmt::format("{} MB", with_commas(bytes / 1'000'000));
}

std::string labels_text(const InspectReport& report) {
  std::string text;
  for (const auto& label : report.labels) {
    const double share =
        report.samples == 0 ? 0 : static_cast<double>(label.positives) / report.samples;
    text += fmt::format("{}{} {} ({})", text.empty() ? "" : ", ", with_commas(label.positives),
                        label.name, percent(share));
    if (label.events) text += fmt::format(" of {} events", with_commas(*label.events));
  }
  return text.empty() ? "no label named" : text;
}

std::string overview(const InspectReport& report) {
  const auto& sizes = report.samples_per_session;
  TextTable table(1);
  table.add({"samples", with_commas(report.samples)});
  table.add({"sessions", with_commas(report.sessions)});
  table.add({"users", report.users ? with_commas(*report.users) : "not known"});
  std::string text =
      fmt::format("{} ({})\n\n", report.path,
                  report.layout == "parquet" ? "Parquet" : report.layout + " Onefold table");
  text += table.to_string();
  text += fmt::format("positives: {}\n", labels_text(report));
  text += fmt::format("samples per session: mean {:.1f}, p50 {}, p99 {}, max {}\n", sizes.mean,
                      sizes.p50, sizes.p99, sizes.max);
  text += fmt::format(
      "samples of a session in a batch of {}: {:.2f} in session order, {:.2f} in arrival order\n",
      with_commas(report.batch_size), report.session_order_samples, report.arrival_order_samples);
  if (!report.has_time) text += "no time column is named: arrival order is the order of the file\n";
  if (report.out_of_order > 0) {
    text += fmt::format(
        "{} samples are stored after a later one of their session; partial duplicates compare\n"
        "with the sample stored before, not with the one before in time\n",
        with_commas(report.out_of_order));
  }
  if (report.forgot_sessions) {
    text +=
        "sessions were forgotten to bound memory: shares of duplicates are lower bounds; sort the\n"
        "table by session, or inspect a part of it, for exact ones\n";
  }
  return text;
}

std::string feature_table(const InspectReport& report) {
  TextTable table(3);
  table.add({"", "", "", "mean", "exact", "partial", "", "fold factor", "", "fold factor", ""});
  table.add({"feature", "kind", "group", "length", "duplicates", "duplicates", "unchanged",
             "session order", "predicted", "arrival order", "predicted"});
  for (const FeatureReport& f : report.features) {
    table.add({f.name, f.kind, f.group.empty() ? "-" : f.group,
               fmt::format("{:.1f}", f.mean_length), percent(f.exact_duplicates),
               percent(f.partial_duplicates), percent(f.unchanged),
               factor(f.session_order.measured), factor(f.session_order.predicted),
               factor(f.arrival_order.measured), factor(f.arrival_order.predicted)});
  }
  return table.to_string();
}

std::string group_table(const InspectReport& report) {
  TextTable table(1);
  table.add({"group", "rows stored", "values of samples", "values stored", "ratio",
             "fold factor session order", "arrival order"});
  for (const GroupReport& g : report.groups) {
    table.add({g.name, with_commas(g.rows), with_commas(g.sample_values),
               with_commas(g.stored_values), factor(g.values_ratio()), factor(g.session_order),
               factor(g.arrival_order)});
  }
  return table.to_string();
}

std::string column_table(const InspectReport& report) {
  TextTable table(2);
  table.add({"file", "column", "on disk", "share", "uncompressed"});
  int64_t total = 0, uncompressed = 0;
  for (const StoredColumn& c : report.columns) {
    total += c.bytes;
    uncompressed += c.uncompressed_bytes;
  }
  for (const StoredColumn& c : report.columns) {
    const double share = total == 0 ? 0 : static_cast<double>(c.bytes) / total;
    table.add(
        {c.file, c.name, bytes_text(c.bytes), percent(share), bytes_text(c.uncompressed_bytes)});
  }
  table.add({"all", "", bytes_text(total), "", bytes_text(uncompressed)});
  return table.to_string();
}

}  // namespace

std::string to_text(const InspectReport& report) {
  std::string text = overview(report) + "\n" + feature_table(report) + "\n";
  if (!report.groups.empty()) text += group_table(report) + "\n";
  return text + column_table(report);
}

}  // namespace onefold
