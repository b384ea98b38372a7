// SPDX-License-Identifier: Apache-2.0
// kill -9 during append: at 50 random moments a child that appends is killed. What a reader then
// sees is the old state or the new one, and running the append again gives the new one.
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <set>
#include <thread>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "onefold/base/files.h"
#include "onefold/timeline/test_timelines.h"

namespace onefold {
namespace {

constexpr const char* kTimelinesVariable = "ONEFOLD_APPEND_TIMELINES";
constexpr const char* kEventsVariable = "ONEFOLD_APPEND_EVENTS";
constexpr std::array<int64_t, kNumTimelines> kCaps = {40, 80};

// max_parts 1: the child compacts, too, a commit of its own.
TimelineWriteOptions write_options() {
  return {.memory_bytes = 1, .spill_directory = {}, .max_parts = 1, .parts = {}};
}

// Not a test: what the killed child runs.
TEST(AppendKill, Child) {
  const char* timelines = std::getenv(kTimelinesVariable);
  const char* events = std::getenv(kEventsVariable);
  if (!timelines || !events) GTEST_SKIP() << "run by SurvivesKillsAtRandomMoments only";
  const auto report = append_timelines(timelines, {events}, std::nullopt, write_options());
  ASSERT_TRUE(report.ok()) << report.status().message();
}

// This program again, as the child above. Between fork and exec only what is async-signal-safe.
pid_t start_child(const std::string& timelines, const std::string& events) {
  const std::string first = std::string(kTimelinesVariable) + "=" + timelines;
  const std::string second = std::string(kEventsVariable) + "=" + events;
  std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
  std::string filter = "--gtest_filter=AppendKill.Child", brief = "--gtest_brief=1";
  char* const arguments[] = {program.data(), filter.data(), brief.data(), nullptr};
  std::vector<char*> environment = {const_cast<char*>(first.c_str()),
                                    const_cast<char*>(second.c_str()), nullptr};
  const pid_t child = ::fork();
  if (child == 0) {
    ::execve(program.c_str(), arguments, environment.data());
    ::_exit(127);
  }
  return child;
}

// Exit status 0, or killed by SIGKILL: -1.
int wait_for(pid_t child) {
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return -1;
  EXPECT_TRUE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

void copy_over(const std::string& from, const std::string& to) {
  std::filesystem::remove_all(to);
  std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
}

// Files that no manifest names; every kill may leave some, the next run must not.
int64_t unnamed_files(const std::string& timelines) {
  const TimelineManifest manifest = read_timeline_manifest(timelines).value();
  std::set<std::string> named = {kTimelineManifestName};
  for (const TimelinePart& part : manifest.parts) named.insert(part.path);
  for (const ChangedUsers& change : manifest.changes) named.insert(change.path);
  int64_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(timelines)) {
    if (!entry.is_regular_file()) continue;
    count += !named.contains(std::filesystem::relative(entry.path(), timelines).string());
  }
  return count;
}

TEST(AppendKill, SurvivesKillsAtRandomMoments) {
  const std::string directory = fresh_directory("t");
  const std::string pristine = directory + "/pristine", timelines = directory + "/timelines";
  const auto base = random_rows(1, 8000, 200, 0, 100000),
             more = random_rows(2, 4000, 250, 90000, 150000);
  write_csv(directory + "/base.csv", base);
  write_csv(directory + "/more.csv", more);
  const TimelineBuildOptions build = {.max_events = kCaps, .range_events = 700};
  ASSERT_TRUE(build_timelines(pristine, {directory + "/base.csv"}, test_mapping(), build).ok());
  ReferenceTimelines reference(kCaps);
  reference.add(base);
  const SeenUsers old_state = reference.seen();
  reference.add(more);
  const SeenUsers new_state = reference.seen();

  copy_over(pristine, timelines);
  const auto start = std::chrono::steady_clock::now();
  ASSERT_EQ(wait_for(start_child(timelines, directory + "/more.csv")), 0);
  auto whole = std::chrono::steady_clock::now() - start;
  ASSERT_TRUE(read_all(timelines) == new_state);

  std::mt19937_64 random(11);
  int killed = 0, saw_old = 0, saw_new = 0;
  for (int round = 0; round < 50; ++round) {
    copy_over(pristine, timelines);
    const pid_t child = start_child(timelines, directory + "/more.csv");
    std::this_thread::sleep_for(whole * (random() % 1000) / 1000);
    ::kill(child, SIGKILL);
    if (wait_for(child) == -1) {
      ++killed;
    } else {
      whole = whole * 9 / 10;  // the machine is faster now than when it was measured
    }

    const SeenUsers seen = read_all(timelines);
    ASSERT_TRUE(seen == old_state || seen == new_state) << "round " << round;
    (seen == old_state ? saw_old : saw_new) += 1;
    // The next run finishes the job: nothing lost, nothing twice.
    const auto again =
        append_timelines(timelines, {directory + "/more.csv"}, std::nullopt, write_options());
    ASSERT_TRUE(again.ok()) << again.status().message();
    ASSERT_TRUE(read_all(timelines) == new_state) << "round " << round;
    const TimelineManifest manifest = read_timeline_manifest(timelines).value();
    ASSERT_EQ(manifest.num_events[0] + manifest.num_events[1], reference.num_events());
    ASSERT_TRUE(verify_timelines(timelines).ok());
    // One more writer, and what the kill left is gone. (Its own compaction leaves what it
    // replaced.)
    ASSERT_TRUE(
        append_timelines(timelines, {directory + "/more.csv"}, std::nullopt, write_options()).ok());
    ASSERT_EQ(unnamed_files(timelines), 0) << "round " << round;
  }
  EXPECT_GT(killed, 25);
  RecordProperty("killed", killed);
  RecordProperty("saw_old", saw_old);
  RecordProperty("saw_new", saw_new);
}

}  // namespace
}  // namespace onefold
