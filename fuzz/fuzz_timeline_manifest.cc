// SPDX-License-Identifier: Apache-2.0
// Arbitrary bytes as the manifest of timelines: an error, or one that is written and read again as
// it was, and every user has a range.
#include <limits>

#include "fuzz/fuzz_input.h"
#include <nlohmann/json.hpp>

#include "onefold/timeline/timeline_manifest.h"

namespace onefold::fuzz {
namespace {

void check_manifest(const TimelineManifest& manifest) {
  for (const TimelineKind kind : {TimelineKind::kExplicit, TimelineKind::kImplicit}) {
    if (manifest.num_ranges(kind) == 0) continue;
    for (const int64_t user :
         {std::numeric_limits<int64_t>::min(), int64_t{0}, std::numeric_limits<int64_t>::max()}) {
      const int range = manifest.range_of(kind, user);
      FUZZ_EXPECT(range >= 0 && range < manifest.num_ranges(kind));
      for (const int part : manifest.parts_of(kind, range)) {
        FUZZ_EXPECT(manifest.parts[static_cast<size_t>(part)].timeline == kind);
      }
    }
  }
  const auto again = timeline_manifest_from_json(to_json(manifest));
  FUZZ_EXPECT(again.ok());
  FUZZ_EXPECT(to_json(*again) == to_json(manifest));
}

}  // namespace
}  // namespace onefold::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto json = nlohmann::json::parse(data, data + size, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return 0;
  const auto manifest = onefold::timeline_manifest_from_json(json);
  if (manifest.ok()) onefold::fuzz::check_manifest(*manifest);
  return 0;
}
