// SPDX-License-Identifier: Apache-2.0
// The demo's page: bar charts as inline SVG, so that one file can be mailed or kept.
#include <algorithm>

#include "cli/demo_report.h"
#include <fmt/format.h>

namespace onefold::cli {
namespace {

struct Bar {
  std::string label;
  double value;
  std::string text;  // the value as people read it
  bool ours;         // drawn in the accent colour
};

constexpr const char* kStyle = R"(
:root { --ink:#1c2430; --soft:#5b6675; --line:#d9dee5; --page:#ffffff; --other:#a9b4c2; --ours:#0b7a75; }
@media (prefers-color-scheme: dark) {
  :root { --ink:#e8ecf1; --soft:#9aa6b5; --line:#323b47; --page:#14181e; --other:#5d6b7c; --ours:#35c2ba; } }
body { font:16px/1.5 system-ui,sans-serif; color:var(--ink); background:var(--page); max-width:52rem;
       margin:2.5rem auto; padding:0 1.25rem; }
h1 { font-size:1.6rem; margin:0 0 .25rem; } h2 { font-size:1.05rem; margin:2rem 0 .25rem; }
p { color:var(--soft); margin:.25rem 0 .5rem; } figure { margin:.5rem 0; }
svg { width:100%; height:auto; display:block; } text { fill:var(--ink); font:14px system-ui,sans-serif; }
.other { fill:var(--other); } .ours { fill:var(--ours); } .ratio { fill:var(--soft); }
table { border-collapse:collapse; width:100%; font-variant-numeric:tabular-nums; }
td,th { text-align:right; padding:.35rem .5rem; border-bottom:1px solid var(--line); }
td:first-child,th:first-child { text-align:left; } th { color:var(--soft); font-weight:500; }
)";

std::string escape(const std::string& text) {
  std::string safe;
  for (char c : text) {
    if (c == '&')
      safe += "&amp;";
    else if (c == '<')
      safe += "&lt;";
    else if (c == '>')
      safe += "&gt;";
    else if (c == '"')
      safe += "&quot;";
    else
      safe += c;
  }
  return safe;
}

std::string chart(const std::string& title, const std::string& note, const std::vector<Bar>& bars) {
  constexpr int kRow = 34, kLabel = 250, kWidth = 330;
  double largest = 0;
  for (const Bar& bar : bars) largest = std::max(largest, bar.value);
  std::string svg = fmt::format(
      "<h2>{}</h2><p>{}</p><figure><svg viewBox=\"0 0 760 {}\" role=\"img\" aria-label=\"{}\">",
      escape(title), escape(note), static_cast<int>(bars.size()) * kRow, escape(title));
  for (size_t i = 0; i < bars.size(); ++i) {
    const double width = largest > 0 ? std::max(2.0, kWidth * bars[i].value / largest) : 2.0;
    const int y = static_cast<int>(i) * kRow;
    svg += fmt::format(
        "<text x=\"0\" y=\"{}\">{}</text><rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{:.1f}\" "
        "height=\"22\" rx=\"3\"/><text x=\"{:.1f}\" y=\"{}\">{}</text>",
        y + 21, escape(bars[i].label), bars[i].ours ? "ours" : "other", kLabel, y + 5, width,
        kLabel + width + 8, y + 21, escape(bars[i].text));
  }
  return svg + "</svg></figure>\n";
}

Bar bytes_bar(const std::string& label, int64_t bytes, int64_t baseline, bool ours) {
  std::string text = fmt::format("{:.2f} MB", bytes / 1e6);
  if (ours && bytes > 0) {
    text += fmt::format(", {:.1f}x smaller", static_cast<double>(baseline) / bytes);
  }
  return {label, static_cast<double>(bytes), text, ours};
}

Bar rate_bar(const std::string& label, double rate, double baseline, bool ours) {
  std::string text = fmt::format("{:.0f} samples/s", rate);
  if (ours && baseline > 0) text += fmt::format(", {:.1f}x", rate / baseline);
  return {label, rate, text, ours};
}

std::string quality_table(const DemoReport& r) {
  std::string html =
      "<h2>Same model, same quality</h2><p>Both runs see the same batches; metrics on held-out "
      "sessions. NE below 1 beats always predicting the base rate.</p><table><tr><th>block</th>"
      "<th>NE, off</th><th>NE, on</th><th>AUC, off</th><th>AUC, on</th>"
      "<th>largest relative loss difference</th></tr>";
  for (const TrainingComparison& t : r.training) {
    html += fmt::format(
        "<tr><td>{}</td><td>{:.4f}</td><td>{:.4f}</td><td>{:.4f}</td><td>{:.4f}</td><td>{:.1e}</"
        "td></tr>",
        escape(t.block), t.off_ne, t.on_ne, t.off_auc, t.on_auc, t.max_loss_difference);
  }
  return html +
         fmt::format(
             "</table><p>The transformer model after one epoch, {} samples in {:.0f} s with dedup "
             "on: NE {:.4f}, AUC {:.4f}, AUC within users {:.4f}.</p>\n",
             r.trained.samples, r.trained.seconds, r.trained.ne, r.trained.auc,
             r.trained.grouped_auc);
}

}  // namespace

std::string to_html(const DemoReport& r) {
  std::string page = fmt::format(
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Onefold demo</title>"
      "<meta name=\"viewport\" content=\"width=device-width\"><style>{}</style></head><body>"
      "<h1>Onefold: every repeated value once</h1><p>{} samples in {} sessions ({:.1f} each), {} "
      "positives. Data: {}. The whole demo took {:.0f} s.</p>\n",
      kStyle, r.samples, r.sessions,
      static_cast<double>(r.samples) / std::max<int64_t>(r.sessions, 1), r.positives,
      escape(r.data), r.seconds);
  page += chart("Log", "Feature and event log on disk, zstd, by what shards are chosen by.",
                {bytes_bar("sharded by request", r.log_bytes_request, 0, false),
                 bytes_bar("sharded by session", r.log_bytes_session, r.log_bytes_request, true)});
  page += chart("Table", "The same samples as Parquet with zstd.",
                {bytes_bar("plain, arrival order", r.table_bytes_arrival, 0, false),
                 bytes_bar("plain, session order", r.table_bytes_session, 0, false),
                 bytes_bar("folded", r.table_bytes_folded, r.table_bytes_arrival, true)});
  page += chart("Reader", "From disk to training batches.",
                {rate_bar("plain", r.read_plain, 0, false),
                 rate_bar("plain, folded in the reader", r.read_plain_folded, r.read_plain, true),
                 rate_bar("folded", r.read_folded, r.read_plain, true)});
  for (const TrainingComparison& t : r.training) {
    page += chart("Training, " + t.block + " over the history",
                  fmt::format("{} steps of the same model on the same batches.", t.steps),
                  {rate_bar("dedup off", t.off_rate, 0, false),
                   rate_bar("dedup on", t.on_rate, t.off_rate, true)});
  }
  return page + quality_table(r) + "</body></html>\n";
}

}  // namespace onefold::cli
