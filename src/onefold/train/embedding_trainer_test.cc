// SPDX-License-Identifier: Apache-2.0
// User embeddings in the loop: dedup on and off, tables built with a store and joined while
// reading, and a checkpoint that takes no other upstream model.
#include <cmath>
#include <filesystem>

#include <gtest/gtest.h>
#include <unistd.h>

#include "onefold/base/files.h"
#include "onefold/embedding_store/test_store.h"
#include "onefold/model/planted_embeddings.h"
#include "onefold/table/table_writer.h"
#include "onefold/train/config_file.h"
#include "onefold/train/trainer.h"

namespace onefold {
namespace {

namespace fs = std::filesystem;

std::vector<Batch> batches(int64_t count, uint64_t seed, bool embedded) {
  std::vector<Batch> all;
  for (int64_t i = 0; i < count; ++i) {
    all.push_back(planted_batch(seed + static_cast<uint64_t>(i), {.num_sessions = 12}));
    if (embedded) add_embeddings(all.back());
  }
  return all;
}

TrainConfig short_config(int64_t steps) {
  TrainConfig config;
  config.loop.epochs = 1000;
  config.loop.max_steps = steps;
  config.loop.threads = 1;
  return config;
}

class EmbeddingTrainerTest : public testing::TestWithParam<AdapterType> {};
INSTANTIATE_TEST_SUITE_P(Adapters, EmbeddingTrainerTest,
                         testing::Values(AdapterType::kLinear, AdapterType::kGate,
                                         AdapterType::kPrepend, AdapterType::kNone),
                         [](const auto& info) { return to_string(info.param); });

TEST_P(EmbeddingTrainerTest, DedupOnAndOffGiveTheSameRun) {
  TrainConfig config = short_config(60);
  config.model = planted_embedding_model(GetParam());
  TrainResult results[2];
  for (const bool dedup : {true, false}) {
    config.loop.dedup = dedup;
    auto source = std::make_unique<MemorySource>(batches(20, 1, true));
    results[dedup] = Trainer::create(config, planted_embedding_schema(), std::move(source), nullptr)
                         .value()
                         ->run()
                         .value();
  }
  ASSERT_EQ(results[0].losses.size(), 60u);
  EXPECT_EQ(results[0].losses.front(), results[1].losses.front());
  double worst = 0;
  for (size_t i = 0; i < results[0].losses.size(); ++i) {
    worst = std::max(worst, std::fabs(results[0].losses[i] / results[1].losses[i] - 1));
  }
  EXPECT_LT(worst, 1e-5);
}

// A table of planted samples without embeddings, a store of its users, and the table that a build
// with the store would have made.
class EmbeddingTablesTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(testing::TempDir()) /
            ("onefold_embedding_train_" + std::to_string(getpid()) + "_" +
             testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(root_);
    fs::create_directories(root_);
    std::set<int64_t> users;
    const std::vector<Batch> all = batches(6, 1, false);
    for (const Batch& batch : all) {
      for (const int64_t user : batch.user_id) {
        if (user % 3 != 0) users.insert(user);
      }
    }
    EmbeddingStore store = EmbeddingStore::open_or_create(path("store")).value();
    ASSERT_TRUE(store.publish(write_test_version(store, users, 1), 10).ok());
    ASSERT_TRUE(store.publish(write_test_version(store, users, 2), 30).ok());
    write_table("plain", all, nullptr);
    write_table("built", all, EmbeddingJoin::open(path("store")).value().get());
  }
  void TearDown() override { fs::remove_all(root_); }

  std::string path(const std::string& name) const { return (root_ / name).string(); }

  // The planted schema's groups are named as features are, which a table does not allow.
  static Batch renamed(Batch batch) {
    for (FeatureGroup& group : batch.groups) group.name += "_group";
    return batch;
  }
  static Schema schema() {
    Schema schema = planted_schema();
    for (FeatureSpec& feature : schema.features) {
      if (!feature.group.empty()) feature.group += "_group";
    }
    return schema;
  }

  void write_table(const std::string& name, const std::vector<Batch>& batches,
                   EmbeddingJoin* join) const {
    const Schema of_table = join == nullptr ? schema() : with_user_embedding(schema()).value();
    auto writer = TableWriter::open(path(name), of_table).value();
    for (const Batch& planted : batches) {
      Batch batch = renamed(planted);
      if (join != nullptr) {
        batch.groups.push_back({kUserEmbedding, join->join(batch.user_id, batch.time_us).value()});
      }
      ASSERT_TRUE(writer->write("", batch).ok());
    }
    if (join != nullptr) writer->set_embeddings(join->versions());
    ASSERT_TRUE(writer->finish().ok());
  }

  std::string config_text(const std::string& data, const std::string& adapter) const {
    return "[data]\n" + data +
           "\nbatch_size = 64\n"
           "[model]\ndim = 16\nlabels = [\"click\"]\n"
           "[[table]]\nname = \"item\"\nrows = 512\n"
           "[[feature]]\nname = \"item_id\"\ntable = \"item\"\n"
           "[[feature]]\nname = \"history\"\ntable = \"item\"\n"
           "[[block]]\ntype = \"transformer\"\nname = \"h\"\ngroup = \"history_group\"\n"
           "features = [\"history\"]\n"
           "[[embedding]]\n" +
           adapter +
           "\n[train]\nmax_steps = 8\nepochs = 9\nthreads = 1\n[checkpoint]\ndirectory = \"" +
           path("checkpoint") + "\"\n";
  }
  TrainConfig config(const std::string& data, const std::string& adapter) const {
    return parse_config(config_text(data, adapter), "test.toml").value();
  }
  std::string built() const { return "table = \"" + path("built") + "\""; }
  std::string joined() const {
    return "table = \"" + path("plain") + "\"\nembeddings = \"" + path("store") + "\"";
  }

  fs::path root_;
};

TEST_F(EmbeddingTablesTest, BuiltAndJoinedWhileReadingAreTheSameRun) {
  for (const char* adapter :
       {"adapter = \"linear\"\noutputs = 2\ndefault = \"learned\"",
        "adapter = \"prepend\"\ninto = \"h\"", "adapter = \"none\"", "adapter = \"gate\""}) {
    auto from_built = Trainer::open(config(built(), adapter));
    ASSERT_TRUE(from_built.ok()) << from_built.status().message();
    auto from_joined = Trainer::open(config(joined(), adapter));
    ASSERT_TRUE(from_joined.ok()) << from_joined.status().message();
    EXPECT_EQ(from_joined.value()->config().model, from_built.value()->config().model);
    const TrainResult expected = from_built.value()->run().value();
    EXPECT_EQ(expected.losses.size(), 8u);
    EXPECT_EQ(from_joined.value()->run().value().losses, expected.losses);
    fs::remove_all(path("checkpoint"));
  }
}

TEST_F(EmbeddingTablesTest, ACheckpointTakesNoOtherUpstreamModel) {
  const std::string adapter = "adapter = \"linear\"";
  ASSERT_TRUE(Trainer::open(config(built(), adapter)).value()->run().ok());
  EXPECT_TRUE(Trainer::open(config(joined(), adapter)).value()->resume().ok());
  for (auto change :
       {+[](VersionInfo& i) { i.model = "beef"; }, +[](VersionInfo& i) { i.slices = "beef"; }}) {
    VersionInfo other = test_version();
    change(other);
    EmbeddingStore store = EmbeddingStore::open_or_create(path("other")).value();
    ASSERT_TRUE(store.publish(write_test_version(store, {1, 2}, 1, other), 10).ok());
    const std::string data =
        "table = \"" + path("plain") + "\"\nembeddings = \"" + path("other") + "\"";
    const Status refused = Trainer::open(config(data, adapter)).value()->resume();
    EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument);
    // Evaluating on another kind of embedding than trained on.
    const auto mixed =
        Trainer::open(config(built() + "\neval_table = \"" + path("plain") + "\"", adapter));
    EXPECT_EQ(mixed.status().code(), StatusCode::kSchema);
    fs::remove_all(path("other"));
  }
}

TEST_F(EmbeddingTablesTest, WhatIsMissingIsSaid) {
  const auto message = [](const TrainConfig& config) {
    const auto trainer = Trainer::open(config);
    return trainer.ok() ? "" : trainer.status().message();
  };
  const std::string adapter = "adapter = \"linear\"";
  EXPECT_NE(
      message(config("table = \"" + path("plain") + "\"", adapter)).find("--embeddings STORE"),
      std::string::npos);
  TrainConfig unused = config(joined(), adapter);
  unused.model.embeddings.clear();
  EXPECT_NE(message(unused).find("no [[embedding]] says"), std::string::npos);
  TrainConfig twice = config(built(), adapter);
  twice.data.embeddings = path("store");
  EXPECT_NE(message(twice).find("was built with user embeddings"), std::string::npos);
  const auto unknown = parse_config(config_text(built(), "adapter = \"linaer\""), "test.toml");
  EXPECT_NE(unknown.status().message().find("use linear, gate, prepend or none"),
            std::string::npos);
}

TEST(DefaultConfig, LeavesUserEmbeddingsAlone) {
  for (const BlockType type : {BlockType::kPool, BlockType::kTransformer}) {
    EXPECT_EQ(default_config(planted_embedding_schema(), type).model,
              default_config(planted_schema(), type).model);
  }
}

}  // namespace
}  // namespace onefold
