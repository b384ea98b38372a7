// SPDX-License-Identifier: Apache-2.0
// SliceSet: the slices of a model, in order: slice i is token i.
//
//   [[slice]]
//   name     = "liked"
//   timeline = "explicit"
//   action   = "like"
//   id       = ["item", "author"]
//   window   = ["full", "7d", "3d"]
//
// is six slices, liked.item.full, liked.item.7d, ..., liked.author.3d. docs/slices.md describes
// the language.
#pragma once

#include <string>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/timeline/slice.h"

namespace onefold {

class SliceSet {
 public:
  static constexpr int kMaxSlices = 256;  // bits of a SliceMask

  // The slices that `text` declares. kInvalidArgument names `source`, the line and the slice.
  static Result<SliceSet> from_toml(const std::string& text, const std::string& source);
  // Without any check: for slices that come from another set.
  static SliceSet from_slices(std::vector<Slice> slices);
  // `name`: a set that is built in ("short_video", "news"), or the path of a TOML file.
  static Result<SliceSet> load(const std::string& name);
  static std::vector<std::string> builtin_names();

  const std::vector<Slice>& slices() const { return slices_; }
  int size() const { return static_cast<int>(slices_.size()); }
  int find(const std::string& name) const;  // index, -1 if absent

  // In order of first appearance; every group holds ids of one column.
  const std::vector<std::string>& table_groups() const { return table_groups_; }
  int table_group(int slice) const { return group_of_slice_[slice]; }  // index into table_groups()
  EventColumn group_id(int group) const { return group_ids_[group]; }

  // The distinct gammas that some slice scores with, ascending.
  const std::vector<double>& gammas() const { return gammas_; }

  // The TOML it was read from, for whoever has to keep it; empty from from_slices().
  const std::string& text() const { return text_; }

  // One line a slice with everything that decides what it selects; what the version hashes.
  std::string canonical() const;
  // XXH3-64 of canonical(), 16 hex digits. Layout, comments and cross-products of the TOML do not
  // matter; order, names and rules do.
  const std::string& version() const { return version_; }

 private:
  std::vector<Slice> slices_;
  std::vector<std::string> table_groups_;
  std::vector<int> group_of_slice_;     // [size()]
  std::vector<EventColumn> group_ids_;  // [table_groups_.size()]
  std::vector<double> gammas_;
  std::string version_;
  std::string text_;
};

// Everything that decides what `slice` selects and where it is looked up, as text; not its name.
std::string slice_rule(const Slice& slice);

// OK when both versions are the same; else kInvalidArgument: what (a model, embeddings, named by
// `have_what`) was made with `have` cannot be used with slices `want`.
Status check_slice_version(const std::string& have_what, const std::string& have,
                           const SliceSet& want);

}  // namespace onefold
