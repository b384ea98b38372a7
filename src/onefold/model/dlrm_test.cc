// SPDX-License-Identifier: Apache-2.0
// The whole model, folded against unfolded, for every block.
#include "onefold/model/dlrm.h"

#include <gtest/gtest.h>

#include "onefold/jagged/windowed_groups.h"
#include "onefold/model/planted_batches.h"
#include "onefold/ops/gradient_check.h"

namespace onefold {
namespace {

struct ModelCase {
  BlockType type;
  Combine combine;
};

class DlrmTest : public testing::TestWithParam<ModelCase> {
 protected:
  ModelConfig config() const { return planted_model(GetParam().type, GetParam().combine); }
};

INSTANTIATE_TEST_SUITE_P(Blocks, DlrmTest,
                         testing::Values(ModelCase{BlockType::kPool, Combine::kSum},
                                         ModelCase{BlockType::kPool, Combine::kConcat},
                                         ModelCase{BlockType::kDin, Combine::kSum},
                                         ModelCase{BlockType::kDin, Combine::kConcat},
                                         ModelCase{BlockType::kTransformer, Combine::kSum},
                                         ModelCase{BlockType::kTransformer, Combine::kConcat}),
                         [](const auto& info) {
                           return std::string(to_string(info.param.type)) + "_" +
                                  to_string(info.param.combine);
                         });

struct Pass {
  at::Tensor logits;
  std::vector<at::Tensor> table_rows;
};

Pass run(const Dlrm& model, const Batch& batch) {
  const BatchTensors tensors = BatchTensorizer(model.plan())(batch).value();
  Pass pass;
  for (size_t t = 0; t < tensors.table_ids.size(); ++t) {
    pass.table_rows.push_back(model.tables()[t].gather(tensors.table_ids[t], true));
  }
  pass.logits = model.forward(tensors, pass.table_rows).value();
  return pass;
}

TEST_P(DlrmTest, PassesItsOwnCheck) { EXPECT_TRUE(check_model(config(), planted_schema()).ok()); }

// --dedup on and off: the same logits, bit for bit, in float on the CPU.
TEST_P(DlrmTest, ForwardIsBitEqualFoldedAndUnfolded) {
  const Dlrm model(config(), 7);
  for (const PlantedOptions& options :
       {PlantedOptions{}, PlantedOptions{.num_sessions = 1}, PlantedOptions{.num_sessions = 40},
        PlantedOptions{.num_sessions = 3, .session_samples = 60},
        PlantedOptions{.max_history = 0}}) {
    for (uint64_t seed = 1; seed <= 4; ++seed) {
      const Batch batch = planted_batch(seed, options);
      EXPECT_TRUE(at::equal(run(model, batch).logits, run(model, unfolded(batch)).logits))
          << options.num_sessions << " sessions, seed " << seed;
    }
  }
}

// The gradients are sums in another order. Measured here: at most 1e-6 of the largest entry.
TEST_P(DlrmTest, GradientsAgreeFoldedAndUnfolded) {
  const Dlrm folded(config(), 7), flat(config(), 7);
  const Batch batch = planted_batch(3, {.num_sessions = 30});
  const Pass a = run(folded, batch), b = run(flat, unfolded(batch));
  a.logits.square().mean().backward();
  b.logits.square().mean().backward();
  auto expect_close = [](const at::Tensor& x, const at::Tensor& y, const std::string& name) {
    ASSERT_EQ(x.defined(), y.defined()) << name;
    if (!x.defined()) return;
    const double scale = y.abs().max().item<double>();
    EXPECT_LE((x - y).abs().max().item<double>(), 1e-5 * scale) << name;
  };
  for (size_t i = 0; i < folded.parameters().all().size(); ++i) {
    expect_close(folded.parameters().all()[i].value.grad(), flat.parameters().all()[i].value.grad(),
                 folded.parameters().all()[i].name);
  }
  for (size_t t = 0; t < a.table_rows.size(); ++t) {
    expect_close(a.table_rows[t].grad(), b.table_rows[t].grad(), folded.tables()[t].name);
  }
}

// Lists that slide within each session, as windows on payload rows and as rows.
Batch sliding_batch(uint64_t seed) {
  Batch batch = planted_batch(seed, {.num_sessions = 20});
  const KeyedJaggedTensor rows = expand(batch.groups[0].features);
  KeyedJaggedTensor slid(batch.num_samples());
  for (int64_t k = 0; k < rows.num_keys(); ++k) {
    std::visit(
        [&]<typename T>(const JaggedTensor<T>& column) {
          JaggedTensor<T> lists;
          for (int64_t i = 0; i < batch.num_samples(); ++i) {
            const auto row = column.row(i);
            const size_t cut = std::min<size_t>(row.size(), i % 5);
            lists.push_row(row.subspan(cut, row.size() - std::min(row.size(), 4 + cut)));
          }
          slid.add(rows.keys()[k], std::move(lists));
        },
        rows.column(k));
  }
  batch.groups[0].features = fold(slid);
  return batch;
}

// Forward: bit-equal where lists are attended to; sums of windows are differences of prefix sums.
// Gradients are sums in another order.
TEST_P(DlrmTest, WindowsAgreeWithRows) {
  Schema schema = planted_schema();
  schema.windowed_groups = {"history"};
  const Dlrm windowed(config(), 7), exact(config(), 7);
  const Batch rows = sliding_batch(4), windows = with_windows(rows, schema);
  ASSERT_TRUE(windows.groups[0].features.is_windowed());
  ASSERT_LT(windows.groups[0].features.payload().num_rows(), rows.groups[0].features.num_unique());
  const Pass a = run(windowed, windows), b = run(exact, rows);
  const bool pools = GetParam().type == BlockType::kPool;
  EXPECT_TRUE(pools ? at::allclose(a.logits, b.logits, 1e-5, 1e-6) : at::equal(a.logits, b.logits));
  a.logits.square().mean().backward();
  b.logits.square().mean().backward();
  for (size_t i = 0; i < exact.parameters().all().size(); ++i) {
    const Parameter& x = windowed.parameters().all()[i];
    const Parameter& y = exact.parameters().all()[i];
    const double scale = y.value.grad().abs().max().item<double>();
    EXPECT_LE((x.value.grad() - y.value.grad()).abs().max().item<double>(), 1e-5 * scale) << x.name;
  }
}

TEST_P(DlrmTest, EveryParameterGetsAGradient) {
  const Dlrm model(config(), 7);
  const Pass pass = run(model, planted_batch(3, {.num_sessions = 30}));
  pass.logits.square().mean().backward();
  for (const Parameter& parameter : model.parameters().all()) {
    ASSERT_TRUE(parameter.value.grad().defined()) << parameter.name;
    EXPECT_GT(parameter.value.grad().abs().max().item<double>(), 0) << parameter.name;
  }
}

// A sample's logit depends on its own features only: not on its neighbours in the batch.
TEST_P(DlrmTest, SamplesDoNotSeeEachOther) {
  const Dlrm model(config(), 7, at::kDouble);
  const Batch batch = planted_batch(5, {.num_sessions = 10});
  const at::Tensor all = run(model, batch).logits;
  for (int32_t i : {0, 7, static_cast<int32_t>(batch.num_samples()) - 1}) {
    const std::vector<int32_t> only = {i};
    EXPECT_TRUE(
        at::allclose(run(model, select_samples(batch, only)).logits[0], all[i], 1e-9, 1e-9));
  }
}

// Finite differences through the whole model, along a random direction of each parameter.
TEST_P(DlrmTest, ParameterGradientsByFiniteDifferences) {
  const Dlrm model(config(), 7, at::kDouble);
  const Batch batch = planted_batch(2, {.num_sessions = 3, .session_samples = 2, .max_history = 6});
  auto loss = [&] { return run(model, batch).logits.square().mean(); };
  loss().backward();
  at::manual_seed(1);
  for (const Parameter& parameter : model.parameters().all()) {
    const at::Tensor direction = at::randn(parameter.value.sizes(), at::kDouble);
    const double slope = (parameter.value.grad() * direction).sum().item<double>();
    at::Tensor value = parameter.value.detach();  // the same memory
    const double step = 1e-6;
    value += step * direction;
    const double above = loss().item<double>();
    value -= 2 * step * direction;
    const double below = loss().item<double>();
    value += step * direction;
    EXPECT_NEAR((above - below) / (2 * step), slope, 1e-5 * (1 + std::fabs(slope)))
        << parameter.name;
  }
}

TEST(Dlrm, ListsOfDifferentLengthAreTheDatasFault) {
  Batch batch = planted_batch(1);
  auto& dwell = std::get<JaggedTensor<float>>(
      batch.groups[0].features.mutable_unique().mutable_column("dwell"));
  const int64_t num_rows = dwell.num_rows();
  dwell = JaggedTensor<float>::make({}, std::vector<int32_t>(num_rows + 1, 0)).value();
  const Dlrm model(planted_model(BlockType::kTransformer), 1);
  const BatchTensors tensors = BatchTensorizer(model.plan())(batch).value();
  std::vector<at::Tensor> rows;
  for (size_t t = 0; t < tensors.table_ids.size(); ++t) {
    rows.push_back(model.tables()[t].gather(tensors.table_ids[t], false));
  }
  const auto result = model.forward(tensors, rows);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.status().code(), StatusCode::kSchema);
  EXPECT_NE(result.status().message().find("'history' and 'dwell' differ in length"),
            std::string::npos);
}

TEST(Dlrm, SameSeedSameWeights) {
  const ModelConfig config = planted_model(BlockType::kDin);
  const Dlrm a(config, 3), b(config, 3), c(config, 4);
  const Batch batch = planted_batch(1);
  EXPECT_TRUE(at::equal(run(a, batch).logits, run(b, batch).logits));
  EXPECT_FALSE(at::equal(run(a, batch).logits, run(c, batch).logits));
}

TEST(Dlrm, WithoutDenseFeaturesOrBlocks) {
  ModelConfig config = planted_model(BlockType::kPool);
  config.dense = {};
  config.blocks = {};
  const Dlrm model(config, 1);
  const Batch batch = planted_batch(1);
  EXPECT_EQ(run(model, batch).logits.sizes(), (std::vector<int64_t>{batch.num_samples(), 1}));
  config.features = {config.features.front()};  // a single vector: no pairs
  EXPECT_EQ(run(Dlrm(config, 1), batch).logits.size(0), batch.num_samples());
}

TEST(Dlrm, OneLogitPerLabel) {
  ModelConfig config = planted_model(BlockType::kPool);
  config.labels = {"like", "click"};
  EXPECT_EQ(run(Dlrm(config, 1), planted_batch(1)).logits.size(1), 2);
}

}  // namespace
}  // namespace onefold
