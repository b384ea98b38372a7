// SPDX-License-Identifier: Apache-2.0
#include "onefold/base/status.h"

#include <memory>

#include <gtest/gtest.h>

namespace onefold {
namespace {

Result<int> half(int x) {
  if (x % 2 != 0) return invalid_argument(std::to_string(x) + " is odd");
  return x / 2;
}

Result<int> quarter(int x) {
  ONEFOLD_ASSIGN_OR_RETURN(const int once, half(x));
  ONEFOLD_ASSIGN_OR_RETURN(const int twice, half(once));
  return twice;
}

Status check_quarter(int x) {
  ONEFOLD_RETURN_IF_ERROR(quarter(x).status());
  return {};
}

TEST(Status, DefaultIsOk) {
  EXPECT_TRUE(Status().ok());
  EXPECT_TRUE(Status().with_context("reading").ok());
}

TEST(Status, ContextKeepsTheCode) {
  const Status status = data_loss("page 3 is short").with_context("a.parquet");
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_EQ(status.message(), "a.parquet: page 3 is short");
}

TEST(Status, EveryCodeHasAName) {
  EXPECT_STREQ(to_string(invalid_argument("").code()), "invalid argument");
  EXPECT_STREQ(to_string(not_found("").code()), "not found");
  EXPECT_STREQ(to_string(data_loss("").code()), "data loss");
  EXPECT_STREQ(to_string(schema_error("").code()), "schema mismatch");
  EXPECT_STREQ(to_string(unsupported("").code()), "unsupported");
  EXPECT_STREQ(to_string(io_error("").code()), "i/o error");
  EXPECT_STREQ(to_string(StatusCode::kOk), "ok");
}

TEST(Result, MacrosPassValuesAndErrorsOn) {
  EXPECT_EQ(quarter(12).value(), 3);
  EXPECT_EQ(quarter(6).status().message(), "3 is odd");
  EXPECT_EQ(quarter(5).status().message(), "5 is odd");
  EXPECT_TRUE(check_quarter(8).ok());
  EXPECT_EQ(check_quarter(6).code(), StatusCode::kInvalidArgument);
}

TEST(Result, MovesWhatCannotBeCopied) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(**result, 7);
  const std::unique_ptr<int> taken = std::move(result).value();
  EXPECT_EQ(*taken, 7);
}

TEST(Result, ValueOfAnErrorIsABug) {
  const Result<int> odd = half(3);
  try {
    odd.value();
    FAIL() << "value() of an error returned";
  } catch (const CheckError& error) {
    EXPECT_NE(std::string(error.what()).find("3 is odd"), std::string::npos) << error.what();
  }
  EXPECT_THROW(Result<int>{Status()}, CheckError);  // neither a value nor an error
}

TEST(Check, NamesFileLineAndCondition) {
  try {
    ONEFOLD_CHECK(1 + 1 == 3, "sums are off");
    FAIL() << "the check passed";
  } catch (const CheckError& error) {
    const std::string what = error.what();
    EXPECT_EQ(what.rfind("status_test.cc:", 0), 0u) << what;
    EXPECT_NE(what.find("sums are off (check failed: 1 + 1 == 3)"), std::string::npos) << what;
  }
}

}  // namespace
}  // namespace onefold
