// SPDX-License-Identifier: Apache-2.0
// Arbitrary bytes as a table's manifest: an error, or a manifest that is written and read again as
// it was and whose promises a reader may rely on.
#include "fuzz/fuzz_input.h"
#include <nlohmann/json.hpp>

#include "onefold/table/manifest.h"
#include "onefold/table/manifest_checksum.h"

namespace onefold::fuzz {
namespace {

void check_file(const TableFile& file) {
  int64_t rows = 0;
  for (const int64_t row_group_rows : file.row_group_rows) {
    FUZZ_EXPECT(row_group_rows >= 0);
    rows += row_group_rows;
  }
  FUZZ_EXPECT(rows == file.num_rows);
  FUZZ_EXPECT(file.bytes >= 0);
  FUZZ_EXPECT(!file.path.empty() && file.path[0] != '/');
}

void check_manifest(const Manifest& manifest) {
  FUZZ_EXPECT(manifest.schema.validate().ok());
  int64_t num_samples = 0;
  for (const TablePart& part : manifest.parts) {
    check_file(part.samples);
    num_samples += part.samples.num_rows;
    for (const GroupFile& group : part.groups) {
      check_file(group.file);
      FUZZ_EXPECT(group.file.row_group_rows.size() == part.samples.row_group_rows.size());
    }
  }
  FUZZ_EXPECT(num_samples == manifest.num_samples && manifest.num_sessions >= 0);

  const std::string bytes = manifest_bytes(to_json(manifest));
  const auto again = manifest_from_bytes(bytes);
  FUZZ_EXPECT(again.ok());
  FUZZ_EXPECT(to_json(*again) == to_json(manifest));
}

}  // namespace
}  // namespace onefold::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const auto from_bytes = onefold::manifest_from_bytes(bytes);
  // The checksum stops nearly every change; past it, what somebody wrote who left it out.
  const auto json = nlohmann::json::parse(bytes, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return 0;
  const auto manifest = onefold::manifest_from_json(json);
  FUZZ_EXPECT(manifest.ok() || !from_bytes.ok());
  if (manifest.ok()) onefold::fuzz::check_manifest(*manifest);
  return 0;
}
