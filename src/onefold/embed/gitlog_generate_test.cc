// SPDX-License-Identifier: Apache-2.0
// Real events with one very heavy user, 107,806 events, all the way to embeddings. Skipped where
// the data is absent.
#include <filesystem>
#include <set>

#include <gtest/gtest.h>

#include "onefold/base/files.h"
#include "onefold/embed/generate.h"
#include "onefold/embedding_store/version_reader.h"
#include "onefold/timeline/test_timelines.h"
#include "onefold/train/trainer.h"

namespace onefold {
namespace {

void write_untrained(const std::string& timelines, const std::string& checkpoint) {
  TrainConfig config;
  config.model.tables = {{"item", 10}};
  config.model.features = {{.name = "item_id", .table = "item"}};
  UpstreamConfig& upstream = config.model.upstream.emplace();
  upstream.timelines = timelines;
  upstream.slice_set = gitlog_slices();
  upstream.dim = 16;
  upstream.table_rows = {.item = 1 << 14, .author = 1, .topic = 64};
  upstream.encoder = {.tokens = 4};
  config.loop.epochs = 0;
  config.checkpoint.directory = checkpoint;
  const auto trainer =
      Trainer::create(config, {.features = {}, .labels = {{"click", "click", false}}},
                      std::make_unique<MemorySource>(std::vector<Batch>()), nullptr);
  ASSERT_TRUE(trainer.ok()) << trainer.status().message();
  ASSERT_TRUE((*trainer)->run().ok());
}

TEST(GitlogGenerate, EveryUserGetsAnEmbeddingOfItsNewestEvents) {
  const std::string events = std::string(ONEFOLD_SHARED_DATA) + "/gitlog_events/events.csv.zst";
  if (!path_exists(events)) GTEST_SKIP() << events << " is absent";
  const std::string root = fresh_directory("gitlog");
  TimelineBuildOptions build;
  build.max_events = {8'000, 35'000};
  const auto intake = build_timelines(root + "/timelines", {events}, gitlog_mapping(), build);
  ASSERT_TRUE(intake.ok()) << intake.status().message();
  const TimelineManifest manifest = read_timeline_manifest(root + "/timelines").value();
  EXPECT_EQ(manifest.num_events[0] + manifest.num_events[1] + intake->drops.total(),
            intake->events_read);
  write_untrained(root + "/timelines", root + "/checkpoint");

  GenerateOptions options;
  options.checkpoint = root + "/checkpoint";
  options.timelines = root + "/timelines";
  options.store = root + "/store";
  options.threads = 1;  // batches are too small to share
  const auto report = generate_embeddings(options);
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_EQ(report->users, manifest.num_users);
  EXPECT_EQ(report->without_events, 0);
  EXPECT_EQ(report->events, manifest.num_events[0] + manifest.num_events[1]);

  // A cap below what is stored changes the heaviest users' embeddings and only theirs.
  GenerateOptions capped = options;
  capped.store = root + "/capped";
  capped.max_explicit = capped.max_implicit = 5'000;
  ASSERT_TRUE(generate_embeddings(capped).ok());
  auto read = [](const std::string& directory) {
    return VersionReader::open(EmbeddingStore::open(directory).value(), "v000001").value();
  };
  auto timelines =
      TimelineReader::open(root + "/timelines", {.columns = {EventColumn::kTime}}).value();
  const auto all = read(options.store), newest = read(capped.store);
  int64_t changed = 0, long_users = 0;
  while (const std::optional<TimelineBatch> batch = timelines->next().value()) {
    for (int64_t i = 0; i < batch->num_users(); ++i) {
      bool is_long = false;
      for (const KeyedJaggedTensor& row : batch->timelines) {
        is_long |= row.get<int64_t>("time").row(i).size() > 5'000;
      }
      const int64_t user = batch->user_id[i];
      const bool differs = *all->lookup(user).value() != *newest->lookup(user).value();
      EXPECT_EQ(differs, is_long) << "user " << user;
      changed += differs;
      long_users += is_long;
    }
  }
  EXPECT_GT(changed, 10);
  EXPECT_EQ(changed, long_users);
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace onefold
