// SPDX-License-Identifier: Apache-2.0
// Lists that slide, grow, shrink and change as the input says, merged into windows: cut out again
// they are the lists bit for bit. Arbitrary windows: what is not valid is refused, the rest is cut
// and gathered as it says.
#include <algorithm>
#include <bit>
#include <vector>

#include "fuzz/fuzz_input.h"

#include "onefold/jagged/fold.h"
#include "onefold/jagged/gather_windows.h"
#include "onefold/jagged/merge_rows.h"

namespace onefold::fuzz {
namespace {

using Events = std::vector<int32_t>;

// A user's list after the next request.
void change(Events& events, FuzzInput& input) {
  const int count = input.take_below(5);
  const auto few = std::min<ptrdiff_t>(count, static_cast<ptrdiff_t>(events.size()));
  switch (input.take_below(8)) {
    case 0:  // newest last
    case 1:
      for (int i = 0; i < count; ++i) events.push_back(input.take<int8_t>());
      break;
    case 2:  // newest first
      for (int i = 0; i < count; ++i) events.insert(events.begin(), input.take<int8_t>());
      break;
    case 3:
      events.erase(events.begin(), events.begin() + few);
      break;
    case 4:
      events.erase(events.end() - few, events.end());
      break;
    case 5:  // one value, anywhere
      if (!events.empty()) events[input.take<uint8_t>() % events.size()] = input.take<int32_t>();
      break;
    case 6:
      events.clear();
      break;
    default:
      break;  // the same again
  }
}

struct OwnedRows {
  KeyedJaggedTensor rows;
  std::vector<int64_t> owners;  // [num_rows]
};

// Up to 48 rows of 3 owners, in any order, of ids and perhaps floats; sometimes with a list that is
// shorter than the others of its row.
OwnedRows take_rows(FuzzInput& input) {
  const int num_rows = input.take_below(49);
  const bool has_floats = input.take_below(2) == 1, unequal = input.take_below(4) == 0;
  Events events[3];
  JaggedTensor<int64_t> ids;
  JaggedTensor<float> floats;
  std::vector<int64_t> owners;
  for (int row = 0; row < num_rows; ++row) {
    const int owner = input.take_below(3);
    change(events[owner], input);
    const Events& list = events[owner];
    ids.push_row(std::vector<int64_t>(list.begin(), list.end()));
    std::vector<float> bits;
    for (const int32_t event : list) bits.push_back(std::bit_cast<float>(event | (event << 24)));
    if (unequal && !bits.empty() && input.take_below(4) == 0) bits.pop_back();
    floats.push_row(bits);
    owners.push_back(owner);
  }
  OwnedRows owned{KeyedJaggedTensor(num_rows), std::move(owners)};
  owned.rows.add("ids", std::move(ids));
  if (has_floats) owned.rows.add("floats", std::move(floats));
  return owned;
}

void check_merge(const OwnedRows& owned) {
  const MergedRows merged = merge_rows(owned.rows, owned.owners);
  FUZZ_EXPECT(check_windows(merged.payload, merged.windows).ok());
  FUZZ_EXPECT(cut_windows(merged.payload, merged.windows) == owned.rows);
  for (int64_t key = 0; key < merged.payload.num_keys(); ++key) {
    FUZZ_EXPECT(num_values(merged.payload.column(key)) <= num_values(owned.rows.column(key)));
  }
  const MergedRows colliding = merge_rows_by_hash(owned.rows, owned.owners, 0);
  FUZZ_EXPECT(check_windows(colliding.payload, colliding.windows).ok());
  FUZZ_EXPECT(cut_windows(colliding.payload, colliding.windows) == owned.rows);
}

// Samples of two windowed batches, in any order, as one.
void check_gather(const OwnedRows& owned, FuzzInput& input) {
  const InverseKeyedJaggedTensor folded = fold(owned.rows);
  if (folded.num_samples() == 0) return;
  const std::vector<int64_t> owners(static_cast<size_t>(folded.num_unique()), 1);
  const MergedRows merged = merge_rows(folded.unique(), owners);
  const InverseKeyedJaggedTensor windowed =
      InverseKeyedJaggedTensor::make_windowed(merged.payload, merged.windows,
                                              folded.inverse_indices())
          .value();
  FUZZ_EXPECT(windowed.exact() == folded);
  FUZZ_EXPECT(expand(windowed.exact()) == owned.rows);
  std::vector<SampleOfTensor> samples;
  std::vector<int32_t> rows;
  for (int i = input.take_below(20); i >= 0; --i) {
    const int32_t sample = input.take<uint8_t>() % static_cast<int32_t>(owned.rows.num_rows());
    samples.push_back({input.take_below(2), sample});
    rows.push_back(sample);
  }
  const InverseKeyedJaggedTensor* tensors[] = {&windowed, &windowed};
  const InverseKeyedJaggedTensor gathered = gather_windows(tensors, samples);
  FUZZ_EXPECT(check_windows(gathered.payload(), gathered.windows()).ok());
  FUZZ_EXPECT(expand(gathered.exact()) == select_rows(owned.rows, rows));
}

// Windows out of a damaged file.
void check_hostile_windows(const OwnedRows& owned, FuzzInput& input) {
  RowWindows windows;
  std::vector<int32_t> inverse;
  const auto take_number = [&]() -> int32_t {
    return input.take_below(16) == 0 ? input.take<int32_t>() : input.take<int8_t>();
  };
  for (int i = input.take_below(16); i > 0; --i) {
    const int32_t row = take_number(), start = take_number();
    windows.push(row, start, take_number());
    inverse.push_back(input.take_below(4) == 0 ? take_number() : i - 1);
  }
  std::reverse(inverse.begin(), inverse.end());
  const bool valid = check_windows(owned.rows, windows).ok();
  if (valid) {
    const KeyedJaggedTensor cut = cut_windows(owned.rows, windows);
    for (int64_t key = 0; key < cut.num_keys(); ++key) {
      for (int64_t u = 0; u < windows.size(); ++u) {
        FUZZ_EXPECT(length(cut.column(key), u) ==
                    window_values(windows, u, owned.rows.column(key)).size());
      }
    }
  }
  auto made = InverseKeyedJaggedTensor::make_windowed(owned.rows, windows, inverse);
  FUZZ_EXPECT(valid || !made.ok());
  if (!made.ok()) return;
  FUZZ_EXPECT(expand(made->exact()).num_rows() == made->num_samples());
  if (!is_parallel(owned.rows)) return;
  made->keep_newest(2);
  FUZZ_EXPECT(check_windows(made->payload(), made->windows()).ok());
}

}  // namespace
}  // namespace onefold::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace onefold::fuzz;
  FuzzInput input(data, size);
  const OwnedRows owned = take_rows(input);
  check_merge(owned);
  check_gather(owned, input);
  check_hostile_windows(owned, input);
  return 0;
}
