// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/build_timelines.h"

#include <filesystem>
#include <random>

#include <fmt/format.h>

#include "onefold/base/files.h"
#include "onefold/timeline/compaction.h"
#include "onefold/timeline/delta_writer.h"
#include "onefold/timeline/event_sorter.h"
#include "onefold/timeline/event_source.h"
#include "onefold/timeline/timeline_store.h"

namespace onefold {
namespace {

constexpr int64_t kMaxEvents = int64_t{1} << 28;  // a row's offsets are 32 bits

std::string new_id() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

Result<EventMapping> parse_mapping(const MappingText& text) {
  if (text.toml.empty()) return EventMapping::for_log();
  return EventMapping::from_toml(text.toml, text.source, text.directory);
}

Status check_options(const TimelineBuildOptions& build) {
  if (build.range_events < 1) return invalid_argument("range_events should be at least 1");
  for (TimelineKind kind : kTimelineKinds) {
    const int64_t max_events = build.max_events[static_cast<int>(kind)];
    if (max_events < 0 || max_events > kMaxEvents) {
      return invalid_argument(fmt::format("at most {} {} events per user: should be 0 to {}",
                                          max_events, to_string(kind), kMaxEvents));
    }
  }
  return {};
}

Status check_options(const TimelineWriteOptions& options) {
  if (options.max_parts < 1) return invalid_argument("max_parts should be at least 1");
  if (options.memory_bytes <= 0) return invalid_argument("memory should be positive");
  return {};
}

// Reads, sorts and writes one generation into `store`.
Result<IntakeReport> take_in(TimelineStore& store, const EventInputs& inputs,
                             const EventMapping& mapping, const TimelineWriteOptions& options,
                             const std::string& spill_directory, const std::string& kind) {
  TimelineManifest manifest = store.manifest();
  IntakeReport report;
  EventSorter sorter(spill_directory, options.memory_bytes);
  EventIntake intake(mapping, manifest.vocabularies, report,
                     [&](const Event& event) { return sorter.add(event); });
  ONEFOLD_RETURN_IF_ERROR(read_events(inputs, mapping, manifest.vocabularies, intake));
  ONEFOLD_RETURN_IF_ERROR(sorter.finish());
  ONEFOLD_RETURN_IF_ERROR(write_delta(store, sorter, options.parts, manifest, report));
  ++manifest.version.generation;
  manifest.history.push_back(
      {.generation = manifest.version.generation, .kind = kind, .report = report});
  ONEFOLD_RETURN_IF_ERROR(store.commit(std::move(manifest)));
  return report;
}

// kInvalidArgument when there is something at `directory` that is not ours to replace.
Status check_replaceable(const std::string& directory) {
  std::error_code error;
  if (!path_exists(directory) || path_exists(directory + "/" + kTimelineManifestName)) return {};
  if (std::filesystem::is_directory(directory, error) &&
      std::filesystem::is_empty(directory, error)) {
    return {};
  }
  return invalid_argument(directory +
                          ": exists and is neither empty nor timelines; it is left "
                          "alone, choose another directory");
}

}  // namespace

Result<MappingText> read_mapping(const std::string& path) {
  ONEFOLD_ASSIGN_OR_RETURN(std::string toml, read_file(path));
  const std::filesystem::path directory = std::filesystem::absolute(path).parent_path();
  return MappingText{.toml = std::move(toml), .source = path, .directory = directory.string()};
}

Result<IntakeReport> build_timelines(const std::string& directory,
                                     const std::vector<std::string>& paths,
                                     const std::optional<MappingText>& mapping,
                                     const TimelineBuildOptions& build,
                                     const TimelineWriteOptions& options) {
  ONEFOLD_RETURN_IF_ERROR(check_options(build));
  ONEFOLD_RETURN_IF_ERROR(check_options(options));
  ONEFOLD_RETURN_IF_ERROR(check_replaceable(directory));
  const MappingText text = mapping.value_or(MappingText{});
  ONEFOLD_ASSIGN_OR_RETURN(const EventMapping parsed, parse_mapping(text));
  ONEFOLD_ASSIGN_OR_RETURN(const EventInputs inputs, find_inputs(paths));
  std::optional<DirectoryLock> replaced;
  if (path_exists(directory)) {
    ONEFOLD_ASSIGN_OR_RETURN(DirectoryLock lock, DirectoryLock::acquire(directory));
    replaced.emplace(std::move(lock));
  }
  ONEFOLD_ASSIGN_OR_RETURN(StagingDirectory staging, StagingDirectory::create(directory));
  TimelineManifest manifest;
  manifest.version.id = new_id();
  manifest.range_events = build.range_events;
  manifest.max_events = build.max_events;
  manifest.mapping = text.toml;
  manifest.mapping_directory = text.directory;
  ONEFOLD_ASSIGN_OR_RETURN(TimelineStore store,
                           TimelineStore::create(staging.path(), std::move(manifest)));
  const std::string& spill =
      options.spill_directory.empty() ? staging.path() : options.spill_directory;
  ONEFOLD_ASSIGN_OR_RETURN(IntakeReport report,
                           take_in(store, inputs, parsed, options, spill, "build"));
  ONEFOLD_RETURN_IF_ERROR(staging.commit());
  return report;
}

Result<IntakeReport> append_timelines(const std::string& directory,
                                      const std::vector<std::string>& paths,
                                      const std::optional<MappingText>& mapping,
                                      const TimelineWriteOptions& options) {
  ONEFOLD_RETURN_IF_ERROR(check_options(options));
  ONEFOLD_ASSIGN_OR_RETURN(TimelineStore store, TimelineStore::open(directory));
  const MappingText stored{.toml = store.manifest().mapping,
                           .source = directory + ": mapping of the build",
                           .directory = store.manifest().mapping_directory};
  ONEFOLD_ASSIGN_OR_RETURN(const EventMapping parsed, parse_mapping(mapping.value_or(stored)));
  ONEFOLD_ASSIGN_OR_RETURN(const EventInputs inputs, find_inputs(paths));
  const std::string& spill = options.spill_directory.empty() ? directory : options.spill_directory;
  ONEFOLD_ASSIGN_OR_RETURN(IntakeReport report,
                           take_in(store, inputs, parsed, options, spill, "append"));
  ONEFOLD_RETURN_IF_ERROR(compact(store, options.max_parts, options.parts).status());
  return report;
}

}  // namespace onefold
