// SPDX-License-Identifier: Apache-2.0
#include "onefold/advise/feature_kind.h"

#include <set>
#include <string_view>

namespace onefold {
namespace {

// "int32" of "list<element: int32>"; the type itself when it is no list. `not null` and field
// names differ from writer to writer.
std::string_view element_type(std::string_view type, bool& is_list) {
  is_list = type.starts_with("list<") || type.starts_with("large_list<");
  if (!is_list || !type.ends_with(">")) return type;
  type.remove_suffix(1);
  const size_t colon = type.find(": ");
  if (colon == std::string_view::npos) return type;
  type.remove_prefix(colon + 2);
  constexpr std::string_view kNotNull = " not null";
  if (type.ends_with(kNotNull)) type.remove_suffix(kNotNull.size());
  return type;
}

}  // namespace

std::optional<ColumnKind> column_kind(const std::string& kind) {
  for (FeatureKind known :
       {FeatureKind::kDense, FeatureKind::kId, FeatureKind::kIdList, FeatureKind::kFloatList}) {
    if (kind == to_string(known)) return ColumnKind{known};
  }
  bool is_list = false;
  const std::string_view element = element_type(kind, is_list);
  static const std::set<std::string_view> kIntegers = {"int8",  "int16",  "int32",  "int64",
                                                       "uint8", "uint16", "uint32", "uint64"};
  if (kIntegers.contains(element)) {
    return ColumnKind{is_list ? FeatureKind::kIdList : FeatureKind::kId};
  }
  if (element == "float" || element == "double") {
    return ColumnKind{is_list ? FeatureKind::kFloatList : FeatureKind::kDense};
  }
  if (element == "string" || element == "large_string") {
    return ColumnKind{is_list ? FeatureKind::kIdList : FeatureKind::kId, true};
  }
  if (element == "bool" && !is_list) return ColumnKind{FeatureKind::kDense};
  return std::nullopt;
}

}  // namespace onefold
