// SPDX-License-Identifier: Apache-2.0
// traffic_schema(): what the options may be.
#include <string>

#include <fmt/format.h>

#include "onefold/log/traffic.h"
#include "onefold/log/traffic_plan.h"

namespace onefold {
namespace {

constexpr double kMaxLength = 1e6;

Status require(bool holds, const std::string& what) {
  return holds ? Status() : invalid_argument(what);
}

bool is_chance(double p) { return p >= 0 && p <= 1; }

// One number, or three that a distribution can have.
bool is_range(const TrafficRange& range, double least) {
  return range.min >= least && ((range.min == range.max && range.mean == range.min) ||
                                (range.min < range.mean && range.mean < range.max));
}

Status check_traffic(const TrafficOptions& o) {
  ONEFOLD_RETURN_IF_ERROR(require(o.users >= 1, "users must be at least 1"));
  ONEFOLD_RETURN_IF_ERROR(
      require(o.sessions_per_user >= 1, "sessions per user must be at least 1"));
  ONEFOLD_RETURN_IF_ERROR(require(o.candidates >= 1 && o.items >= o.candidates,
                                  "candidates must be at least 1, items at least as many"));
  ONEFOLD_RETURN_IF_ERROR(
      require(is_range(o.samples_per_session, static_cast<double>(o.candidates)),
              fmt::format("samples per session: min must be at least the {} candidates, mean "
                          "between min and max (or all three equal)",
                          o.candidates)));
  ONEFOLD_RETURN_IF_ERROR(require(is_chance(o.click_rate), "click rate must be between 0 and 1"));
  return require(o.days >= 1, "days must be at least 1");
}

Status check_feature(const TrafficFeature& f) {
  const std::string where = "feature '" + f.name + "': ";
  ONEFOLD_RETURN_IF_ERROR(
      require(f.count >= 1 && f.count <= 100'000, where + "count must be between 1 and 100000"));
  ONEFOLD_RETURN_IF_ERROR(require(f.groups >= 0 && f.groups <= f.count,
                                  where + "groups must be between 0 and the count"));
  ONEFOLD_RETURN_IF_ERROR(
      require(is_range(f.length, 1) && f.length.max <= kMaxLength,
              where + "length: min must be at least 1, max at most 1000000, mean between min and "
                      "max (or all three equal)"));
  ONEFOLD_RETURN_IF_ERROR(
      require(is_chance(f.change) && is_chance(f.shift) && is_chance(f.change_between),
              where + "change, shift and change_between are chances, 0 to 1"));
  ONEFOLD_RETURN_IF_ERROR(require(f.shift_by >= 1, where + "shift_by must be at least 1"));
  return require(f.vocabulary >= 1, where + "vocabulary must be at least 1");
}

}  // namespace

Result<Schema> traffic_schema(const TrafficOptions& options) {
  ONEFOLD_RETURN_IF_ERROR(check_traffic(options));
  for (const TrafficFeature& feature : options.features) {
    ONEFOLD_RETURN_IF_ERROR(check_feature(feature));
  }
  Schema schema;
  const TrafficPlan plan(options);
  for (const PlannedFeature& feature : plan.features()) schema.features.push_back(feature.spec);
  schema.labels = {{"click", "click", false}};
  const Status valid = schema.validate();
  if (!valid.ok()) return invalid_argument(valid.message());
  return schema;
}

}  // namespace onefold
