// SPDX-License-Identifier: Apache-2.0
#include "onefold/jagged/schema.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace onefold {
namespace {

Schema news_schema() {
  Schema schema;
  schema.features = {
      {"age", FeatureKind::kDense, FeatureScope::kUser, ""},
      {"articles", FeatureKind::kIdList, FeatureScope::kUser, "history"},
      {"topics", FeatureKind::kIdList, FeatureScope::kUser, "interests"},
      {"read_times", FeatureKind::kFloatList, FeatureScope::kUser, "history"},
      {"category", FeatureKind::kId, FeatureScope::kItem, ""},
      {"freshness", FeatureKind::kDense, FeatureScope::kItem, ""},
  };
  schema.labels = {{"click", "click", false}, {"read_time", "read", true}};
  return schema;
}

std::vector<std::string> names(const std::vector<FeatureSpec>& features) {
  std::vector<std::string> names;
  for (const FeatureSpec& feature : features) names.push_back(feature.name);
  return names;
}

using Names = std::vector<std::string>;

TEST(Schema, ViewsKeepTheOrder) {
  const Schema schema = news_schema();
  EXPECT_TRUE(schema.validate().ok());
  EXPECT_EQ(schema.groups(), (Names{"history", "interests"}));
  EXPECT_EQ(names(schema.group_features("history")), (Names{"articles", "read_times"}));
  EXPECT_EQ(names(schema.group_features("nothing")), Names{});
  EXPECT_EQ(names(schema.dense_features()), (Names{"age", "freshness"}));
  EXPECT_EQ(names(schema.sample_features()), Names{"category"});
  EXPECT_EQ(schema.label_names(), (Names{"click", "read_time"}));
  EXPECT_EQ(schema.find("topics")->group, "interests");
  EXPECT_EQ(schema.find("history"), nullptr);  // a group is no feature
}

TEST(Schema, JsonRoundTrip) {
  EXPECT_EQ(schema_from_json(to_json(news_schema())).value(), news_schema());
  EXPECT_EQ(schema_from_json(to_json(Schema())).value(), Schema());
  // And through text, as it is stored.
  EXPECT_EQ(schema_from_json(nlohmann::json::parse(to_json(news_schema()).dump())).value(),
            news_schema());
}

TEST(Schema, JsonIsTheDocumentedOne) {
  Schema schema;
  schema.features = {{"articles", FeatureKind::kIdList, FeatureScope::kUser, "history"}};
  schema.labels = {{"click", "click", false}};
  EXPECT_EQ(to_json(schema), nlohmann::json::parse(R"({
    "features": [{"name": "articles", "kind": "id_list", "scope": "user", "group": "history"}],
    "labels": [{"name": "click", "action": "click", "value": false}]})"));
}

void expect_schema_error(const Status& status, const std::string& part) {
  EXPECT_EQ(status.code(), StatusCode::kSchema) << part;
  EXPECT_NE(status.message().find(part), std::string::npos) << status.message();
}

TEST(Schema, ValidateNamesTheFault) {
  auto with_feature = [](FeatureSpec feature) {
    Schema schema = news_schema();
    schema.features.push_back(std::move(feature));
    return schema.validate();
  };
  const auto list = FeatureKind::kIdList;
  const auto user = FeatureScope::kUser;
  expect_schema_error(with_feature({"articles", list, user, ""}), "'articles'");
  expect_schema_error(with_feature({"history", list, user, ""}), "group 'history'");
  expect_schema_error(with_feature({"", list, user, ""}), "has no name");
  expect_schema_error(with_feature({"history.ref", list, user, ""}), "'.'");
  expect_schema_error(with_feature({"x", list, user, "../outside"}), "group '../outside'");
  expect_schema_error(with_feature({"a\nb", list, user, ""}), "control characters");
  expect_schema_error(with_feature({"weight", FeatureKind::kDense, user, "history"}), "'weight'");
  expect_schema_error(with_feature({"x", list, user, "click"}), "label 'click'");
  for (const char* reserved :
       {"session_id", "user_id", "request_id", "item_id", "time", "ref", "samples"}) {
    expect_schema_error(with_feature({reserved, list, user, ""}), reserved);
    expect_schema_error(with_feature({"x", list, user, reserved}), reserved);
  }
  EXPECT_TRUE(with_feature({"emner_æøå", list, user, ""}).ok());  // any UTF-8 is a fine name
}

TEST(Schema, ValidateChecksLabels) {
  Schema schema = news_schema();
  schema.labels.push_back({"click", "like", false});
  expect_schema_error(schema.validate(), "label 'click'");
  schema.labels.back().name = "age";
  expect_schema_error(schema.validate(), "label 'age'");
  schema.labels.back().name = "like";
  EXPECT_TRUE(schema.validate().ok());
}

TEST(Schema, JsonErrorsAreSchemaErrors) {
  const nlohmann::json good = to_json(news_schema());
  auto broken = [&](const std::string& pointer, const nlohmann::json& value) {
    nlohmann::json json = good;
    json[nlohmann::json::json_pointer(pointer)] = value;
    return schema_from_json(json).status();
  };
  expect_schema_error(broken("/features/1/kind", "list"), "kind of feature 'articles': 'list'");
  expect_schema_error(broken("/features/1/scope", "session"), "scope of feature 'articles'");
  expect_schema_error(broken("/features/0/name", 7), "schema: ");
  expect_schema_error(broken("/features", 7), "schema: ");
  expect_schema_error(broken("/labels/0/value", "yes"), "schema: ");
  expect_schema_error(broken("/features/1/name", "age"), "'age'");  // validated, too
  for (const char* key : {"features", "labels"}) {
    nlohmann::json json = good;
    json.erase(key);
    expect_schema_error(schema_from_json(json).status(), key);
  }
  expect_schema_error(schema_from_json(nlohmann::json::array()).status(), "schema: ");
  expect_schema_error(schema_from_json(nlohmann::json()).status(), "schema: ");
}

}  // namespace
}  // namespace onefold
