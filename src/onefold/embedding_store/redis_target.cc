// SPDX-License-Identifier: Apache-2.0
#include "onefold/embedding_store/redis_target.h"

#include <charconv>
#include <cstring>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <hiredis/hiredis.h>
#include <nlohmann/json.hpp>

namespace onefold {
namespace {

struct Address {
  std::string socket;  // set for unix sockets
  std::string host;
  int port = 6379;
  int database = 0;
};

Result<int> parse_number(std::string_view text, const std::string& url) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number;
  return invalid_argument("'" + url + "': '" + std::string(text) + "' is not a number");
}

Result<Address> parse_url(const std::string& url) {
  constexpr std::string_view kUnix = "unix://", kTcp = "redis://";
  Address address;
  if (url.starts_with(kUnix) && url.size() > kUnix.size()) {
    address.socket = url.substr(kUnix.size());
    return address;
  }
  if (!url.starts_with(kTcp) || url.size() == kTcp.size()) {
    return invalid_argument("'" + url +
                            "' is no Redis address; expected redis://host:port/db or unix:///path");
  }
  std::string_view rest = std::string_view(url).substr(kTcp.size());
  if (const size_t slash = rest.find('/'); slash != std::string_view::npos) {
    if (slash + 1 < rest.size()) {
      ONEFOLD_ASSIGN_OR_RETURN(address.database, parse_number(rest.substr(slash + 1), url));
    }
    rest = rest.substr(0, slash);
  }
  if (const size_t colon = rest.rfind(':'); colon != std::string_view::npos) {
    ONEFOLD_ASSIGN_OR_RETURN(address.port, parse_number(rest.substr(colon + 1), url));
    rest = rest.substr(0, colon);
  }
  address.host = std::string(rest);
  if (address.host.empty()) return invalid_argument("'" + url + "' names no host");
  return address;
}

using Context = std::unique_ptr<redisContext, void (*)(redisContext*)>;
using Reply = std::unique_ptr<redisReply, void (*)(void*)>;

class Target final : public RedisTarget {
 public:
  Target(Context context, const RedisOptions& options)
      : context_(std::move(context)), options_(options) {}

  Result<int64_t> load(VersionReader& version) override {
    const std::string marker = key("loaded:" + version.info().id);
    ONEFOLD_ASSIGN_OR_RETURN(const Reply loaded, call({"EXISTS", marker}));
    if (loaded->integer == 1) return int64_t{0};
    int64_t users = 0;
    const std::string set = "SET";
    ONEFOLD_RETURN_IF_ERROR(
        version.scan_own([&](int64_t user, std::span<const int64_t> words) -> Status {
          ++users;
          return enqueue(
              {set, user_key(version.info().id, user),
               std::string_view(reinterpret_cast<const char*>(words.data()), words.size_bytes())});
        }));
    ONEFOLD_RETURN_IF_ERROR(drain().status());
    const VersionInfo& info = version.info();
    const nlohmann::json format = {{"embedding_format", to_string(info.format)},
                                   {"tokens", info.shape.tokens},
                                   {"dim", info.shape.dim}};
    ONEFOLD_RETURN_IF_ERROR(call({"SET", key("format"), format.dump()}).status());
    ONEFOLD_RETURN_IF_ERROR(call({"SET", marker, "1"}).status());
    return users;
  }

  Status set_live(VersionReader& version) override {
    for (const std::string& id : version.chain()) {
      ONEFOLD_ASSIGN_OR_RETURN(const Reply loaded, call({"EXISTS", key("loaded:" + id)}));
      if (loaded->integer != 1) {
        return not_found(options_.url + ": version " + id +
                         " is not loaded; load it before it goes live");
      }
    }
    return call({"SET", key("live"), fmt::format("{}", fmt::join(version.chain(), ","))}).status();
  }

  Result<int64_t> expire(VersionReader& version, int64_t seconds) override {
    const std::string& id = version.info().id;
    // First the marker: from here on the version must be loaded again to go live.
    ONEFOLD_RETURN_IF_ERROR(call({"DEL", key("loaded:" + id)}).status());
    const std::string ttl = std::to_string(seconds), command = "EXPIRE";
    ONEFOLD_RETURN_IF_ERROR(version.scan_own([&](int64_t user, std::span<const int64_t>) {
      return enqueue({command, user_key(id, user), ttl});
    }));
    return drain();
  }

  Result<std::vector<std::string>> live() override {
    ONEFOLD_ASSIGN_OR_RETURN(const Reply reply, call({"GET", key("live")}));
    std::vector<std::string> chain;
    if (reply->type != REDIS_REPLY_STRING) return chain;
    const std::string text(reply->str, reply->len);
    for (size_t begin = 0; begin <= text.size();) {
      const size_t end = std::min(text.find(',', begin), text.size());
      chain.push_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
    return chain;
  }

  Result<std::optional<std::vector<int64_t>>> lookup(int64_t user_id) override {
    ONEFOLD_ASSIGN_OR_RETURN(const auto chain, live());
    if (chain.empty()) return std::optional<std::vector<int64_t>>();
    std::vector<std::string> keys = {"MGET"};
    for (const std::string& id : chain) keys.push_back(user_key(id, user_id));
    ONEFOLD_ASSIGN_OR_RETURN(const Reply reply, call({keys.begin(), keys.end()}));
    for (size_t i = 0; i < reply->elements; ++i) {
      const redisReply& value = *reply->element[i];
      if (value.type != REDIS_REPLY_STRING) continue;
      std::vector<int64_t> words(value.len / sizeof(int64_t));
      std::memcpy(words.data(), value.str, words.size() * sizeof(int64_t));
      return std::optional(std::move(words));
    }
    return std::optional<std::vector<int64_t>>();
  }

  Result<Reply> call(const std::vector<std::string_view>& arguments) {
    ONEFOLD_RETURN_IF_ERROR(append(arguments));
    return next_reply();
  }

 private:
  std::string key(const std::string& name) const { return options_.prefix + ":" + name; }
  std::string user_key(const std::string& id, int64_t user) const {
    return fmt::format("{}:{}:{}", options_.prefix, id, user);
  }

  Status append(const std::vector<std::string_view>& arguments) {
    std::vector<const char*> data;
    std::vector<size_t> sizes;
    for (const std::string_view argument : arguments) {
      data.push_back(argument.data());
      sizes.push_back(argument.size());
    }
    if (redisAppendCommandArgv(context_.get(), static_cast<int>(data.size()), data.data(),
                               sizes.data()) != REDIS_OK) {
      return connection_error();
    }
    return {};
  }

  Result<Reply> next_reply() {
    void* raw = nullptr;
    if (redisGetReply(context_.get(), &raw) != REDIS_OK) return connection_error();
    Reply reply(static_cast<redisReply*>(raw), &freeReplyObject);
    if (reply->type == REDIS_REPLY_ERROR) {
      return io_error(options_.url + ": " + std::string(reply->str, reply->len));
    }
    return reply;
  }

  // Pipelining: a command whose reply is read later, with many others.
  Status enqueue(const std::vector<std::string_view>& arguments) {
    ONEFOLD_RETURN_IF_ERROR(append(arguments));
    if (++pending_ < options_.pipeline_users) return {};
    return take_replies();
  }

  Status take_replies() {
    for (; pending_ > 0; --pending_) {
      ONEFOLD_ASSIGN_OR_RETURN(const Reply reply, next_reply());
      if (reply->type == REDIS_REPLY_INTEGER) integer_sum_ += reply->integer;
    }
    return {};
  }

  // All replies outstanding; the sum of those that are integers.
  Result<int64_t> drain() {
    ONEFOLD_RETURN_IF_ERROR(take_replies());
    return std::exchange(integer_sum_, 0);
  }

  Status connection_error() const { return io_error(options_.url + ": " + context_->errstr); }

  Context context_;
  RedisOptions options_;
  int pending_ = 0;
  int64_t integer_sum_ = 0;
};

}  // namespace

Result<std::unique_ptr<RedisTarget>> RedisTarget::connect(const RedisOptions& options) {
  ONEFOLD_ASSIGN_OR_RETURN(const Address address, parse_url(options.url));
  const timeval timeout = {options.timeout_ms / 1000, (options.timeout_ms % 1000) * 1000};
  Context context(address.socket.empty()
                      ? redisConnectWithTimeout(address.host.c_str(), address.port, timeout)
                      : redisConnectUnixWithTimeout(address.socket.c_str(), timeout),
                  &redisFree);
  if (!context) return io_error(options.url + ": out of memory");
  if (context->err != 0) return io_error(options.url + ": " + context->errstr);
  redisSetTimeout(context.get(), timeout);
  auto target = std::make_unique<Target>(std::move(context), options);
  if (address.database != 0) {
    const std::string database = std::to_string(address.database);
    ONEFOLD_RETURN_IF_ERROR(target->call({"SELECT", database}).status());
  }
  return std::unique_ptr<RedisTarget>(std::move(target));
}

}  // namespace onefold
