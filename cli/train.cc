// SPDX-License-Identifier: Apache-2.0
// onefold train CONFIG
#include <iostream>
#include <memory>
#include <optional>

#include "cli/number_check.h"
#include "cli/train_report.h"
#include "cli/verbs.h"
#include <unistd.h>

#include "onefold/table/manifest.h"
#include "onefold/train/config_file.h"
#include "onefold/train/keep_memory.h"

namespace onefold::cli {
namespace {

struct Arguments {
  std::string config, dedup, checkpoint, json;
  bool resume = false;
  std::optional<int64_t> max_steps, batch_size, threads;
  std::optional<uint64_t> seed;
};

TrainConfig overridden(TrainConfig config, const Arguments& arguments) {
  if (!arguments.dedup.empty()) config.loop.dedup = arguments.dedup == "on";
  if (!arguments.checkpoint.empty()) config.checkpoint.directory = arguments.checkpoint;
  config.loop.max_steps = arguments.max_steps.value_or(config.loop.max_steps);
  config.data.batch_size = arguments.batch_size.value_or(config.data.batch_size);
  config.loop.threads = arguments.threads.value_or(config.loop.threads);
  config.loop.seed = arguments.seed.value_or(config.loop.seed);
  return config;
}

// About how many steps the run has, for the progress bar.
int64_t expected_steps(const TrainConfig& config) {
  const auto manifest = read_manifest(config.data.table);
  if (!manifest.ok()) return config.loop.max_steps;
  const double samples = static_cast<double>(manifest->num_samples) * (1 - config.data.holdout);
  const auto steps = static_cast<int64_t>(samples * static_cast<double>(config.loop.epochs) /
                                          static_cast<double>(config.data.batch_size));
  return config.loop.max_steps > 0 ? std::min(steps, config.loop.max_steps) : steps;
}

Status run_train(const Arguments& arguments) {
  keep_freed_memory();
  ONEFOLD_ASSIGN_OR_RETURN(const TrainConfig file, read_config_file(arguments.config));
  auto opened = Trainer::open(overridden(file, arguments));
  if (!opened.ok()) return opened.status().with_context(arguments.config);
  const std::unique_ptr<Trainer> trainer = *std::move(opened);
  if (arguments.resume) ONEFOLD_RETURN_IF_ERROR(trainer->resume());
  for (const std::string& unknown : trainer->unknown_slice_names()) {
    std::cerr << "warning: " << unknown << " is in no timeline, so that slice stays empty\n";
  }

  std::vector<JsonLines> lines;
  std::optional<ProgressBar> bar;
  if (isatty(STDERR_FILENO) != 0) {
    bar.emplace(expected_steps(trainer->config()));
  } else {
    ONEFOLD_ASSIGN_OR_RETURN(JsonLines out, JsonLines::open("-"));
    lines.push_back(std::move(out));
  }
  if (!arguments.json.empty()) {
    ONEFOLD_ASSIGN_OR_RETURN(JsonLines out, JsonLines::open(arguments.json));
    lines.push_back(std::move(out));
  }

  TrainObserver observer;
  observer.on_step = [&](const StepReport& report) {
    for (JsonLines& out : lines) out.step(report);
    if (bar) bar->step(report);
  };
  observer.on_eval = [&](const EvalReport& report) {
    for (JsonLines& out : lines) out.eval(report);
    if (bar) bar->eval(report);
  };
  observer.on_checkpoint = [&](const CheckpointReport& report) {
    for (JsonLines& out : lines) out.checkpoint(report);
  };
  for (JsonLines& out : lines) out.start(*trainer);
  ONEFOLD_ASSIGN_OR_RETURN(const TrainResult result, trainer->run(observer));
  for (JsonLines& out : lines) out.done(result);
  if (bar) bar->done(result);
  return {};
}

}  // namespace

void add_train(CLI::App& app, Run& run) {
  auto* verb = app.add_subcommand("train", "Train a model on a table (docs/config.md)");
  auto arguments = std::make_shared<Arguments>();
  verb->add_option("config", arguments->config, "TOML file: data, model, training")
      ->required()
      ->type_name("CONFIG");
  verb->add_option("--dedup", arguments->dedup,
                   "on: user features once per unique row; off: once per sample, the same model")
      ->check(CLI::IsMember({"on", "off"}))
      ->type_name("on|off");
  verb->add_option("--checkpoint", arguments->checkpoint, "Directory for checkpoints")
      ->type_name("DIR");
  verb->add_flag("--resume", arguments->resume, "Continue the newest checkpoint");
  verb->add_option("--max-steps", arguments->max_steps, "Stop after this many steps")
      ->check(at_least(0))
      ->type_name("N");
  verb->add_option("--batch-size", arguments->batch_size, "Samples per step")
      ->check(at_least(1))
      ->type_name("N");
  verb->add_option("--seed", arguments->seed, "Initial weights and order of batches")
      ->type_name("N");
  verb->add_option("--threads", arguments->threads, "Threads for the model; 0: as many as cores")
      ->check(at_least(0))
      ->type_name("N");
  verb->add_option("--json", arguments->json, "Also append JSON lines to this file")
      ->type_name("FILE");
  verb->callback([arguments, &run] { run = [arguments] { return run_train(*arguments); }; });
}

}  // namespace onefold::cli
