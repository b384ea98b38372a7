// SPDX-License-Identifier: Apache-2.0
// User embeddings in the model, folded against unfolded, for every adapter.
#include <gtest/gtest.h>

#include "onefold/model/dlrm.h"
#include "onefold/model/planted_embeddings.h"
#include "onefold/ops/gradient_check.h"

namespace onefold {
namespace {

using enum AdapterType;

struct EmbeddingCase {
  AdapterType adapter;
  EmptyEmbedding empty;
};

class DlrmEmbeddingTest : public testing::TestWithParam<EmbeddingCase> {
 protected:
  ModelConfig config() const {
    return planted_embedding_model(GetParam().adapter, GetParam().empty);
  }
};

INSTANTIATE_TEST_SUITE_P(Adapters, DlrmEmbeddingTest,
                         testing::Values(EmbeddingCase{kLinear, EmptyEmbedding::kZeros},
                                         EmbeddingCase{kLinear, EmptyEmbedding::kLearned},
                                         EmbeddingCase{kGate, EmptyEmbedding::kLearned},
                                         EmbeddingCase{kPrepend, EmptyEmbedding::kZeros},
                                         EmbeddingCase{kPrepend, EmptyEmbedding::kLearned},
                                         EmbeddingCase{kNone, EmptyEmbedding::kLearned}),
                         [](const auto& info) {
                           return std::string(to_string(info.param.adapter)) + "_" +
                                  to_string(info.param.empty);
                         });

Batch embedded_batch(uint64_t seed, const PlantedOptions& options = {}) {
  Batch batch = planted_batch(seed, options);
  add_embeddings(batch);
  return batch;
}

at::Tensor run(const Dlrm& model, const Batch& batch) {
  const BatchTensors tensors = BatchTensorizer(model.plan())(batch).value();
  std::vector<at::Tensor> rows;
  for (size_t t = 0; t < tensors.table_ids.size(); ++t) {
    rows.push_back(model.tables()[t].gather(tensors.table_ids[t], true));
  }
  return model.forward(tensors, rows).value();
}

TEST_P(DlrmEmbeddingTest, PassesItsOwnCheck) {
  const Status status = check_model(config(), planted_embedding_schema());
  EXPECT_TRUE(status.ok()) << status.message();
}

TEST_P(DlrmEmbeddingTest, ForwardIsBitEqualFoldedAndUnfolded) {
  const Dlrm model(config(), 7);
  for (const PlantedOptions& options :
       {PlantedOptions{}, PlantedOptions{.num_sessions = 1}, PlantedOptions{.num_sessions = 40},
        PlantedOptions{.num_sessions = 3, .session_samples = 60},
        PlantedOptions{.max_history = 0}}) {
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      const Batch batch = embedded_batch(seed, options);
      EXPECT_TRUE(at::equal(run(model, batch), run(model, unfolded(batch))))
          << options.num_sessions << " sessions, seed " << seed;
    }
  }
}

TEST_P(DlrmEmbeddingTest, GradientsAgreeFoldedAndUnfolded) {
  const Dlrm folded(config(), 7), flat(config(), 7);
  const Batch batch = embedded_batch(3, {.num_sessions = 30});
  run(folded, batch).square().mean().backward();
  run(flat, unfolded(batch)).square().mean().backward();
  for (size_t i = 0; i < folded.parameters().all().size(); ++i) {
    const Parameter &a = folded.parameters().all()[i], &b = flat.parameters().all()[i];
    const double scale = b.value.grad().abs().max().item<double>();
    EXPECT_GT(scale, 0) << a.name;
    EXPECT_LE((a.value.grad() - b.value.grad()).abs().max().item<double>(), 1e-5 * scale) << a.name;
  }
}

TEST_P(DlrmEmbeddingTest, ParameterGradientsByFiniteDifferences) {
  const Dlrm model(config(), 7, at::kDouble);
  const Batch batch =
      embedded_batch(2, {.num_sessions = 4, .session_samples = 2, .max_history = 6});
  auto loss = [&] { return run(model, batch).square().mean(); };
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

// A sample's logit depends on its own history and embedding: not on its neighbours in the batch.
TEST_P(DlrmEmbeddingTest, SamplesDoNotSeeEachOther) {
  const Dlrm model(config(), 7, at::kDouble);
  const Batch batch = embedded_batch(5, {.num_sessions = 10});
  const at::Tensor all = run(model, batch);
  for (int32_t i : {0, 7, static_cast<int32_t>(batch.num_samples()) - 1}) {
    const std::vector<int32_t> only = {i};
    EXPECT_TRUE(at::allclose(run(model, select_samples(batch, only))[0], all[i], 1e-9, 1e-9));
  }
}

// The other embedding of a user changes the logits of exactly the samples that refer to it.
TEST_P(DlrmEmbeddingTest, AnEmbeddingReachesItsOwnSamplesOnly) {
  const Dlrm model(config(), 7);
  Batch batch = embedded_batch(4, {.num_sessions = 12});
  const at::Tensor before = run(model, batch);
  InverseKeyedJaggedTensor& group = batch.groups.back().features;
  auto& words =
      std::get<JaggedTensor<int64_t>>(group.mutable_unique().mutable_column(kUserEmbeddingWords));
  int64_t row = 0;
  while (words.length(row) == 0) ++row;
  words.mutable_values()[words.offsets()[row]] ^= 0x7f;  // the code of the first element
  const at::Tensor after = run(model, batch);
  for (int64_t i = 0; i < batch.num_samples(); ++i) {
    EXPECT_EQ(at::equal(before[i], after[i]), group.inverse_indices()[i] != row) << i;
  }
}

TEST(DlrmEmbedding, WordsOfAnotherShapeAreTheDatasFault) {
  Batch batch = planted_batch(1);
  add_embeddings(batch, EmbeddingFormat::kFp32);
  const auto tensors = BatchTensorizer(Dlrm(planted_embedding_model(kLinear), 1).plan())(batch);
  ASSERT_FALSE(tensors.ok());
  EXPECT_EQ(tensors.status().code(), StatusCode::kSchema);
  EXPECT_NE(tensors.status().message().find("has 12 words, the model expects 6"), std::string::npos)
      << tensors.status().message();
}

struct Mistake {
  const char* name;
  void (*make)(ModelConfig&);
  StatusCode code;
  const char* message;
};

class EmbeddingMistakeTest : public testing::TestWithParam<Mistake> {};
INSTANTIATE_TEST_SUITE_P(
    All, EmbeddingMistakeTest,
    testing::Values(
        Mistake{"no_embeddings",
                [](auto& m) {
                  m.embeddings[0].shape = {0, 0};
                },
                StatusCode::kNotFound, "build the table with --embeddings STORE"},
        Mistake{"another_group", [](auto& m) { m.embeddings[0].group = "history"; },
                StatusCode::kNotFound, "no user embeddings in a group 'history'"},
        Mistake{"no_outputs", [](auto& m) { m.embeddings[0].outputs = 0; },
                StatusCode::kInvalidArgument, "outputs of embedding 'prepend_user_embedding' is 0"},
        Mistake{"no_into", [](auto& m) { m.embeddings[0].into = ""; }, StatusCode::kNotFound,
                "prepend needs into"},
        Mistake{"into_what", [](auto& m) { m.embeddings[0].into = "x"; }, StatusCode::kNotFound,
                "no block 'x'"},
        Mistake{"into_a_pool", [](auto& m) { m.blocks[0].type = BlockType::kPool; },
                StatusCode::kInvalidArgument, "works on a transformer block"},
        Mistake{"into_for_linear", [](auto& m) { m.embeddings[0].adapter = kLinear; },
                StatusCode::kInvalidArgument, "into is for adapter = \"prepend\", not linear"},
        Mistake{"twice",
                [](auto& m) {
                  m.embeddings.push_back(m.embeddings[0]);
                  m.embeddings[1].name = "again";
                },
                StatusCode::kInvalidArgument, "both prepended to block 'transformer_history'"},
        Mistake{"same_name",
                [](auto& m) {
                  m.embeddings.push_back(planted_embedding(kLinear));
                  m.embeddings[1].name = m.embeddings[0].name;
                },
                StatusCode::kInvalidArgument, "two blocks or embeddings are named"},
        Mistake{"none_without_top",
                [](auto& m) {
                  m.embeddings[0].adapter = kNone;
                  m.embeddings[0].into = "";
                  m.top = {};
                },
                StatusCode::kInvalidArgument, "goes to the hidden layers in top"}),
    [](const auto& info) { return info.param.name; });

TEST_P(EmbeddingMistakeTest, IsOneClearLine) {
  ModelConfig config = planted_embedding_model(kPrepend);
  ASSERT_TRUE(check_model(config, planted_embedding_schema()).ok());
  GetParam().make(config);
  const Status status = check_model(config, planted_embedding_schema());
  EXPECT_EQ(status.code(), GetParam().code) << status.message();
  EXPECT_NE(status.message().find(GetParam().message), std::string::npos) << status.message();
}

}  // namespace
}  // namespace onefold
