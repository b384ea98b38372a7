// SPDX-License-Identifier: Apache-2.0
#include "onefold/row_import/row_mapping.h"

#include <gtest/gtest.h>

namespace onefold {
namespace {

constexpr const char* kColumns = "[columns]\nuser = 'u'\nitem = 'i'\ntime = 't'\n";

TEST(RowMapping, EveryKey) {
  const auto mapping = RowMapping::from_toml(R"(
delimiter = ";"
[columns]
user = { column = "u", hash = true }
item = "i"
time = { column = "t", unit = "s" }
request = "r"
[session]
gap = "2h"
[labels]
click = "is_click"
[labels.values]
watch = "seconds"
[[feature]]
column = "h"
name = "history"
kind = "id_list"
scope = "user"
group = "g"
separator = " "
[[group]]
name = "g"
window = true
)",
                                             "m.toml");
  ASSERT_TRUE(mapping.ok()) << mapping.status().message();
  EXPECT_EQ(mapping->delimiter, ';');
  EXPECT_TRUE(mapping->user.source.hash);
  EXPECT_EQ(mapping->time.source.unit, TimeUnit::kSeconds);
  EXPECT_EQ(mapping->request.source.column, "r");
  EXPECT_FALSE(mapping->session.given());
  EXPECT_EQ(mapping->gap_us, int64_t{2} * 3600 * 1'000'000);
  ASSERT_EQ(mapping->labels.size(), 2u);
  EXPECT_FALSE(mapping->labels[0].value);
  EXPECT_EQ(mapping->labels[1].column, "seconds");
  EXPECT_TRUE(mapping->labels[1].value);
  ASSERT_EQ(mapping->features.size(), 1u);
  EXPECT_EQ(mapping->features[0].name, "history");
  EXPECT_EQ(mapping->features[0].kind, FeatureKind::kIdList);
  EXPECT_EQ(mapping->features[0].scope, FeatureScope::kUser);
  EXPECT_EQ(mapping->windowed_groups, std::vector<std::string>{"g"});
}

TEST(RowMapping, AGroupNeedsAFeature) {
  const auto mapping = RowMapping::from_toml(
      std::string(kColumns) + "[[group]]\nname = 'g'\nwindow = true\n", "m.toml");
  ASSERT_FALSE(mapping.ok());
  EXPECT_NE(mapping.status().message().find("m.toml:6"), std::string::npos)
      << mapping.status().message();
}

TEST(RowMapping, MistakesNameLineAndKey) {
  const auto message = [](const std::string& text) {
    const auto mapping = RowMapping::from_toml(text, "m.toml");
    EXPECT_FALSE(mapping.ok()) << text;
    return mapping.ok() ? "" : mapping.status().message();
  };
  EXPECT_NE(message("[columns]\nuser = 'u'\nitem = 'i'\n").find("m.toml:1: [columns]: 'time'"),
            std::string::npos);
  EXPECT_NE(message(std::string(kColumns) + "usr = 'x'\n").find("m.toml:5: [columns]: unknown key"),
            std::string::npos);
  EXPECT_NE(message(std::string(kColumns) + "[session]\ngap = 'soon'\n").find("m.toml:6:"),
            std::string::npos);
  EXPECT_NE(message(std::string(kColumns) + "[labels]\nclick = 1\n").find("label 'click'"),
            std::string::npos);
  EXPECT_NE(message(std::string(kColumns) + "[[feature]]\ncolumn = 'f'\nkind = 'list'\n")
                .find("m.toml:7: [[feature]]: kind 'list'"),
            std::string::npos);
  EXPECT_NE(message("[labels]\n").find("[columns] is missing"), std::string::npos);
}

}  // namespace
}  // namespace onefold
