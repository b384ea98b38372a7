// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/block_checksum.h"

#include <vector>

#include <fmt/format.h>

#include "onefold/base/hash.h"

namespace onefold {
namespace {

class Chain {
 public:
  template <typename T>
  void add(const std::vector<T>& values) {
    add(values.data(), values.size() * sizeof(T));
  }

  void add(const void* data, size_t size) { hash_ = hash64(data, size, hash_); }

  void add(const KeyedJaggedTensor& columns) {
    for (int64_t k = 0; k < columns.num_keys(); ++k) {
      std::visit(
          [this](const auto& column) {
            add(column.offsets());
            add(column.values());
          },
          columns.column(k));
    }
  }

  std::string hex() const { return fmt::format("{:016x}", hash_); }

 private:
  uint64_t hash_ = 0;
};

}  // namespace

std::string block_checksum(const FeatureRecords& records) {
  Chain chain;
  chain.add(records.session_id);
  chain.add(records.user_id);
  chain.add(records.request_id);
  chain.add(records.time_us);
  chain.add(records.user_dense.values);
  chain.add(records.user_features);
  chain.add(records.candidate_offsets);
  chain.add(records.item_id);
  chain.add(records.item_dense.values);
  chain.add(records.item_features);
  return chain.hex();
}

std::string block_checksum(const EventRecords& records) {
  Chain chain;
  chain.add(records.session_id);
  chain.add(records.user_id);
  chain.add(records.request_id);
  chain.add(records.item_id);
  chain.add(records.time_us);
  chain.add(records.value);
  for (const std::string& action : records.action) chain.add(action.data(), action.size());
  return chain.hex();
}

}  // namespace onefold
