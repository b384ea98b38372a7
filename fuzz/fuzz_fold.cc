// SPDX-License-Identifier: Apache-2.0
// Arbitrary rows: expand(fold(rows)) is the rows bit for bit, and what fold promises of its answer
// holds. Arbitrary arrays: the types that check theirs refuse what is not valid, and take the rest.
#include <algorithm>
#include <vector>

#include "fuzz/fuzz_input.h"

#include "onefold/jagged/fold.h"

namespace onefold::fuzz {
namespace {

template <typename T>
std::vector<T> take_values(FuzzInput& input, int size) {
  std::vector<T> values(static_cast<size_t>(size));
  for (T& value : values) value = input.take<T>();
  return values;
}

// Up to 3 keys of ids or floats and up to 64 rows, many of them copies of an earlier row.
KeyedJaggedTensor take_rows(FuzzInput& input) {
  const int num_keys = 1 + input.take_below(3), num_rows = input.take_below(65);
  std::vector<int> copy_of(static_cast<size_t>(num_rows), -1);
  for (int row = 1; row < num_rows; ++row) {
    const int pick = input.take<uint8_t>();
    if (pick < 192) copy_of[row] = pick % row;
  }
  KeyedJaggedTensor rows(num_rows);
  const auto take_column = [&]<typename T>(T) {
    JaggedTensor<T> column;
    for (int row = 0; row < num_rows; ++row) {
      // A copy of its own: push_row() takes nothing that lies in the tensor itself.
      std::vector<T> values;
      if (copy_of[row] >= 0) {
        const auto other = column.row(copy_of[row]);
        values.assign(other.begin(), other.end());
      } else {
        values = take_values<T>(input, input.take_below(6));
      }
      column.push_row(values);
    }
    return JaggedColumn(std::move(column));
  };
  for (int key = 0; key < num_keys; ++key) {
    const bool ids = input.take_below(2) == 0;
    rows.add("k" + std::to_string(key), ids ? take_column(int64_t{}) : take_column(float{}));
  }
  return rows;
}

void check_invariants(const InverseKeyedJaggedTensor& folded) {
  const std::vector<int32_t>& inverse = folded.inverse_indices();
  int32_t next = 0;
  for (const int32_t row : inverse) {
    FUZZ_EXPECT(row >= 0 && row <= next);  // in first-seen order
    if (row == next) ++next;
  }
  FUZZ_EXPECT(next == folded.num_unique());  // each used
}

void check_fold(const KeyedJaggedTensor& rows) {
  const InverseKeyedJaggedTensor folded = fold(rows);
  FUZZ_EXPECT(folded.num_samples() == rows.num_rows());
  check_invariants(folded);
  FUZZ_EXPECT(expand(folded) == rows);
  FUZZ_EXPECT(select_rows(folded.unique(), folded.inverse_indices()) == rows);
  for (int64_t a = 0; a < folded.num_unique(); ++a) {
    for (int64_t b = 0; b < a; ++b) {
      FUZZ_EXPECT(!rows_equal(folded.unique(), a, folded.unique(), b));
    }
  }
  // Whatever collides.
  FUZZ_EXPECT(fold_by_hash(rows, 0) == folded);
  FUZZ_EXPECT(fold_by_hash(rows, 3) == folded);
  // Folding again finds nothing.
  FUZZ_EXPECT(fold(folded.unique()).num_unique() == folded.num_unique());
  FUZZ_EXPECT(from_refs(folded.unique(), folded.inverse_indices()).value() == folded);
}

// Refs and inverses out of a damaged file.
void check_hostile_indices(const KeyedJaggedTensor& rows, FuzzInput& input) {
  std::vector<int32_t> indices(static_cast<size_t>(input.take_below(16)));
  for (int32_t& index : indices) index = input.take<int8_t>();
  const bool inside = std::all_of(indices.begin(), indices.end(), [&](int32_t index) {
    return index >= 0 && index < rows.num_rows();
  });
  const auto by_refs = from_refs(rows, indices);
  FUZZ_EXPECT(by_refs.ok() == inside);
  if (inside) {
    check_invariants(*by_refs);
    FUZZ_EXPECT(expand(*by_refs) == select_rows(rows, indices));
  }
  const auto made = InverseKeyedJaggedTensor::make(rows, indices);
  if (made.ok()) check_invariants(*made);
}

// Offsets and TorchRec lengths out of nowhere.
void check_hostile_arrays(FuzzInput& input) {
  std::vector<int32_t> offsets(static_cast<size_t>(input.take_below(8)));
  for (int32_t& offset : offsets) offset = input.take<int8_t>();
  const std::vector<int64_t> values = take_values<int64_t>(input, input.take_below(8));
  const auto tensor = JaggedTensor<int64_t>::make(values, offsets);
  if (tensor.ok()) {
    int64_t num_values = 0;
    for (int64_t row = 0; row < tensor->num_rows(); ++row) num_values += tensor->row(row).size();
    FUZZ_EXPECT(num_values == tensor->num_values());
  }
  TorchrecLayout layout{.keys = {"a", "b"}, .values = values, .lengths = {}};
  layout.lengths = take_values<int32_t>(input, input.take_below(8));
  const auto rows = from_torchrec(layout);
  if (!rows.ok()) return;
  const auto back = to_torchrec(*rows);
  FUZZ_EXPECT(back.ok() && back->values == layout.values && back->lengths == layout.lengths);
}

}  // namespace
}  // namespace onefold::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace onefold::fuzz;
  FuzzInput input(data, size);
  const onefold::KeyedJaggedTensor rows = take_rows(input);
  check_fold(rows);
  check_hostile_indices(rows, input);
  check_hostile_arrays(input);
  return 0;
}
