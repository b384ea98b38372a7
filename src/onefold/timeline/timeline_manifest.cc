// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/timeline_manifest.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <optional>

#include <nlohmann/json.hpp>

#include "onefold/base/files.h"
#include "onefold/base/hash.h"
#include "onefold/jagged/json_integer.h"

namespace onefold {
namespace {

using nlohmann::json;
constexpr const char* kFormatName = "onefold timelines";
constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();

json part_to_json(const TimelinePart& part) {
  return {{"path", part.path},
          {"timeline", to_string(part.timeline)},
          {"generation", part.generation},
          {"users", part.num_users},
          {"events", part.num_events},
          {"bytes", part.bytes},
          {"xxh3", part.xxh3},
          {"first_user", part.first_user},
          {"last_user", part.last_user},
          {"oldest_time_us", part.oldest_time_us},
          {"newest_time_us", part.newest_time_us}};
}

Result<TimelinePart> part_from_json(const json& object) {
  TimelinePart part{.path = object.at("path")};
  ONEFOLD_ASSIGN_OR_RETURN(part.timeline, parse_timeline_kind(object.at("timeline")));
  part.generation = int64_at(object, "generation");
  part.num_users = int64_at(object, "users");
  part.num_events = int64_at(object, "events");
  part.bytes = int64_at(object, "bytes");
  part.xxh3 = object.at("xxh3");
  part.first_user = int64_at(object, "first_user", kLeast);
  part.last_user = int64_at(object, "last_user", kLeast);
  part.oldest_time_us = int64_at(object, "oldest_time_us", kLeast);
  part.newest_time_us = int64_at(object, "newest_time_us", kLeast);
  return part;
}

json per_timeline(const std::array<int64_t, kNumTimelines>& values) {
  return {{to_string(TimelineKind::kExplicit), values[0]},
          {to_string(TimelineKind::kImplicit), values[1]}};
}

std::array<int64_t, kNumTimelines> per_timeline_from(const json& object) {
  return {int64_at(object, to_string(TimelineKind::kExplicit)),
          int64_at(object, to_string(TimelineKind::kImplicit))};
}

Status read_ranges(const json& object, TimelineManifest& manifest) {
  for (TimelineKind kind : kTimelineKinds) {
    auto& starts = manifest.range_starts[static_cast<int>(kind)];
    for (const json& start : object.at("range_starts").at(to_string(kind))) {
      const std::optional<int64_t> user = to_int64(start);
      if (!user) return schema_error("range_starts: " + start.dump() + " is no user id");
      starts.push_back(*user);
    }
    const bool ascends =
        std::adjacent_find(starts.begin(), starts.end(), std::greater_equal<>()) == starts.end();
    if (!ascends || (!starts.empty() && starts[0] != std::numeric_limits<int64_t>::min())) {
      return schema_error(std::string("range_starts.") + to_string(kind) +
                          " should ascend from the least int64");
    }
  }
  return {};
}

Status check_range(const TimelineManifest& manifest, const TimelinePart& part) {
  if (manifest.num_ranges(part.timeline) == 0 || part.first_user > part.last_user ||
      manifest.range_of(part.timeline, part.first_user) !=
          manifest.range_of(part.timeline, part.last_user)) {
    return schema_error(part.path + ": its users " + std::to_string(part.first_user) + " to " +
                        std::to_string(part.last_user) + " are not of one range");
  }
  return {};
}

Status read_lists(const json& object, TimelineManifest& manifest) {
  const json& names = object.at("vocabularies");
  for (auto [key, vocabulary] : {std::pair{"action", &manifest.vocabularies.action},
                                 std::pair{"surface", &manifest.vocabularies.surface},
                                 std::pair{"media_type", &manifest.vocabularies.media_type}}) {
    auto made = Vocabulary::make(names.at(key).get<std::vector<std::string>>());
    if (!made.ok()) return made.status().with_context(std::string("vocabularies.") + key);
    *vocabulary = std::move(*made);
  }
  for (const json& part : object.at("parts")) {
    ONEFOLD_ASSIGN_OR_RETURN(TimelinePart read, part_from_json(part));
    ONEFOLD_RETURN_IF_ERROR(check_range(manifest, read));
    manifest.parts.push_back(std::move(read));
  }
  for (const json& change : object.at("changes")) {
    manifest.changes.push_back({.generation = int64_at(change, "generation"),
                                .path = change.at("path"),
                                .num_users = int64_at(change, "users")});
  }
  for (const json& commit : object.at("history")) {
    ONEFOLD_ASSIGN_OR_RETURN(IntakeReport report, intake_report_from_json(commit.at("report")));
    manifest.history.push_back({.generation = int64_at(commit, "generation"),
                                .kind = commit.at("kind"),
                                .report = std::move(report)});
  }
  return {};
}

}  // namespace

int TimelineManifest::num_ranges(TimelineKind timeline) const {
  return static_cast<int>(range_starts[static_cast<int>(timeline)].size());
}

int TimelineManifest::range_of(TimelineKind timeline, int64_t user_id) const {
  const auto& starts = range_starts[static_cast<int>(timeline)];
  return static_cast<int>(std::upper_bound(starts.begin(), starts.end(), user_id) -
                          starts.begin()) -
         1;
}

std::vector<int> TimelineManifest::parts_of(TimelineKind timeline, int range) const {
  std::vector<int> found;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].timeline == timeline && range_of(timeline, parts[i].first_user) == range) {
      found.push_back(static_cast<int>(i));
    }
  }
  return found;
}

json to_json(const TimelineManifest& manifest) {
  json parts = json::array(), changes = json::array(), history = json::array();
  for (const TimelinePart& part : manifest.parts) parts.push_back(part_to_json(part));
  for (const ChangedUsers& change : manifest.changes) {
    changes.push_back(
        {{"generation", change.generation}, {"path", change.path}, {"users", change.num_users}});
  }
  for (const TimelineCommit& commit : manifest.history) {
    history.push_back({{"generation", commit.generation},
                       {"kind", commit.kind},
                       {"report", to_json(commit.report)}});
  }
  return {{"format", kFormatName},
          {"format_version", manifest.format_version},
          {"id", manifest.version.id},
          {"generation", manifest.version.generation},
          {"max_events", per_timeline(manifest.max_events)},
          {"vocabularies",
           {{"action", manifest.vocabularies.action.names()},
            {"surface", manifest.vocabularies.surface.names()},
            {"media_type", manifest.vocabularies.media_type.names()}}},
          {"mapping", manifest.mapping},
          {"mapping_directory", manifest.mapping_directory},
          {"num_users", manifest.num_users},
          {"num_events", per_timeline(manifest.num_events)},
          {"newest_time_us", manifest.newest_time_us},
          {"range_events", manifest.range_events},
          {"range_starts",
           {{to_string(TimelineKind::kExplicit), manifest.range_starts[0]},
            {to_string(TimelineKind::kImplicit), manifest.range_starts[1]}}},
          {"parts", parts},
          {"changes", changes},
          {"history", history}};
}

Result<TimelineManifest> timeline_manifest_from_json(const json& object) {
  try {
    if (object.at("format").get<std::string>() != kFormatName) {
      return schema_error("not a manifest of timelines");
    }
    TimelineManifest manifest;
    const int64_t version = int64_at(object, "format_version");
    if (version > kTimelineFormatVersion) {
      return unsupported("timeline format " + std::to_string(version) +
                         "; this build reads up to " + std::to_string(kTimelineFormatVersion));
    }
    manifest.format_version = static_cast<int>(version);
    manifest.version = {.id = object.at("id"), .generation = int64_at(object, "generation")};
    manifest.max_events = per_timeline_from(object.at("max_events"));
    manifest.mapping = object.at("mapping");
    manifest.mapping_directory = object.at("mapping_directory");
    manifest.num_users = int64_at(object, "num_users");
    manifest.num_events = per_timeline_from(object.at("num_events"));
    manifest.newest_time_us = int64_at(object, "newest_time_us", kLeast);
    manifest.range_events = int64_at(object, "range_events");
    ONEFOLD_RETURN_IF_ERROR(read_ranges(object, manifest));
    ONEFOLD_RETURN_IF_ERROR(read_lists(object, manifest));
    return manifest;
  } catch (const json::exception& error) {
    return schema_error(error.what());
  }
}

Result<TimelineManifest> read_timeline_manifest(const std::string& directory) {
  const std::string path = directory + "/" + kTimelineManifestName;
  auto bytes = read_file(path);
  if (bytes.status().code() == StatusCode::kNotFound) {
    return not_found(directory + ": no " + kTimelineManifestName +
                     " there: not timelines, or a build that did not finish; run 'onefold "
                     "timeline build'");
  }
  if (!bytes.ok()) return bytes.status();
  const json object = json::parse(*bytes, nullptr, /*allow_exceptions=*/false);
  if (object.is_discarded()) return data_loss(path + ": not valid JSON");
  auto manifest = timeline_manifest_from_json(object);
  if (!manifest.ok()) return manifest.status().with_context(path);
  return manifest;
}

Status verify_timelines(const std::string& directory) {
  ONEFOLD_ASSIGN_OR_RETURN(const TimelineManifest manifest, read_timeline_manifest(directory));
  for (const TimelinePart& part : manifest.parts) {
    const std::string path = directory + "/" + part.path;
    ONEFOLD_ASSIGN_OR_RETURN(const std::string hash, hash_file(path));
    if (hash != part.xxh3) {
      return data_loss(path + ": checksum " + hash + ", the manifest says " + part.xxh3);
    }
  }
  return {};
}

}  // namespace onefold
