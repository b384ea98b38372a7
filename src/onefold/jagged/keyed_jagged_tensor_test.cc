// SPDX-License-Identifier: Apache-2.0
#include "onefold/jagged/keyed_jagged_tensor.h"

#include <gtest/gtest.h>

#include "onefold/jagged/random_rows.h"

namespace onefold {
namespace {

KeyedJaggedTensor c_and_d() {
  KeyedJaggedTensor kjt(3);
  kjt.add("c", jagged<int64_t>({{7, 8}, {7, 8}, {10}}));
  kjt.add("d", jagged<int64_t>({{9}, {9}, {11}}));
  return kjt;
}

TEST(KeyedJaggedTensor, FindsColumnsByName) {
  KeyedJaggedTensor kjt = c_and_d();
  EXPECT_EQ(kjt.num_keys(), 2);
  EXPECT_TRUE(kjt.has("d"));
  EXPECT_FALSE(kjt.has("e"));
  EXPECT_EQ(kjt.get<int64_t>("d"), jagged<int64_t>({{9}, {9}, {11}}));
  EXPECT_EQ(num_values(kjt.column("c")), 5);
  EXPECT_EQ(length(kjt.column(0), 2), 1);
  EXPECT_THROW(kjt.column("e"), CheckError);
  EXPECT_THROW(kjt.mutable_column("e"), CheckError);
}

TEST(KeyedJaggedTensor, AddChecksRowsAndNames) {
  KeyedJaggedTensor kjt = c_and_d();
  EXPECT_THROW(kjt.add("c", jagged<int64_t>({{}, {}, {}})), CheckError);
  EXPECT_THROW(kjt.add("e", jagged<float>({{}, {}})), CheckError);
  EXPECT_EQ(kjt, c_and_d());  // a refused column leaves nothing behind
}

TEST(KeyedJaggedTensor, EqualityLooksAtKeysRowsAndTypes) {
  EXPECT_EQ(c_and_d(), c_and_d());
  KeyedJaggedTensor renamed(3);
  renamed.add("c", c_and_d().column("c"));
  renamed.add("e", c_and_d().column("d"));
  EXPECT_FALSE(renamed == c_and_d());
  KeyedJaggedTensor ids(1), floats(1);
  ids.add("x", jagged<int64_t>({{}}));
  floats.add("x", jagged<float>({{}}));
  EXPECT_FALSE(ids == floats);
  EXPECT_FALSE(KeyedJaggedTensor(1) == KeyedJaggedTensor(2));
}

TEST(TorchrecLayout, IsKeyMajor) {
  const TorchrecLayout layout = to_torchrec(c_and_d()).value();
  EXPECT_EQ(layout.keys, (std::vector<std::string>{"c", "d"}));
  EXPECT_EQ(layout.values, (std::vector<int64_t>{7, 8, 7, 8, 10, 9, 9, 11}));
  EXPECT_EQ(layout.lengths, (std::vector<int32_t>{2, 2, 1, 1, 1, 1}));
}

TEST(TorchrecLayout, RoundTrip) {
  EXPECT_EQ(from_torchrec(TorchrecLayout{}).value(), KeyedJaggedTensor());
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const KeyedJaggedTensor kjt = random_rows(
        seed, {.num_rows = static_cast<int64_t>(seed % 7), .num_distinct = 4, .kinds = "iii"});
    EXPECT_EQ(from_torchrec(to_torchrec(kjt).value()).value(), kjt) << "seed " << seed;
  }
}

TEST(TorchrecLayout, FloatsAreRefused) {
  KeyedJaggedTensor kjt(1);
  kjt.add("price", jagged<float>({{1.5f}}));
  const Result<TorchrecLayout> layout = to_torchrec(kjt);
  EXPECT_EQ(layout.status().code(), StatusCode::kSchema);
  EXPECT_NE(layout.status().message().find("'price'"), std::string::npos);
}

TEST(TorchrecLayout, BadLengthsAreDataLoss) {
  const std::vector<std::pair<TorchrecLayout, std::string>> cases = {
      {{{"a", "b"}, {1, 2, 3}, {1, 1, 1}}, "3 lengths do not divide into 2 keys"},
      {{{}, {}, {0}}, "1 lengths do not divide into 0 keys"},
      {{{"a"}, {1, 2}, {3, -1}}, "key 'a'"},
      {{{"a"}, {1, 2}, {-1, 3}}, "key 'a'"},
      {{{"a", "b"}, {1, 2}, {1, 2}}, "key 'b'"},
      {{{"a"}, {1, 2}, {1}}, "add up to 1 values of 2"},
      {{{}, {1}, {}}, "add up to 0 values of 1"},
      {{{"a", "a"}, {1, 2}, {1, 1}}, "key 'a' comes twice"},
      {{{"a"}, {1}, {2147483647, 2147483647}}, "key 'a'"},
  };
  for (const auto& [layout, expected] : cases) {
    const Result<KeyedJaggedTensor> kjt = from_torchrec(layout);
    ASSERT_FALSE(kjt.ok()) << expected;
    EXPECT_EQ(kjt.status().code(), StatusCode::kDataLoss);
    EXPECT_NE(kjt.status().message().find(expected), std::string::npos) << kjt.status().message();
  }
}

}  // namespace
}  // namespace onefold
