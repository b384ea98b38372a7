// SPDX-License-Identifier: Apache-2.0
#include "onefold/base/files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "onefold/base/staging_cleanup.h"

namespace onefold {
namespace {
namespace fs = std::filesystem;

using Names = std::vector<std::string>;

class FilesTest : public testing::Test {
 protected:
  FilesTest() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    root_ = testing::TempDir() + "onefold_files_" + test->name() + "_" + std::to_string(::getpid());
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  ~FilesTest() override { fs::remove_all(root_); }

  std::string path(const std::string& name) const { return root_ + "/" + name; }

  void put(const std::string& name, const std::string& bytes) {
    fs::create_directories(fs::path(path(name)).parent_path());
    std::ofstream(path(name), std::ios::binary) << bytes;
  }

  // Everything directly in the root, directories too.
  Names entries() const {
    Names names;
    for (const auto& entry : fs::directory_iterator(root_)) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  std::string root_;
};

TEST_F(FilesTest, ReadsBackWhatWasWritten) {
  std::string bytes = "binary \0 and\nmore";
  bytes.resize(300000, 'x');  // longer than one read
  ASSERT_TRUE(write_file_atomic(path("a"), bytes).ok());
  EXPECT_EQ(read_file(path("a")).value(), bytes);
  EXPECT_EQ(file_size(path("a")).value(), 300000u);
  ASSERT_TRUE(write_file_atomic(path("a"), "").ok());
  EXPECT_EQ(read_file(path("a")).value(), "");
  EXPECT_EQ(entries(), Names{"a"});  // no temporary file stays
}

TEST_F(FilesTest, ReadErrors) {
  EXPECT_EQ(read_file(path("none")).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(read_file(path("none")).status().message(),
            path("none") + ": No such file or directory");
  EXPECT_EQ(read_file(root_).status().code(), StatusCode::kIoError);  // a directory
  EXPECT_EQ(file_size(path("none")).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(file_size(root_).status().code(), StatusCode::kIoError);
  EXPECT_FALSE(path_exists(path("none")));
  EXPECT_TRUE(path_exists(root_));
}

TEST_F(FilesTest, FailedWriteLeavesTheOldState) {
  EXPECT_EQ(write_file_atomic(path("none/a"), "x").code(), StatusCode::kNotFound);
  // The rename is refused: the destination is a directory that is not empty.
  put("dir/inside", "old");
  EXPECT_EQ(write_file_atomic(path("dir"), "x").code(), StatusCode::kIoError);
  EXPECT_EQ(read_file(path("dir/inside")).value(), "old");
  EXPECT_EQ(entries(), Names{"dir"});
}

TEST_F(FilesTest, MakeDirectories) {
  EXPECT_TRUE(make_directories(path("a/b/c")).ok());
  EXPECT_TRUE(make_directories(path("a/b/c/")).ok());
  put("file", "");
  EXPECT_EQ(make_directories(path("file")).code(), StatusCode::kIoError);
  EXPECT_EQ(make_directories(path("file/below")).code(), StatusCode::kIoError);
}

TEST_F(FilesTest, ListFilesIsRecursiveSortedAndSkipsHidden) {
  for (const char* name : {"b", "a/z", "a/b/c", ".hidden", ".cache/x", "a/half.tmp", "tmp"}) {
    put(name, "");
  }
  fs::create_directories(path("empty"));
  EXPECT_EQ(list_files(root_).value(), (Names{"a/b/c", "a/z", "b", "tmp"}));
  EXPECT_EQ(list_files(root_ + "/").value(), (Names{"a/b/c", "a/z", "b", "tmp"}));
  EXPECT_EQ(list_files(root_ + "//a/.").value(), (Names{"b/c", "z"}));
  EXPECT_EQ(list_files(path("empty")).value(), Names{});
}

TEST_F(FilesTest, ListFilesNamesLinksAsTheyAreCalled) {
  put("elsewhere/data", "x");
  fs::create_directories(path("table"));
  fs::create_symlink(path("elsewhere/data"), path("table/part"));
  fs::create_symlink(path("elsewhere"), path("table/directory"));
  fs::create_symlink(path("nowhere"), path("table/dangling"));
  EXPECT_EQ(list_files(path("table")).value(), Names{"part"});
}

TEST_F(FilesTest, ListFilesErrors) {
  put("file", "");
  EXPECT_EQ(list_files(path("none")).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(list_files(path("file")).status().message(), path("file") + ": not a directory");
}

class StagingTest : public FilesTest {
 protected:
  StagingDirectory stage(const std::string& bytes) {
    StagingDirectory staging = StagingDirectory::create(path("table")).value();
    std::ofstream(staging.path() + "/data") << bytes;
    fs::create_directories(staging.path() + "/dt=1");
    std::ofstream(staging.path() + "/dt=1/data") << bytes;
    return staging;
  }
};

TEST_F(StagingTest, CommitOverNothing) {
  StagingDirectory staging = stage("new");
  EXPECT_FALSE(path_exists(path("table")));  // out of sight until the commit
  ASSERT_TRUE(staging.commit().ok());
  EXPECT_EQ(read_file(path("table/dt=1/data")).value(), "new");
  EXPECT_EQ(entries(), Names{"table"});
  EXPECT_THROW((void)staging.commit(), CheckError);
}

TEST_F(StagingTest, CommitOverADirectory) {
  put("table/old_file", "old");
  put("table/data", "old");
  ASSERT_TRUE(stage("new").commit().ok());
  EXPECT_EQ(list_files(path("table")).value(), (Names{"data", "dt=1/data"}));  // no mixture
  EXPECT_EQ(read_file(path("table/data")).value(), "new");
  EXPECT_EQ(entries(), Names{"table"});
  fs::remove_all(path("table"));
  fs::create_directories(path("table"));  // empty
  ASSERT_TRUE(stage("newer").commit().ok());
  EXPECT_EQ(read_file(path("table/data")).value(), "newer");
}

TEST_F(StagingTest, DestroyedWithoutCommitChangesNothing) {
  put("table/data", "old");
  { StagingDirectory staging = stage("new"); }
  EXPECT_EQ(read_file(path("table/data")).value(), "old");
  EXPECT_EQ(entries(), Names{"table"});
}

TEST_F(StagingTest, MovesKeepOneOwner) {
  StagingDirectory first = stage("1");
  const std::string where = first.path();
  StagingDirectory second = std::move(first);
  EXPECT_EQ(second.path(), where);
  EXPECT_TRUE(path_exists(where));
  {
    StagingDirectory third = stage("3");
    second = std::move(third);  // the old one goes with `third`
  }
  EXPECT_FALSE(path_exists(where));
  ASSERT_TRUE(second.commit().ok());
  EXPECT_EQ(read_file(path("table/data")).value(), "3");
}

TEST_F(StagingTest, PathsThatAreNoNewDirectory) {
  put("file", "mine");
  EXPECT_EQ(StagingDirectory::create(path("file")).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(read_file(path("file")).value(), "mine");
  for (const char* bad : {"", ".", "..", "/", "a/.."}) {
    EXPECT_EQ(StagingDirectory::create(bad).status().code(), StatusCode::kInvalidArgument) << bad;
  }
  EXPECT_EQ(StagingDirectory::create(path("file/below")).status().code(), StatusCode::kIoError);
  EXPECT_EQ(entries(), Names{"file"});
}

TEST_F(StagingTest, ParentsAreMadeAndSlashesIgnored) {
  StagingDirectory staging = StagingDirectory::create(path("a/b/./table//")).value();
  ASSERT_TRUE(staging.commit().ok());
  EXPECT_TRUE(path_exists(path("a/b/table")));
}

TEST_F(StagingTest, ALinkStaysALink) {
  put("disk/table/data", "old");
  fs::create_symlink(path("disk/table"), path("table"));
  ASSERT_TRUE(stage("new").commit().ok());
  EXPECT_TRUE(fs::is_symlink(path("table")));
  EXPECT_EQ(read_file(path("disk/table/data")).value(), "new");
  EXPECT_EQ(entries(), (Names{"disk", "table"}));
}

TEST_F(StagingTest, AbandonedStagingIsRemoved) {
  put("table.staging-999999-0/data", "of a process that was killed");
  put("table.staging-" + std::to_string(::getpid()) + "-0/data", "of a dead one with our pid");
  put("table.staging-notes/data", "not ours");
  put("table2.staging-999999-0/data", "of another table");
  StagingDirectory staging = stage("new");
  EXPECT_EQ(list_files(staging.path()).value(), (Names{"data", "dt=1/data"}));
  EXPECT_FALSE(path_exists(path("table.staging-999999-0")));
  EXPECT_TRUE(path_exists(path("table.staging-notes/data")));
  EXPECT_TRUE(path_exists(path("table2.staging-999999-0/data")));
}

TEST_F(StagingTest, LiveStagingIsKept) {
  StagingDirectory mine = stage("mine");
  StagingDirectory other = stage("other");  // of the same process
  EXPECT_EQ(read_file(mine.path() + "/data").value(), "mine");
  ASSERT_TRUE(other.commit().ok());
  ASSERT_TRUE(mine.commit().ok());
  EXPECT_EQ(read_file(path("table/data")).value(), "mine");  // the last one wins, whole
}

// Forks a child that stages and then waits to be killed; returns once it has staged.
pid_t fork_stager(const std::string& destination) {
  int ready[2];
  EXPECT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto staging = StagingDirectory::create(destination);
    std::ofstream(staging.value().path() + "/data") << "child";
    (void)!::write(ready[1], "!", 1);
    for (;;) ::pause();
  }
  char byte;
  EXPECT_EQ(::read(ready[0], &byte, 1), 1);
  ::close(ready[0]);
  ::close(ready[1]);
  return child;
}

TEST_F(StagingTest, AnotherProcessIsLeftAloneUntilItDies) {
  const pid_t child = fork_stager(path("table"));
  const std::string theirs = path("table.staging-" + std::to_string(child) + "-0");
  ASSERT_TRUE(stage("1").commit().ok());
  EXPECT_TRUE(path_exists(theirs + "/data"));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(path_exists(theirs + "/data"));
  ASSERT_TRUE(stage("2").commit().ok());
  EXPECT_EQ(entries(), Names{"table"});
}

TEST_F(StagingTest, RemovedBeforeASignalEndsTheProcess) {
  ASSERT_TRUE(stage("old").commit().ok());
  const pid_t child = ::fork();
  if (child == 0) {
    StagingDirectory staging = stage("new"), other = stage("newer");
    remove_staging_directories();
    const bool gone = !path_exists(staging.path()) && !path_exists(other.path());
    ::_exit(gone && !staging.commit().ok() ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(entries(), Names{"table"});
  EXPECT_EQ(read_file(path("table/data")).value(), "old");
}

constexpr int kFiles = 6;

// Rewrites the directory for ever; every file of a version holds its number.
[[noreturn]] void rewrite_until_killed(const std::string& destination, int version) {
  for (;; ++version) {
    auto staging = StagingDirectory::create(destination);
    for (int file = 0; file < kFiles; ++file) {
      std::ofstream out(staging.value().path() + "/" + std::to_string(file));
      for (int line = 0; line < 200; ++line) out << version << "\n";
    }
    if (!staging.value().commit().ok()) ::_exit(1);
  }
}

// The one version that `directory` holds in all files, whole; -1 if there is no such version.
int complete_version(const std::string& directory) {
  std::string first;
  for (int file = 0; file < kFiles; ++file) {
    const auto bytes = read_file(directory + "/" + std::to_string(file));
    if (!bytes.ok() || std::count(bytes->begin(), bytes->end(), '\n') != 200) return -1;
    if (file == 0) first = *bytes;
    if (*bytes != first) return -1;
  }
  const int version = std::stoi(first);
  std::string expected;
  for (int line = 0; line < 200; ++line) expected += std::to_string(version) + "\n";
  return first == expected ? version : -1;
}

TEST_F(StagingTest, KilledAtAnyMomentOneCompleteVersionStays) {
  std::mt19937 random(42);
  int version = 0;
  for (int round = 0; round < 30; ++round) {
    const pid_t child = ::fork();
    if (child == 0) rewrite_until_killed(path("table"), version + 1);
    // Every other round sees a new version first; the rest may die before they write anything.
    while (round % 2 == 0 && complete_version(path("table")) <= version) {
      ASSERT_EQ(::waitpid(child, nullptr, WNOHANG), 0) << "the child failed in round " << round;
      ::usleep(500);
    }
    ::usleep(random() % 20000);
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child failed in round " << round;
    const int now = complete_version(path("table"));
    ASSERT_GE(now, version) << "round " << round;
    version = now;
  }
  ASSERT_TRUE(StagingDirectory::create(path("table")).value().commit().ok());
  EXPECT_EQ(entries(), Names{"table"});  // nothing of thirty killed writers is left
}

}  // namespace
}  // namespace onefold
