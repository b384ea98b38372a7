// SPDX-License-Identifier: Apache-2.0
#include <exception>
#include <iostream>
#include <string>

#include "cli/clean_interrupt.h"
#include "cli/verbs.h"

namespace {

// "import needs one of: ebnerd, kuairand, ..." when that is what is missing, else what CLI11 says.
std::string usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* verb = &app;
  while (!verb->get_subcommands().empty()) verb = verb->get_subcommands().front();
  const auto parts = verb->get_subcommands([](const CLI::App*) { return true; });
  if (verb == &app || parts.empty() || error.get_name() != "RequiredError") return error.what();
  std::string text = verb->get_name() + " needs one of:";
  for (const CLI::App* part : parts)
    text += (part == parts.front() ? " " : ", ") + part->get_name();
  return text;
}

// Exit codes: 0 done, 1 the data is at fault, 2 the command line or configuration is, 3 a bug.
int run_program(int argc, char** argv) {
  CLI::App app{"Onefold: train recommenders on interaction logs, every repeated value once."};
  app.name("onefold");
  app.set_version_flag("--version", ONEFOLD_VERSION);
  app.require_subcommand(1);
  onefold::cli::Run run;
  onefold::cli::add_import(app, run);
  onefold::cli::add_synth(app, run);
  onefold::cli::add_build(app, run);
  onefold::cli::add_fold(app, run);
  onefold::cli::add_unfold(app, run);
  onefold::cli::add_table(app, run);
  onefold::cli::add_timeline(app, run);
  onefold::cli::add_slice(app, run);
  onefold::cli::add_inspect(app, run);
  onefold::cli::add_advise(app, run);
  onefold::cli::add_train(app, run);
  onefold::cli::add_embed(app, run);
  onefold::cli::add_demo(app, run);
  if (argc == 1) {
    std::cout << app.help();
    return 2;
  }
  // CLI11 would only say that a verb is missing.
  const auto is_given = [&](const CLI::App* verb) { return verb->check_name(argv[1]); };
  if (argv[1][0] != '-' && app.get_subcommands(is_given).empty()) {
    std::cerr << "onefold: no verb '" << argv[1] << "' (try --help)\n";
    return 2;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    std::cerr << "onefold: " << usage_error(app, error) << " (try --help)\n";
    return 2;
  }
  onefold::cli::begin_clean_interrupt();
  const onefold::Status status = run();
  onefold::cli::wait_if_interrupted();
  if (status.ok()) return 0;
  std::cerr << "onefold: " << status.message() << "\n";
  return status.code() == onefold::StatusCode::kInvalidArgument ? 2 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run_program(argc, argv);
  } catch (const std::exception& error) {
    onefold::cli::wait_if_interrupted();
    std::cerr << "onefold: internal error: " << error.what() << "\n";
    return 3;
  }
}
