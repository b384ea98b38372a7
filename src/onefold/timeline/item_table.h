// SPDX-License-Identifier: Apache-2.0
// ItemTable: attributes of items (author, topic, media type, duration) that events lack, by item
// id. Held in memory: about 64 bytes an item.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "onefold/base/status.h"
#include "onefold/timeline/event.h"
#include "onefold/timeline/event_mapping.h"
#include "onefold/timeline/vocabulary.h"

namespace onefold {

class ItemTable {
 public:
  // Reads the file that `source` names; of an item that occurs twice the first row counts. Rows
  // without a readable item id and unreadable attributes are counted in bad_cells().
  static Result<ItemTable> from_file(const ItemSource& source, Vocabularies& vocabularies);
  // Takes the attributes from the item features of the feature log in `directory`: the first value
  // of an id or id list, a dense feature for the duration. kNotFound for a feature that is not in
  // the log.
  static Result<ItemTable> from_log(const ItemSource& source, const std::string& directory,
                                    Vocabularies& vocabularies);

  // Fills the attributes that `event` lacks.
  void fill(Event& event) const;
  int64_t size() const { return static_cast<int64_t>(items_.size()); }
  int64_t bad_cells() const { return bad_cells_; }

 private:
  struct Attributes {
    int64_t author = kMissing, topic = kMissing, media_type = kMissing;
    float duration = 0;  // NaN: none
  };
  std::unordered_map<int64_t, Attributes> items_;
  int64_t bad_cells_ = 0;
};

}  // namespace onefold
