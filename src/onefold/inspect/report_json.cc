// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "onefold/inspect/report.h"

namespace onefold {
namespace {

using Json = nlohmann::ordered_json;

Json number_or_null(const std::optional<int64_t>& number) {
  return number ? Json(*number) : Json(nullptr);
}

Json to_json(const FoldFactor& factor) {
  return {{"measured", factor.measured}, {"predicted", factor.predicted}};
}

Json to_json(const FeatureReport& feature) {
  return {{"name", feature.name},
          {"kind", feature.kind},
          {"group", feature.group},
          {"mean_length", feature.mean_length},
          {"exact_duplicates", feature.exact_duplicates},
          {"partial_duplicates", feature.partial_duplicates},
          {"unchanged", feature.unchanged},
          {"fold_factor",
           {{"session_order", to_json(feature.session_order)},
            {"arrival_order", to_json(feature.arrival_order)}}}};
}

Json to_json(const GroupReport& group) {
  return {{"name", group.name},
          {"rows", group.rows},
          {"sample_values", group.sample_values},
          {"stored_values", group.stored_values},
          {"values_ratio", group.values_ratio()},
          {"fold_factor",
           {{"session_order", group.session_order}, {"arrival_order", group.arrival_order}}}};
}

Json to_json(const StoredColumn& column) {
  return {{"file", column.file},
          {"name", column.name},
          {"bytes", column.bytes},
          {"uncompressed_bytes", column.uncompressed_bytes}};
}

template <typename T>
Json to_array(const std::vector<T>& entries) {
  Json array = Json::array();
  for (const T& entry : entries) array.push_back(to_json(entry));
  return array;
}

}  // namespace

Json to_json(const InspectReport& report) {
  Json labels = Json::object();
  for (const auto& label : report.labels) {
    labels[label.name] = {{"positive_samples", label.positives},
                          {"events", number_or_null(label.events)}};
  }
  const auto& sizes = report.samples_per_session;
  return {{"path", report.path},
          {"layout", report.layout},
          {"samples", report.samples},
          {"positives", number_or_null(report.positives())},
          {"labels", labels},
          {"sessions", report.sessions},
          {"users", number_or_null(report.users)},
          {"samples_per_session",
           {{"mean", sizes.mean}, {"p50", sizes.p50}, {"p99", sizes.p99}, {"max", sizes.max}}},
          {"batch_size", report.batch_size},
          {"samples_of_a_session_per_batch",
           {{"session_order", report.session_order_samples},
            {"arrival_order", report.arrival_order_samples}}},
          {"has_time", report.has_time},
          {"out_of_order", report.out_of_order},
          {"forgot_sessions", report.forgot_sessions},
          {"features", to_array(report.features)},
          {"groups", to_array(report.groups)},
          {"columns", to_array(report.columns)}};
}

}  // namespace onefold
