// SPDX-License-Identifier: Apache-2.0
// What `onefold import` makes of a column, by the kind that SourceFeature gives.
#pragma once

#include <optional>
#include <string>

#include "onefold/jagged/schema.h"

namespace onefold {

struct ColumnKind {
  FeatureKind kind = FeatureKind::kIdList;
  bool hash = false;  // text

  bool is_list() const { return kind == FeatureKind::kIdList || kind == FeatureKind::kFloatList; }
  int value_bytes() const {
    return kind == FeatureKind::kDense || kind == FeatureKind::kFloatList ? 4 : 8;
  }
};

// "id_list" of a table, or an Arrow type such as "list<element: int32>". nullopt for structs,
// lists of lists, times and whatever else the importer does not read.
std::optional<ColumnKind> column_kind(const std::string& kind);

}  // namespace onefold
