// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/traffic_plan.h"

#include <cmath>

#include <fmt/format.h>

#include "onefold/base/hash.h"

namespace onefold {
namespace {

constexpr uint64_t kValueStream = 11, kLengthStream = 12;
constexpr double kMeanFloat = 40;

// Number `position` of the sequence that `seed` names, in [0, 1): SynthRandom, from any place.
double uniform_at(uint64_t seed, uint64_t position) {
  return SynthRandom(seed + position * 0x9e3779b97f4a7c15).uniform();
}

uint64_t sequence_of(const PlannedFeature& feature, int64_t user_or_item, uint32_t version) {
  return hash64(user_or_item, feature.stream + version);
}

bool is_list(FeatureKind kind) {
  return kind == FeatureKind::kIdList || kind == FeatureKind::kFloatList;
}

}  // namespace

std::string traffic_name(const std::string& stem, int64_t number, int64_t count) {
  return count == 1 ? stem : fmt::format("{}_{}", stem, number);
}

TrafficPlan::TrafficPlan(const TrafficOptions& options)
    : seed_(hash64(static_cast<int64_t>(options.seed), kValueStream)) {
  for (const TrafficFeature& feature : options.features) plan(feature);
}

void TrafficPlan::plan(const TrafficFeature& feature) {
  auto& units = feature.scope == FeatureScope::kUser ? user_units_ : item_units_;
  const auto first_unit = static_cast<int64_t>(units.size());
  const int64_t num_units = feature.groups > 0 ? feature.groups : feature.count;
  const TrafficRange length = is_list(feature.kind) ? feature.length : TrafficRange{};
  const TrafficUnit unit = {.change = feature.change,
                            .shift = feature.shift,
                            .shift_by = feature.shift_by,
                            .change_between = feature.change_between,
                            .slides = is_list(feature.kind),
                            .length = BoundedPareto(length.min, length.max, length.mean)};
  units.insert(units.end(), num_units, unit);
  for (int64_t i = 0; i < feature.count; ++i) {
    const int64_t number = i * num_units / feature.count;  // neighbours are in one group
    FeatureSpec spec = {traffic_name(feature.name, i, feature.count), feature.kind, feature.scope,
                        ""};
    if (feature.groups > 0) {
      spec.group = traffic_name(feature.name + "_group", number, feature.groups);
    }
    const uint64_t stream = hash64(spec.name.data(), spec.name.size(), seed_);
    features_.push_back({std::move(spec), first_unit + number, feature.vocabulary, stream});
  }
}

void TrafficPlan::advance(bool between_sessions, SynthRandom& random,
                          TrafficWindow* windows) const {
  for (const TrafficUnit& unit : user_units_) {
    TrafficWindow& window = *windows++;
    if (!random.chance(between_sessions ? unit.change_between : unit.change)) continue;
    if (unit.slides && random.chance(unit.shift)) {
      window.start += static_cast<uint32_t>(random.geometric(unit.shift_by));
    } else {
      window = {window.version + 1, 0};
    }
  }
}

int64_t TrafficPlan::length(FeatureScope scope, int64_t unit, int64_t user_or_item) const {
  const uint64_t scope_seed = scope == FeatureScope::kUser ? 0 : 1;
  SynthRandom random(hash64(user_or_item, hash64(unit, seed_ + kLengthStream + scope_seed)));
  return units(scope)[unit].length.draw(random);
}

void TrafficPlan::append_ids(const PlannedFeature& feature, int64_t user_or_item,
                             TrafficWindow window, int64_t length,
                             std::vector<int64_t>* values) const {
  const uint64_t sequence = sequence_of(feature, user_or_item, window.version);
  const auto vocabulary = static_cast<double>(feature.vocabulary);
  for (int64_t i = 0; i < length; ++i) {
    const double u = uniform_at(sequence, window.start + static_cast<uint64_t>(i));
    values->push_back(static_cast<int64_t>(u * u * u * vocabulary));
  }
}

void TrafficPlan::append_floats(const PlannedFeature& feature, int64_t user_or_item,
                                TrafficWindow window, int64_t length,
                                std::vector<float>* values) const {
  const uint64_t sequence = sequence_of(feature, user_or_item, window.version);
  for (int64_t i = 0; i < length; ++i) {
    const double u = uniform_at(sequence, window.start + static_cast<uint64_t>(i));
    values->push_back(static_cast<float>(std::ceil(-kMeanFloat * std::log1p(-u))));
  }
}

}  // namespace onefold
