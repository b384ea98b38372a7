// SPDX-License-Identifier: Apache-2.0
#include "cli/demo_run.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include <fmt/format.h>

#include "onefold/build/build.h"
#include "onefold/log/ebnerd.h"
#include "onefold/log/log_reader.h"
#include "onefold/log/synth.h"
#include "onefold/reader/batch_reader.h"
#include "onefold/train/trainer.h"

namespace onefold::cli {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Makes `feature` look up the table of `other`; both hold the same kind of id.
void share_table(ModelConfig& model, const std::string& feature, const std::string& other) {
  const auto find = [&](const std::string& name) {
    return std::find_if(model.features.begin(), model.features.end(),
                        [&](const FeatureConfig& f) { return f.name == name; });
  };
  const auto it = find(feature), with = find(other);
  if (it == model.features.end() || with == model.features.end()) return;
  std::erase_if(model.tables, [&](const TableConfig& table) { return table.name == it->table; });
  it->table = with->table;
}

// What a person who knows the two data sets would change in the default model.
void tune_model(ModelConfig& model) {
  // A time is no id to look up: every second would have a vector of its own.
  std::erase_if(model.features, [](const FeatureConfig& f) { return f.name == "history_time"; });
  std::erase_if(model.tables, [](const TableConfig& t) { return t.name == "history_time"; });
  share_table(model, "page_article_id", "item_id");
  share_table(model, "history_topic", "item_topic");
  // One sequence block, over the history; the other lists are pooled.
  std::erase_if(model.blocks, [](const BlockConfig& b) { return b.group != "history"; });
  for (const FeatureConfig& feature : model.features) {
    if (feature.name != "history_topic") continue;
    for (BlockConfig& block : model.blocks) {
      block.features.push_back("history_topic");
      if (block.type == BlockType::kDin) block.query.push_back("item_topic");
    }
  }
}

class Demo {
 public:
  explicit Demo(const DemoOptions& options) : options_(options) {}

  Result<DemoReport> run() {
    const auto start = Clock::now();
    report_.data = options_.data.empty() ? "generated" : options_.data;
    ONEFOLD_RETURN_IF_ERROR(write_logs());
    ONEFOLD_RETURN_IF_ERROR(build_tables());
    ONEFOLD_RETURN_IF_ERROR(read_tables());
    for (BlockType block : {BlockType::kTransformer, BlockType::kDin}) {
      ONEFOLD_RETURN_IF_ERROR(train(block));
    }
    ONEFOLD_RETURN_IF_ERROR(train_on());
    report_.seconds = seconds_since(start);
    return report_;
  }

 private:
  std::string path(const std::string& name) const { return options_.work + "/" + name; }

  Status write_log(ShardBy shard_by, const std::string& name, int64_t& bytes) {
    LogOptions log;
    log.shard_by = shard_by;
    if (options_.data.empty()) {
      ONEFOLD_RETURN_IF_ERROR(synthesize(path(name), SynthOptions{}, log).status());
    } else {
      ONEFOLD_RETURN_IF_ERROR(
          import_ebnerd(options_.data, path(name), EbnerdSplit::kTrain, log).status());
    }
    ONEFOLD_ASSIGN_OR_RETURN(const LogReader reader, LogReader::open(path(name)));
    ONEFOLD_ASSIGN_OR_RETURN(const int64_t features, reader.feature_bytes());
    ONEFOLD_ASSIGN_OR_RETURN(const int64_t events, reader.event_bytes());
    bytes = features + events;
    return {};
  }

  Status write_logs() {
    options_.say("writing the log, sharded by request");
    ONEFOLD_RETURN_IF_ERROR(
        write_log(ShardBy::kRequest, "log_by_request", report_.log_bytes_request));
    options_.say("writing the log, sharded by session");
    return write_log(ShardBy::kSession, "log_by_session", report_.log_bytes_session);
  }

  Result<BuildStats> build(SampleOrder order, TableLayout layout, const std::string& name) {
    options_.say(fmt::format("building the {} table", name));
    BuildOptions build;
    build.cluster.order = order;
    build.layout = layout;
    return build_table(path("log_by_session"), path(name), build);
  }

  Status build_tables() {
    ONEFOLD_ASSIGN_OR_RETURN(const BuildStats arrival,
                             build(SampleOrder::kArrival, TableLayout::kPlain, "arrival_plain"));
    ONEFOLD_ASSIGN_OR_RETURN(const BuildStats session,
                             build(SampleOrder::kSession, TableLayout::kPlain, "session_plain"));
    ONEFOLD_ASSIGN_OR_RETURN(const BuildStats folded,
                             build(SampleOrder::kSession, TableLayout::kFolded, "folded"));
    report_.table_bytes_arrival = arrival.table_bytes;
    report_.table_bytes_session = session.table_bytes;
    report_.table_bytes_folded = folded.table_bytes;
    report_.samples = folded.samples;
    report_.sessions = folded.sessions;
    report_.positives = folded.labels.empty() ? 0 : folded.labels.front().positives;
    return {};
  }

  // Samples per second of one epoch, with the columns and transforms that training uses.
  Result<double> read_rate(const std::string& table, bool fold) {
    options_.say(fmt::format("reading the {} table, folding {}", table, fold ? "on" : "off"));
    ONEFOLD_ASSIGN_OR_RETURN(const TrainConfig config, training_config(BlockType::kTransformer));
    BatchReaderOptions read;
    read.columns = columns_read(config.model);
    read.batch_size = options_.batch_size;
    read.fold = fold;
    read.seed = config.loop.seed;
    read.transforms = make_transforms(config.model);
    ONEFOLD_ASSIGN_OR_RETURN(auto reader, BatchReader::open(path(table), read));
    const auto start = Clock::now();
    while (true) {
      ONEFOLD_ASSIGN_OR_RETURN(const auto batch, reader->next());
      if (!batch) break;
    }
    return static_cast<double>(reader->stats().samples) / seconds_since(start);
  }

  Status read_tables() {
    ONEFOLD_ASSIGN_OR_RETURN(report_.read_plain, read_rate("session_plain", false));
    ONEFOLD_ASSIGN_OR_RETURN(report_.read_plain_folded, read_rate("session_plain", true));
    ONEFOLD_ASSIGN_OR_RETURN(report_.read_folded, read_rate("folded", true));
    return {};
  }

  Result<TrainConfig> training_config(BlockType block) {
    ONEFOLD_ASSIGN_OR_RETURN(const Manifest manifest, read_manifest(path("folded")));
    TrainConfig config = default_config(manifest.schema, block);
    tune_model(config.model);
    config.data.table = path("folded");
    config.data.holdout = 0.1;
    config.data.batch_size = options_.batch_size;
    config.loop.max_steps = options_.steps;
    config.loop.epochs = 1000;  // max_steps ends the run
    config.loop.eval_batches = 16;
    return resolve(config, manifest.schema);
  }

  Result<TrainResult> train_once(BlockType block, bool dedup) {
    options_.say(fmt::format("training {} over the history, {} steps, dedup {}", to_string(block),
                             options_.steps, dedup ? "on" : "off"));
    ONEFOLD_ASSIGN_OR_RETURN(TrainConfig config, training_config(block));
    config.loop.dedup = dedup;
    ONEFOLD_ASSIGN_OR_RETURN(auto trainer, Trainer::open(config));
    return trainer->run();
  }

  Status train(BlockType block) {
    ONEFOLD_ASSIGN_OR_RETURN(const TrainResult off, train_once(block, false));
    ONEFOLD_ASSIGN_OR_RETURN(const TrainResult on, train_once(block, true));
    TrainingComparison comparison;
    comparison.block = to_string(block);
    comparison.steps = on.steps;
    comparison.off_rate = off.samples_per_second();
    comparison.on_rate = on.samples_per_second();
    for (size_t i = 0; i < std::min(on.losses.size(), off.losses.size()); ++i) {
      comparison.max_loss_difference =
          std::max(comparison.max_loss_difference, std::abs(on.losses[i] / off.losses[i] - 1));
    }
    auto quality = [](const TrainResult& result, double& ne, double& auc) {
      if (result.evals.empty() || result.evals.back().labels.empty()) return;
      ne = result.evals.back().labels.front().normalized_entropy;
      auc = result.evals.back().labels.front().auc;
    };
    quality(off, comparison.off_ne, comparison.off_auc);
    quality(on, comparison.on_ne, comparison.on_auc);
    report_.training.push_back(std::move(comparison));
    report_.fold_factors.clear();
    for (const GroupFold& fold : on.folds) {
      report_.fold_factors.emplace_back(fold.group, fold.row_factor());
    }
    return {};
  }

  // The comparison above is short, since dedup off is slow; this is what the model can learn.
  Status train_on() {
    options_.say("training transformer over the history, one epoch, dedup on");
    ONEFOLD_ASSIGN_OR_RETURN(TrainConfig config, training_config(BlockType::kTransformer));
    config.loop.epochs = 1;
    config.loop.max_steps = 0;
    config.loop.eval_batches = 0;
    if (options_.data.empty()) {
      // The generated log is small: a table's row is seen a few times only and has to learn fast.
      config.loop.learning_rate = 3e-3;
      config.loop.table_learning_rate = 0.3;
    }
    ONEFOLD_ASSIGN_OR_RETURN(auto trainer, Trainer::open(config));
    ONEFOLD_ASSIGN_OR_RETURN(const TrainResult result, trainer->run());
    report_.trained = {.steps = result.steps, .samples = result.samples, .seconds = result.seconds};
    if (!result.evals.empty() && !result.evals.back().labels.empty()) {
      const LabelMetrics& metrics = result.evals.back().labels.front();
      report_.trained.ne = metrics.normalized_entropy;
      report_.trained.auc = metrics.auc;
      report_.trained.grouped_auc = metrics.grouped_auc;
    }
    return {};
  }

  const DemoOptions& options_;
  DemoReport report_;
};

}  // namespace

Result<DemoReport> run_demo(const DemoOptions& options) { return Demo(options).run(); }

}  // namespace onefold::cli
