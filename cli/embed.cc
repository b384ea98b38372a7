// SPDX-License-Identifier: Apache-2.0
// onefold embed: user embeddings as versions that go live, roll back and are looked up.
#include <chrono>
#include <iostream>
#include <memory>

#include "cli/verbs.h"
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "onefold/embedding_store/drift.h"
#include "onefold/embedding_store/redis_target.h"
#include "onefold/embedding_store/version_reader.h"
#include "onefold/timeline/utc_time.h"

namespace onefold::cli {
namespace {

struct EmbedFlags {
  std::string store, version, previous;
  std::string at;
  int64_t user_id = 0;
  std::string redis, prefix = "onefold";
  int64_t expire_seconds = 24 * 3600;
  DriftLimits limits;
  bool force = false;
  bool json = false;
};

using Flags = std::shared_ptr<EmbedFlags>;

int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string utc(int64_t time_us) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     fmt::gmtime(static_cast<std::time_t>(time_us / 1000000)));
}

void print_drift(const DriftReport& r, const std::string& version, const std::string& previous) {
  std::cout << fmt::format(
      "{} against {}: {} users, coverage {:.2f} %, cosine mean {:.4f} p1 {:.4f} min {:.4f}, "
      "norm {:.4g} (was {:.4g}), quantisation rmse {:.3g}\n",
      version, previous, r.users, 100 * r.coverage, r.mean_cosine, r.p01_cosine, r.min_cosine,
      r.mean_norm, r.previous_mean_norm, r.quantization_rmse);
}

Result<DriftReport> drift_between(const EmbeddingStore& store, const std::string& version,
                                  const std::string& previous) {
  ONEFOLD_ASSIGN_OR_RETURN(auto newer, VersionReader::open(store, version));
  ONEFOLD_ASSIGN_OR_RETURN(auto older, VersionReader::open(store, previous));
  return measure_drift(*newer, *older);
}

// Loads the version's chain and makes it live online; versions that left the chain expire.
Status serve(const EmbeddingStore& store, const EmbedFlags& flags, const std::string& version) {
  ONEFOLD_ASSIGN_OR_RETURN(auto target,
                           RedisTarget::connect({.url = flags.redis, .prefix = flags.prefix}));
  ONEFOLD_ASSIGN_OR_RETURN(const auto before, target->live());
  ONEFOLD_ASSIGN_OR_RETURN(auto reader, VersionReader::open(store, version));
  const auto chain = reader->chain();
  int64_t users = 0;
  for (auto id = chain.rbegin(); id != chain.rend(); ++id) {
    ONEFOLD_ASSIGN_OR_RETURN(auto layer, VersionReader::open(store, *id));
    ONEFOLD_ASSIGN_OR_RETURN(const int64_t loaded, target->load(*layer));
    users += loaded;
  }
  ONEFOLD_RETURN_IF_ERROR(target->set_live(*reader));
  for (const std::string& id : before) {
    if (std::find(chain.begin(), chain.end(), id) != chain.end()) continue;
    ONEFOLD_ASSIGN_OR_RETURN(auto old, VersionReader::open(store, id));
    ONEFOLD_RETURN_IF_ERROR(target->expire(*old, flags.expire_seconds).status());
  }
  if (!flags.json) {
    std::cout << fmt::format("{} is live at {} ({} users loaded)\n", version, flags.redis, users);
  }
  return {};
}

Status run_publish(const EmbedFlags& flags) {
  int64_t from_us = now_us();
  if (!flags.at.empty()) {
    ONEFOLD_ASSIGN_OR_RETURN(from_us, parse_utc(flags.at));
  }
  ONEFOLD_ASSIGN_OR_RETURN(EmbeddingStore store, EmbeddingStore::open(flags.store));
  std::string version = flags.version;
  if (version.empty()) {
    ONEFOLD_ASSIGN_OR_RETURN(const auto versions, store.versions());
    if (versions.empty()) return not_found(flags.store + ": holds no version to publish");
    version = versions.back();
  }
  nlohmann::json report = {{"version", version}};
  if (const auto live = store.live(); live && *live != version) {
    ONEFOLD_ASSIGN_OR_RETURN(const DriftReport drift, drift_between(store, version, *live));
    report["drift"] = to_json(drift);
    if (!flags.json) print_drift(drift, version, *live);
    const Status allowed = check_drift(drift, flags.limits);
    if (!allowed.ok() && !flags.force) {
      return allowed.with_context(version +
                                  " was not published (--force publishes it all the same)");
    }
  }
  // Online first: a consumer of the history must find what the history says.
  if (!flags.redis.empty()) ONEFOLD_RETURN_IF_ERROR(serve(store, flags, version));
  ONEFOLD_RETURN_IF_ERROR(store.publish(version, from_us));
  if (flags.json) {
    std::cout << report.dump() << "\n";
  } else {
    std::cout << fmt::format("{} is live in {}\n", version, flags.store);
  }
  return {};
}

Status run_rollback(const EmbedFlags& flags) {
  ONEFOLD_ASSIGN_OR_RETURN(EmbeddingStore store, EmbeddingStore::open(flags.store));
  ONEFOLD_RETURN_IF_ERROR(store.rollback(now_us()));
  if (!flags.redis.empty()) ONEFOLD_RETURN_IF_ERROR(serve(store, flags, *store.live()));
  std::cout << fmt::format("{} is live in {} again\n", *store.live(), flags.store);
  return {};
}

Status run_versions(const EmbedFlags& flags) {
  ONEFOLD_ASSIGN_OR_RETURN(EmbeddingStore store, EmbeddingStore::open(flags.store));
  ONEFOLD_ASSIGN_OR_RETURN(const auto ids, store.versions());
  nlohmann::json versions = nlohmann::json::array();
  for (const std::string& id : ids) {
    ONEFOLD_ASSIGN_OR_RETURN(const VersionInfo info, store.info(id));
    nlohmann::json entry = to_json(info);
    entry.erase("files");
    entry["users"] = info.num_users();
    entry["live"] = store.live() == id;
    if (!flags.json) {
      std::cout << fmt::format("{} {:<4} {:>10} users  {}  {}x{}  as of {}  made {}{}\n", id,
                               entry["live"] ? "live" : "", info.num_users(),
                               to_string(info.format), info.shape.tokens, info.shape.dim,
                               utc(info.as_of_us), utc(info.created_us),
                               info.base.empty() ? "" : "  over " + info.base);
    }
    versions.push_back(std::move(entry));
  }
  nlohmann::json history = nlohmann::json::array();
  for (const LiveInterval& interval : store.history()) {
    history.push_back({{"version", interval.version}, {"from", utc(interval.from_us)}});
  }
  if (flags.json) {
    std::cout << nlohmann::json{{"versions", versions}, {"history", history}}.dump() << "\n";
  } else if (ids.empty()) {
    std::cout << "no versions yet\n";
  }
  return {};
}

Status run_lookup(const EmbedFlags& flags) {
  ONEFOLD_ASSIGN_OR_RETURN(EmbeddingStore store, EmbeddingStore::open(flags.store));
  const std::string version = flags.version.empty() ? store.live().value_or("") : flags.version;
  if (version.empty()) {
    return not_found(flags.store + ": nothing is live; name a version with --version");
  }
  ONEFOLD_ASSIGN_OR_RETURN(auto reader, VersionReader::open(store, version));
  std::optional<std::vector<int64_t>> words;
  if (flags.redis.empty()) {
    ONEFOLD_ASSIGN_OR_RETURN(words, reader->lookup(flags.user_id));
  } else {
    ONEFOLD_ASSIGN_OR_RETURN(auto target,
                             RedisTarget::connect({.url = flags.redis, .prefix = flags.prefix}));
    ONEFOLD_ASSIGN_OR_RETURN(words, target->lookup(flags.user_id));
  }
  if (!words) return not_found(fmt::format("version {} has no user {}", version, flags.user_id));
  const VersionInfo& info = reader->info();
  std::vector<float> values(info.shape.num_values());
  dequantize(info.format, info.shape, *words, values);
  nlohmann::json tokens = nlohmann::json::array();
  for (int32_t token = 0; token < info.shape.tokens; ++token) {
    const auto begin = values.begin() + static_cast<int64_t>(token) * info.shape.dim;
    tokens.push_back(std::vector<float>(begin, begin + info.shape.dim));
  }
  std::cout << nlohmann::json{{"user_id", flags.user_id},
                              {"version", version},
                              {"embedding", tokens}}
                   .dump()
            << "\n";
  return {};
}

Status run_drift(const EmbedFlags& flags) {
  ONEFOLD_ASSIGN_OR_RETURN(EmbeddingStore store, EmbeddingStore::open(flags.store));
  ONEFOLD_ASSIGN_OR_RETURN(const DriftReport report,
                           drift_between(store, flags.version, flags.previous));
  if (flags.json) {
    std::cout << to_json(report).dump() << "\n";
  } else {
    print_drift(report, flags.version, flags.previous);
  }
  return check_drift(report, flags.limits);
}

void add_limits(CLI::App& app, const Flags& flags) {
  app.add_option("--min-coverage", flags->limits.min_coverage,
                 "Share of the previous version's users that must be there")
      ->capture_default_str();
  app.add_option("--min-cosine", flags->limits.min_mean_cosine,
                 "Least mean cosine similarity to the previous version")
      ->capture_default_str();
  app.add_option("--max-norm-ratio", flags->limits.max_norm_ratio,
                 "Largest factor between the mean norms")
      ->capture_default_str();
}

void add_redis(CLI::App& app, const Flags& flags) {
  app.add_option("--redis", flags->redis, "Serve from Redis: redis://host:port/db or unix:///path");
  app.add_option("--prefix", flags->prefix, "Prefix of all keys in Redis")->capture_default_str();
}

CLI::App* add_verb(CLI::App& parent, Run& run, const Flags& flags, const std::string& name,
                   const std::string& description, Status (*body)(const EmbedFlags&)) {
  CLI::App* app = parent.add_subcommand(name, description);
  app->add_option("STORE", flags->store, "Directory of the embedding's versions")->required();
  app->add_flag("--json", flags->json, "Print JSON");
  app->callback([flags, &run, body] { run = [flags, body] { return body(*flags); }; });
  return app;
}

}  // namespace

void add_embed(CLI::App& app, Run& run) {
  CLI::App* verb = app.add_subcommand("embed", "Publish and look up user embeddings");
  verb->require_subcommand(1);
  auto flags = std::make_shared<EmbedFlags>();
  add_embed_generate(*verb, run);

  CLI::App* publish = add_verb(*verb, run, flags, "publish", "Make a version live", &run_publish);
  publish->add_option("VERSION", flags->version, "Version to publish (default: the newest)");
  publish->add_option("--at", flags->at,
                      "Live from this time on, UTC (default: now); for versions of the past");
  publish->add_flag("--force", flags->force, "Publish in spite of a drift limit");
  publish->add_option("--expire", flags->expire_seconds, "Seconds that replaced keys stay in Redis")
      ->capture_default_str();
  add_limits(*publish, flags);
  add_redis(*publish, flags);
  publish->footer(
      "Examples:\n"
      "  onefold embed publish users/\n"
      "  onefold embed publish users/ v000004 --redis redis://localhost:6379/0 --min-cosine 0.9");

  CLI::App* rollback = add_verb(*verb, run, flags, "rollback",
                                "Make the version before the live one live again", &run_rollback);
  add_redis(*rollback, flags);
  add_verb(*verb, run, flags, "versions", "List versions and what was live when", &run_versions);

  CLI::App* lookup =
      add_verb(*verb, run, flags, "lookup", "Print one user's embedding", &run_lookup);
  lookup->add_option("USER", flags->user_id, "User id")->required();
  lookup->add_option("--version", flags->version, "Version to read (default: the live one)");
  add_redis(*lookup, flags);

  CLI::App* drift =
      add_verb(*verb, run, flags, "drift",
               "Compare two versions; exit code 1 when a limit is broken", &run_drift);
  drift->add_option("VERSION", flags->version, "The newer version")->required();
  drift->add_option("PREVIOUS", flags->previous, "The older version")->required();
  add_limits(*drift, flags);
}

}  // namespace onefold::cli
