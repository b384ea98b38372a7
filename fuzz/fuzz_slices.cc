// SPDX-License-Identifier: Apache-2.0
// Arbitrary text as a slice file: an error that names a line, or slices that read the same again
// and compile to masks which select from a timeline as they say.
#include <array>
#include <vector>

#include "fuzz/fuzz_input.h"

#include "onefold/timeline/compiled_slices.h"
#include "onefold/timeline/slice_set.h"

namespace onefold::fuzz {
namespace {

void check_segments(const CompiledSlices& compiled) {
  const std::vector<int64_t> times_us = {-1, 0, 1'000'000, 86'400'000'000, 604'800'000'000};
  for (const TimelineKind kind : {TimelineKind::kExplicit, TimelineKind::kImplicit}) {
    int64_t before = 0;
    for (const WindowSegment& segment : compiled.segments(kind, times_us, 604'800'000'000)) {
      FUZZ_EXPECT(segment.begin >= before && segment.begin < segment.end && segment.end <= 4);
      before = segment.end;
    }
    const std::vector<int64_t> ids = {1, 2, 3, 4, 5};
    const std::vector<int64_t> codes = {-1, 0, 1, 2, 0};
    const std::vector<float> seconds = {0.0f, 1.0f, 30.0f, -1.0f, 1e30f};
    std::array<SliceMask, 5> masks;
    compiled.event_masks(kind, {ids, ids, ids, codes, codes, codes, seconds, seconds}, masks);
  }
}

void check_slices(const SliceSet& set, const std::string& text) {
  FUZZ_EXPECT(set.size() <= SliceSet::kMaxSlices);
  for (int slice = 0; slice < set.size(); ++slice) {
    FUZZ_EXPECT(set.find(set.slices()[static_cast<size_t>(slice)].name) == slice);
    const int group = set.table_group(slice);
    FUZZ_EXPECT(group >= 0 && group < static_cast<int>(set.table_groups().size()));
  }
  const auto again = SliceSet::from_toml(text, "again.toml");
  FUZZ_EXPECT(again.ok() && again->version() == set.version());
  Vocabularies vocabularies;  // of the codes in check_segments()
  for (Vocabulary* vocabulary :
       {&vocabularies.action, &vocabularies.surface, &vocabularies.media_type}) {
    for (const char* name : {"like", "impression", "feed"}) vocabulary->add(name);
  }
  check_segments(CompiledSlices(set, vocabularies));
}

}  // namespace
}  // namespace onefold::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto set = onefold::SliceSet::from_toml(text, "fuzz.toml");
  if (set.ok()) onefold::fuzz::check_slices(*set, text);
  return 0;
}
