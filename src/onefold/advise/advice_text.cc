// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "onefold/advise/advice.h"
#include "onefold/inspect/text_table.h"

namespace onefold {
namespace {

std::string overview(const Advice& advice) {
  std::string text = fmt::format(
      "{}: {} samples, {} sessions; folded here: {} samples, {} sessions\n"
      "samples of a session: {:.2f} in a row group, {:.2f} in a batch of {} ({:.2f} in the order "
      "of arrival)\n",
      advice.path, with_commas(advice.samples), with_commas(advice.sessions),
      with_commas(advice.sampled_samples), with_commas(advice.sampled_sessions),
      advice.row_group_samples, advice.batch_samples, with_commas(advice.batch_size),
      advice.arrival_samples);
  if (advice.knows_requests) {
    return text + fmt::format("samples of a request: {:.2f}\n", advice.request_samples);
  }
  return text +
         "requests are not known, so nothing is said about the log: name a column with --request, "
         "or --time\n";
}

std::string factors(const StageCost& cost) {
  return fmt::format("{:.2f} {:>8.2f}", cost.predicted_factor(), cost.measured_factor());
}

std::vector<std::string> saving_row(const std::string& name, const std::string& how,
                                    const StageCosts& costs, const Advice& advice) {
  std::vector<std::string> row = {name, how};
  for (Stage stage : kStages) {
    const bool known = stage != Stage::kLog || advice.knows_requests;
    row.push_back(known ? factors(costs[static_cast<size_t>(stage)]) : "-");
  }
  return row;
}

std::string saving_table(const Advice& advice) {
  TextTable table(2);
  table.add({"times less, predicted and measured at", "", "log", "table", "reader", "lookup"});
  for (const GroupAdvice& g : advice.groups) {
    table.add(saving_row(g.name, g.windowed ? "windowed" : "exact", g.costs, advice));
  }
  table.add(saving_row("all features", "", advice.all, advice));
  return table.to_string();
}

std::string feature_table(const Advice& advice) {
  TextTable table(2);
  table.add({"feature", "advice", "mean length", "unchanged"});
  for (const FeatureAdvice& f : advice.features) {
    table.add({f.name, f.group.empty() ? "leave: " + f.reason : "group " + f.group,
               fmt::format("{:.1f}", f.mean_length), fmt::format("{:.1f} %", 100 * f.unchanged)});
  }
  return table.to_string();
}

}  // namespace

std::string to_text(const Advice& advice) {
  std::string text = overview(advice) + "\n" + feature_table(advice) + "\n" + saving_table(advice);
  const std::string fold = to_fold_command(advice);
  if (!fold.empty()) text += "\nfor the files as they are:\n\n" + fold + "\n";
  return text + "\nfor the mapping of onefold import:\n\n" + to_mapping(advice);
}

}  // namespace onefold
