// SPDX-License-Identifier: Apache-2.0
// Against a real redis-server on a socket of its own; skipped where there is none.
#include "onefold/embedding_store/redis_target.h"

#include <chrono>
#include <filesystem>
#include <thread>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "onefold/embedding_store/version_writer.h"

namespace onefold {
namespace {

namespace fs = std::filesystem;

constexpr EmbeddingShape kShape{2, 16};

class RedisTargetTest : public testing::Test {
 protected:
  void SetUp() override {
    // Short: a socket path may have 107 characters.
    directory_ = testing::TempDir() + "/redis_" + std::to_string(::getpid());
    fs::remove_all(directory_);
    fs::create_directories(directory_);
    if (std::system("(command -v redis-server || command -v redis-check-rdb) > /dev/null") != 0) {
      GTEST_SKIP() << "no redis-server on this machine (Debian: redis-tools)";
    }
    socket_ = directory_ + "/s";
    start_server();
    store_ = EmbeddingStore::open_or_create(directory_ + "/store").value();
  }

  void TearDown() override {
    if (server_ > 0) {
      ::kill(server_, SIGTERM);
      ::waitpid(server_, nullptr, 0);
    }
    fs::remove_all(directory_);
  }

  void start_server() {
    server_ = ::fork();
    if (server_ == 0) {
      const std::string log = directory_ + "/log";
      // Debian ships the server's program in redis-tools under another name: what it is called
      // decides what it does. The package redis-server would start a service.
      for (const char* program : {"redis-server", "redis-check-rdb"}) {
        ::execlp(program, "redis-server", "--port", "0", "--unixsocket", socket_.c_str(), "--save",
                 "", "--appendonly", "no", "--logfile", log.c_str(), nullptr);
      }
      ::_exit(127);
    }
    const RedisOptions options{.url = "unix://" + socket_, .prefix = "ue", .pipeline_users = 3};
    auto connected = RedisTarget::connect(options);
    // The server takes its time, and its socket is there before it listens.
    for (int i = 0; i < 600 && !connected.ok(); ++i) {
      if (connected.status().code() == StatusCode::kUnsupported) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      connected = RedisTarget::connect(options);
    }
    // The build without a client says so; there is nothing to test then.
    if (connected.status().code() == StatusCode::kUnsupported) {
      GTEST_SKIP() << connected.status().message();
    }
    target_ = std::move(connected).value();
  }

  static std::vector<int64_t> words(int64_t fill) {
    return std::vector<int64_t>(words_per_user(EmbeddingFormat::kInt4, kShape), fill);
  }

  // A version whose user u has the words of fill + u.
  std::string write(const std::vector<int64_t>& users, int64_t fill, const std::string& base = "") {
    VersionInfo info;
    info.base = base;
    info.shape = kShape;
    auto writer = VersionWriter::open(*store_, info).value();
    for (int64_t user : users) EXPECT_TRUE(writer->add(user, words(fill + user)).ok());
    return writer->finish().value().id;
  }

  std::unique_ptr<VersionReader> read(const std::string& id) {
    return VersionReader::open(*store_, id).value();
  }

  std::string directory_, socket_;
  pid_t server_ = -1;
  std::optional<EmbeddingStore> store_;
  std::unique_ptr<RedisTarget> target_;
};

TEST_F(RedisTargetTest, AVersionIsSeenOnlyOnceItIsLive) {
  auto first = read(write({1, 2, 3, 4, 5, 6, 7}, 100));
  EXPECT_EQ(target_->load(*first).value(), 7);
  EXPECT_TRUE(target_->live().value().empty());
  EXPECT_EQ(target_->lookup(3).value(), std::nullopt);
  ASSERT_TRUE(target_->set_live(*first).ok());
  EXPECT_EQ(target_->live().value(), std::vector<std::string>{"v000001"});
  for (int64_t user = 1; user <= 7; ++user)
    EXPECT_EQ(target_->lookup(user).value(), words(100 + user));
  EXPECT_EQ(target_->lookup(8).value(), std::nullopt);
}

TEST_F(RedisTargetTest, ADeltaIsLoadedAloneAndFallsBackToItsBase) {
  auto base = read(write({1, 2, 3}, 100));
  auto delta = read(write({2, 9}, 500, "v000001"));
  EXPECT_EQ(target_->set_live(*delta).code(), StatusCode::kNotFound);  // nothing loaded yet
  ASSERT_TRUE(target_->load(*base).ok());
  EXPECT_EQ(target_->load(*delta).value(), 2);
  EXPECT_EQ(target_->load(*delta).value(), 0);  // it is there
  ASSERT_TRUE(target_->set_live(*delta).ok());
  EXPECT_EQ(target_->lookup(1).value(), words(101));
  EXPECT_EQ(target_->lookup(2).value(), words(502));
  EXPECT_EQ(target_->lookup(9).value(), words(509));
}

TEST_F(RedisTargetTest, OldVersionsExpireAndMustBeLoadedAgain) {
  auto first = read(write({1, 2}, 100));
  auto second = read(write({1, 2}, 200));
  ASSERT_TRUE(target_->load(*first).ok() && target_->load(*second).ok());
  ASSERT_TRUE(target_->set_live(*second).ok());
  EXPECT_EQ(target_->expire(*first, 0).value(), 2);  // 0 seconds: gone at once
  EXPECT_EQ(target_->expire(*first, 0).value(), 0);
  EXPECT_EQ(target_->lookup(1).value(), words(201));
  EXPECT_EQ(target_->set_live(*first).code(), StatusCode::kNotFound);
  EXPECT_EQ(target_->load(*first).value(), 2);
  ASSERT_TRUE(target_->set_live(*first).ok());
  EXPECT_EQ(target_->lookup(1).value(), words(101));
}

TEST(RedisAddress, MalformedAndUnreachable) {
  const Status probe = RedisTarget::connect({.url = "nonsense"}).status();
  if (probe.code() == StatusCode::kUnsupported) GTEST_SKIP() << probe.message();
  for (const char* url :
       {"nonsense", "redis://", "redis://host:x", "redis://host:1/x", "redis://:7", "unix://"}) {
    EXPECT_EQ(RedisTarget::connect({.url = url}).status().code(), StatusCode::kInvalidArgument)
        << url;
  }
  const Status status = RedisTarget::connect({.url = "unix:///nowhere/at/all"}).status();
  EXPECT_EQ(status.code(), StatusCode::kIoError);
  EXPECT_NE(status.message().find("unix:///nowhere/at/all"), std::string::npos);
}

}  // namespace
}  // namespace onefold
