// SPDX-License-Identifier: Apache-2.0
#include "onefold/base/set_aside.h"

#include <gtest/gtest.h>

namespace onefold {
namespace {

TEST(SetAside, WhatBeginsWithAnUnderscore) {
  for (const char* path : {"_metadata.parquet", "_temporary/0/part-0.parquet", "dt=1/_old/a.csv"}) {
    EXPECT_TRUE(is_set_aside(path)) << path;
  }
  for (const char* path :
       {"", "part_0.parquet", "dt=1/part-0.parquet", "_dt=1/a.parquet", "a//b_"}) {
    EXPECT_FALSE(is_set_aside(path)) << path;
  }
}

}  // namespace
}  // namespace onefold
