// SPDX-License-Identifier: Apache-2.0
// Slice: the part of a timeline that one rule selects, pooled into one token (DV365, arXiv
// 2506.00450: about 200 slices of two timelines).
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "onefold/timeline/event.h"

namespace onefold {

// min <= x < max. A missing value (NaN) is in no range but the unbounded one.
struct Range {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();

  bool bounded() const { return std::isfinite(min) || std::isfinite(max); }
  bool has(double x) const { return !bounded() || (x >= min && x < max); }
  bool operator==(const Range&) const = default;
};

enum class SliceWeight : uint8_t {
  kNone,   // "none": events count alike
  kScore,  // "score": weighted by the duration-debiased score
};

struct Slice {
  std::string name;
  TimelineKind timeline = TimelineKind::kExplicit;
  EventColumn id = EventColumn::kItem;  // kItem, kAuthor or kTopic; events lacking it are left out

  // An event must pass all of them; an empty list passes everything.
  std::vector<std::string> actions = {}, surfaces = {}, media_types = {};  // any of, sorted
  Range dwell = {};                                                        // watch time, seconds
  Range watch_ratio = {};                                                  // watch time / duration
  Range score = {};  // of debiased_score() at gamma
  double gamma = 0;  // 0: no score; > 0: events without a score are left out

  SliceWeight weight = SliceWeight::kNone;
  int64_t window_us = 0;  // events in [cut-off - window_us, cut-off); 0: all before the cut-off
  std::string table_group = {};  // slices of one group share an embedding table
  int line = 0;                  // where it is declared
};

// s = ln(dwell + 1) / ln(gamma * duration + 1): how long was it watched, given how long it is.
// The duration-debiased score of DV365; gamma and thresholds are ours. NaN when either is missing,
// or when the duration is 0 or so small that the logarithm is.
inline double debiased_score(double dwell, double duration, double gamma) {
  const double scale = std::log1p(gamma * duration);
  if (!(scale > 0) || !(dwell >= 0)) return std::numeric_limits<double>::quiet_NaN();
  return std::log1p(dwell) / scale;
}

// NaN when either is missing or the duration is 0.
inline double watch_ratio(double dwell, double duration) {
  if (!(duration > 0)) return std::numeric_limits<double>::quiet_NaN();
  return dwell / duration;
}

}  // namespace onefold
