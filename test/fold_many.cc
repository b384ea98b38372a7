// SPDX-License-Identifier: Apache-2.0
// For fold_test.py and fold_window_test.py: folds and unfolds many small data sets in one process,
// since starting the whole program twice for each of 200 would take most of the test's time. Each
// line of stdin is SOURCE TABLE COPY [WORD...], separated by tabs; a word is as for --group, or
// "window:" and as for
// --window, or "user:" and as for --user. Each table is verified, too.
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "onefold/dataset/fold_dataset.h"
#include "onefold/dataset/unfold_table.h"
#include "onefold/table/verify_table.h"

namespace {

onefold::Status fold_and_unfold(const std::vector<std::string>& words) {
  onefold::FoldOptions options;
  for (size_t i = 3; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (word.starts_with("user:")) {
      options.user = word.substr(5);
      continue;
    }
    ONEFOLD_ASSIGN_OR_RETURN(auto group,
                             word.starts_with("window:")
                                 ? onefold::parse_window_group(std::string(word.substr(7)))
                                 : onefold::parse_column_group(words[i]));
    options.groups.push_back(std::move(group));
  }
  const auto folded = onefold::fold_dataset(words[0], words[1], options);
  if (!folded.ok()) return folded.status();
  ONEFOLD_ASSIGN_OR_RETURN(const auto found, onefold::verify_table(words[1]));
  for (const auto& problem : found.problems) {
    return onefold::data_loss(problem.file + ": " + problem.what);
  }
  return onefold::unfold_table(words[1], words[2], {}).status();
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    std::vector<std::string> words;
    std::istringstream stream(line);
    for (std::string word; std::getline(stream, word, '\t');) words.push_back(word);
    const onefold::Status status = fold_and_unfold(words);
    if (status.ok()) continue;
    std::cerr << words[0] << ": " << status.message() << "\n";
    return 1;
  }
  return 0;
}
