// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/slice_set.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "onefold/base/files.h"
#include "onefold/base/hash.h"
#include "onefold/timeline/builtin_slices.h"
#include "onefold/timeline/slice_parser.h"

namespace onefold {
namespace {

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    // Lengths keep {"a,b"} and {"a", "b"} apart.
    text += fmt::format("{}:{},", name.size(), name);
  }
  return text;
}

Status slice_error(const std::string& source, const Slice& slice, const std::string& message) {
  return invalid_argument(
      fmt::format("{}:{}: slice '{}': {}", source, slice.line, slice.name, message));
}

Status check_slices(const std::vector<Slice>& slices, const std::string& source) {
  std::map<std::string, const Slice*> names, rules, groups;
  for (const Slice& slice : slices) {
    const auto [named, new_name] = names.try_emplace(slice.name, &slice);
    if (!new_name) {
      return slice_error(source, slice,
                         fmt::format("line {} declares this name, too", named->second->line));
    }
    const auto [ruled, new_rule] = rules.try_emplace(slice_rule(slice), &slice);
    if (!new_rule) {
      return slice_error(source, slice,
                         fmt::format("selects the same as '{}' (line {})", ruled->second->name,
                                     ruled->second->line));
    }
    const auto [grouped, new_group] = groups.try_emplace(slice.table_group, &slice);
    if (!new_group && grouped->second->id != slice.id) {
      return slice_error(
          source, slice,
          fmt::format("table group '{}' holds {} ids, but {} ids of '{}' (line {})",
                      slice.table_group, to_string(slice.id), to_string(grouped->second->id),
                      grouped->second->name, grouped->second->line));
    }
  }
  if (slices.size() > SliceSet::kMaxSlices) {
    return slice_error(source, slices[SliceSet::kMaxSlices],
                       fmt::format("is number {}; {} declared, at most {} possible",
                                   SliceSet::kMaxSlices + 1, slices.size(), SliceSet::kMaxSlices));
  }
  return {};
}

}  // namespace

// {} prints the shortest digits that read back as the same double.
std::string slice_rule(const Slice& slice) {
  return fmt::format(
      "timeline={} id={} action={} surface={} media_type={} dwell=[{},{}) ratio=[{},{}) gamma={} "
      "score=[{},{}) weight={} window_us={} table_group={}:{}",
      to_string(slice.timeline), to_string(slice.id), joined(slice.actions), joined(slice.surfaces),
      joined(slice.media_types), slice.dwell.min, slice.dwell.max, slice.watch_ratio.min,
      slice.watch_ratio.max, slice.gamma, slice.score.min, slice.score.max,
      slice.weight == SliceWeight::kScore ? "score" : "none", slice.window_us,
      slice.table_group.size(), slice.table_group);
}

Result<SliceSet> SliceSet::from_toml(const std::string& text, const std::string& source) {
  ONEFOLD_ASSIGN_OR_RETURN(std::vector<Slice> slices, parse_slices(text, source));
  ONEFOLD_RETURN_IF_ERROR(check_slices(slices, source));
  SliceSet set = from_slices(std::move(slices));
  set.text_ = text;
  return set;
}

SliceSet SliceSet::from_slices(std::vector<Slice> slices) {
  SliceSet set;
  set.slices_ = std::move(slices);
  std::set<double> gammas;
  for (const Slice& slice : set.slices_) {
    auto group = std::find(set.table_groups_.begin(), set.table_groups_.end(), slice.table_group);
    set.group_of_slice_.push_back(static_cast<int>(group - set.table_groups_.begin()));
    if (group == set.table_groups_.end()) {
      set.table_groups_.push_back(slice.table_group);
      set.group_ids_.push_back(slice.id);
    }
    if (slice.gamma > 0) gammas.insert(slice.gamma);
  }
  set.gammas_.assign(gammas.begin(), gammas.end());
  const std::string canonical = set.canonical();
  set.version_ = fmt::format("{:016x}", hash64(canonical.data(), canonical.size()));
  return set;
}

std::vector<std::string> SliceSet::builtin_names() {
  std::vector<std::string> names;
  for (const BuiltinSlices& builtin : builtin_slices()) names.emplace_back(builtin.name);
  return names;
}

Result<SliceSet> SliceSet::load(const std::string& name) {
  std::string known;
  for (const BuiltinSlices& builtin : builtin_slices()) {
    if (name == builtin.name) return from_toml(builtin.toml, name);
    known += (known.empty() ? "" : ", ") + std::string(builtin.name);
  }
  const auto text = read_file(name);
  if (text.status().code() == StatusCode::kNotFound) {
    return not_found("slices '" + name + "': no such file; built in are " + known);
  }
  if (!text.ok()) return text.status();
  return from_toml(*text, name);
}

int SliceSet::find(const std::string& name) const {
  for (int i = 0; i < size(); ++i) {
    if (slices_[i].name == name) return i;
  }
  return -1;
}

std::string SliceSet::canonical() const {
  std::string text = "onefold slices 1\n";
  for (const Slice& slice : slices_) {
    text += fmt::format("{}:{} {}\n", slice.name.size(), slice.name, slice_rule(slice));
  }
  return text;
}

Status check_slice_version(const std::string& have_what, const std::string& have,
                           const SliceSet& want) {
  if (have == want.version()) return {};
  return invalid_argument(fmt::format(
      "{} was made with slices {}, these are slices {}: token i would mean something else; use the "
      "slices it was made with, or train and generate anew",
      have_what, have, want.version()));
}

}  // namespace onefold
