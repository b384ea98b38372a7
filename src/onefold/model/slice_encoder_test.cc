// SPDX-License-Identifier: Apache-2.0
#include "onefold/model/slice_encoder.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

namespace onefold {
namespace {

struct Case {
  EncoderType type;
  EncoderAxis axis;
  EncoderMixer mixer;
};

class SliceEncoderTest : public testing::TestWithParam<Case> {
 protected:
  static constexpr int64_t kSlices = 21, kDim = 12, kTokens = 7;

  EncoderConfig config() const {
    return {.type = GetParam().type,
            .axis = GetParam().axis,
            .mixer = GetParam().mixer,
            .tokens = kTokens};
  }
};

std::string case_name(const testing::TestParamInfo<Case>& info) {
  return std::string(to_string(info.param.type)) + "_axis_" + to_string(info.param.axis) +
         "_mixer_" + to_string(info.param.mixer);
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  using enum EncoderType;
  for (EncoderType type : {kFsa, kLce, kMlp, kTransformer, kFunnel}) {
    for (EncoderAxis axis : {EncoderAxis::kTokens, EncoderAxis::kDims}) {
      for (EncoderMixer mixer : {EncoderMixer::kTokens, EncoderMixer::kDims}) {
        cases.push_back({type, axis, mixer});
      }
    }
  }
  return cases;
}

TEST_P(SliceEncoderTest, UsersDoNotSeeEachOther) {
  Parameters parameters(1, at::kDouble);
  const SliceEncoder encoder(config(), kSlices, kDim, parameters);
  at::manual_seed(2);
  const at::Tensor slices = at::randn({5, kSlices, kDim}, at::kDouble);
  const at::Tensor all = encoder.forward(slices);
  ASSERT_EQ(all.sizes(), (at::IntArrayRef{5, kTokens, kDim}));
  EXPECT_TRUE(at::allclose(encoder.forward(slices.narrow(0, 2, 1)), all.narrow(0, 2, 1)));
  EXPECT_FALSE(at::allclose(all[0], all[1]));
}

TEST_P(SliceEncoderTest, EveryParameterAndSliceGetsAGradient) {
  Parameters parameters(1, at::kDouble);
  const SliceEncoder encoder(config(), kSlices, kDim, parameters);
  at::manual_seed(3);
  const at::Tensor slices = at::randn({4, kSlices, kDim}, at::kDouble).requires_grad_();
  const at::Tensor out = encoder.forward(slices);
  out.mul(at::randn(out.sizes(), at::kDouble)).sum().backward();
  for (const Parameter& parameter : parameters.all()) {
    ASSERT_TRUE(parameter.value.grad().defined()) << parameter.name;
    // What softmax cancels: a shift of all keys.
    if (parameter.name.ends_with("qkv.bias")) continue;
    EXPECT_GT(parameter.value.grad().abs().sum().item<double>(), 0) << parameter.name;
  }
  // [D] of every slice but those whose outputs the last token has no room for.
  const at::Tensor reached = slices.grad().abs().sum(at::IntArrayRef({0, 2})).gt(0);
  EXPECT_GE(reached.sum().item<int64_t>(), kSlices - 1);
}

TEST_P(SliceEncoderTest, GradientsOfTheInputByFiniteDifferences) {
  Parameters parameters(1, at::kDouble);
  const SliceEncoder encoder(config(), kSlices, kDim, parameters);
  at::manual_seed(4);
  const at::Tensor x = at::randn({2, kSlices, kDim}, at::kDouble).requires_grad_();
  const at::Tensor weights = at::randn({2, kTokens, kDim}, at::kDouble);
  auto loss = [&](const at::Tensor& at) { return encoder.forward(at).mul(weights).sum(); };
  loss(x).backward();
  const at::Tensor direction = at::randn(x.sizes(), at::kDouble);
  const double step = 1e-6;
  const double numeric = (loss(x.detach().add(direction, step)).item<double>() -
                          loss(x.detach().sub(direction, step)).item<double>()) /
                         (2 * step);
  EXPECT_NEAR(x.grad().mul(direction).sum().item<double>(), numeric,
              1e-5 * (1 + std::abs(numeric)));
}

INSTANTIATE_TEST_SUITE_P(All, SliceEncoderTest, testing::ValuesIn(all_cases()), case_name);

TEST(SliceEncoder, FsaIsFunnelBesideCompression) {
  Parameters parameters(1);
  const SliceEncoder encoder({.type = EncoderType::kFsa, .tokens = 58}, 200, 8, parameters);
  for (const Parameter& parameter : parameters.all()) {
    if (parameter.name == "upstream.encoder.lce.weight") {
      EXPECT_EQ(parameter.value.sizes(), (at::IntArrayRef{8, 200}));
    }
    if (parameter.name == "upstream.encoder.out.weight") {
      EXPECT_EQ(parameter.value.sizes(), (at::IntArrayRef{50, 50}));  // 200 / 4 -> 58 - 8
    }
  }
}

TEST(SliceEncoder, AUserWithoutEventsIsFinite) {
  Parameters parameters(1);
  const SliceEncoder encoder({.tokens = 6}, 20, 8, parameters);
  const at::Tensor slices = at::zeros({1, 20, 8}).requires_grad_();
  encoder.forward(slices).sum().backward();
  EXPECT_TRUE(slices.grad().isfinite().all().item<bool>());
}

TEST(UpstreamConfig, Durations) {
  EXPECT_EQ(parse_duration("24h").value(), 86'400'000'000);
  EXPECT_EQ(parse_duration("2d").value(), 172'800'000'000);
  EXPECT_EQ(parse_duration("0h").value(), 0);
  for (const char* bad : {"", "24", "h", "-1h", "1w", "1.5h", "99999999999999999d", "24h "}) {
    EXPECT_FALSE(parse_duration(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace onefold
