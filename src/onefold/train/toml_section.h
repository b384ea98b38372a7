// SPDX-License-Identifier: Apache-2.0
// TomlSection: one table of a TOML file, read key by key with types, lines and spelling checked.
#pragma once

#include <string>
#include <vector>

#include <toml++/toml.h>

#include "onefold/base/status.h"

namespace onefold {

// Every error names the file, the line, the section and the key. The first one is kept; after it
// the getters do nothing, so that callers read all keys in a row and ask status() once.
class TomlSection {
 public:
  // `name` as in the file: "[data]", "[[table]]". `table` may be nullptr: an absent section.
  TomlSection(std::string file, std::string name, const toml::table* table)
      : file_(std::move(file)), name_(std::move(name)), table_(table) {}

  // Each leaves `value` alone when the key is absent.
  void get(const std::string& key, std::string& value);
  void get(const std::string& key, bool& value);
  void get(const std::string& key, int64_t& value);
  void get(const std::string& key, uint64_t& value);  // not negative
  void get(const std::string& key, double& value);    // an integer will do
  void get(const std::string& key, std::vector<std::string>& value);
  void get(const std::string& key, std::vector<int64_t>& value);
  // A string that `parse` turns into a T, or refuses with a Status.
  template <typename T, typename Parse>
  void get(const std::string& key, T& value, Parse parse) {
    std::string word;
    get(key, word);
    if (word.empty() || !status_.ok()) return;
    auto parsed = parse(word);
    if (parsed.ok()) {
      value = *parsed;
    } else {
      fail(key, parsed.status().message());
    }
  }
  // Fails when the key is absent or the string empty.
  void require(const std::string& key, std::string& value);

  // A key of this section that is read elsewhere.
  void known(const std::string& key) { known_.push_back(key); }

  // The first error, or one for a key that nothing above asked for, with the nearest that was.
  Status finish();

 private:
  const toml::node* find(const std::string& key);
  void fail(const std::string& key, const std::string& message);
  void wrong_type(const std::string& key, const char* expected);
  int line() const { return table_ == nullptr ? 0 : static_cast<int>(table_->source().begin.line); }

  std::string file_, name_;
  const toml::table* table_;
  std::vector<std::string> known_;
  Status status_;
};

}  // namespace onefold
