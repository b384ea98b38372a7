// SPDX-License-Identifier: Apache-2.0
#include "cli/clean_interrupt.h"

#include <atomic>
#include <csignal>
#include <iostream>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

#include "onefold/base/staging_cleanup.h"

namespace onefold::cli {
namespace {

int pipe_ends[2];  // the handler writes the signal's number, the thread reads it
std::atomic<bool> interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free);

void on_signal(int signal) {
  interrupted = true;
  const auto number = static_cast<unsigned char>(signal);
  [[maybe_unused]] const auto written = ::write(pipe_ends[1], &number, 1);
}

void end_on_signal() {
  unsigned char number = 0;
  while (::read(pipe_ends[0], &number, 1) != 1) {
  }
  remove_staging_directories();
  std::cerr << (isatty(STDERR_FILENO) != 0 ? "\r\x1b[K" : "") << "onefold: interrupted\n";
  ::signal(number, SIG_DFL);
  ::kill(::getpid(), number);
}

}  // namespace

void begin_clean_interrupt() {
  if (::pipe2(pipe_ends, O_CLOEXEC) != 0) return;  // then signals do what they always do
  std::thread(end_on_signal).detach();
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action = {};
    ::sigaction(signal, nullptr, &action);
    if (action.sa_handler != SIG_DFL) continue;
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART | static_cast<int>(SA_RESETHAND);  // a second one ends it at once
    ::sigaction(signal, &action, nullptr);
  }
}

void wait_if_interrupted() {
  while (interrupted) ::pause();
}

}  // namespace onefold::cli
