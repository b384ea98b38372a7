// SPDX-License-Identifier: Apache-2.0
// onefold demo: the whole path, plain and folded side by side, in one command.
#include <filesystem>
#include <iostream>
#include <memory>

#include "cli/demo_run.h"
#include "cli/number_check.h"
#include "cli/verbs.h"
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "onefold/base/files.h"

namespace onefold::cli {
namespace {

struct DemoFlags {
  DemoOptions options;
  std::string json, html;
};

// Removes the demo's logs and tables however the demo ends, unless they were asked for.
class WorkDirectory {
 public:
  explicit WorkDirectory(const std::string& asked_for)
      : path_(asked_for.empty() ? (std::filesystem::temp_directory_path() /
                                   fmt::format("onefold-demo-{}", ::getpid()))
                                      .string()
                                : asked_for),
        keep_(!asked_for.empty()) {}
  WorkDirectory(const WorkDirectory&) = delete;
  WorkDirectory& operator=(const WorkDirectory&) = delete;
  ~WorkDirectory() {
    std::error_code ignored;
    if (!keep_) std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  bool keep_;
};

Status run(const DemoFlags& flags) {
  const WorkDirectory work(flags.options.work);
  DemoOptions options = flags.options;
  options.work = work.path();
  options.say = [](const std::string& what) { std::cout << "demo: " << what << std::endl; };
  ONEFOLD_RETURN_IF_ERROR(make_directories(options.work));
  ONEFOLD_ASSIGN_OR_RETURN(const DemoReport report, run_demo(options));
  std::cout << "\n" << to_text(report);
  if (!flags.json.empty()) {
    ONEFOLD_RETURN_IF_ERROR(write_file_atomic(flags.json, to_json(report).dump(2) + "\n"));
  }
  if (!flags.html.empty()) {
    ONEFOLD_RETURN_IF_ERROR(write_file_atomic(flags.html, to_html(report)));
    std::cout << "page: " << flags.html << "\n";
  }
  return {};
}

}  // namespace

void add_demo(CLI::App& app, Run& run_verb) {
  auto flags = std::make_shared<DemoFlags>();
  CLI::App* demo =
      app.add_subcommand("demo", "Log, table, reader and training, plain and folded side by side");
  demo->add_option("--data", flags->options.data,
                   "EB-NeRD folder with train/ (default: generated logs)");
  demo->add_option("--json", flags->json, "Write the figures as JSON to this file");
  demo->add_option("--html", flags->html, "Write a page with charts to this file");
  demo->add_option("--work", flags->options.work, "Keep logs and tables in this directory");
  demo->add_option("--steps", flags->options.steps, "Training steps of each run")
      ->check(at_least(1))
      ->capture_default_str();
  demo->add_option("--batch-size", flags->options.batch_size, "Samples per batch")
      ->check(at_least(1))
      ->capture_default_str();
  demo->footer(
      "Examples:\n"
      "  onefold demo\n"
      "  onefold demo --data ebnerd_demo --html demo.html --json demo.json");
  demo->callback([flags, &run_verb] { run_verb = [flags] { return run(*flags); }; });
}

}  // namespace onefold::cli
