// SPDX-License-Identifier: Apache-2.0
#include "onefold/model/slice_encoder.h"

#include <algorithm>
#include <vector>

#include <ATen/ops/adaptive_avg_pool1d.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <fmt/format.h>

#include "onefold/model/linear.h"
#include "onefold/ops/swish.h"

namespace onefold {
namespace {

using at::Tensor;

// The tokens and dims of an input, which the funnel's pool changes.
struct Shape {
  int64_t tokens = 0, dims = 0;

  int64_t along(EncoderAxis axis) const { return axis == EncoderAxis::kTokens ? tokens : dims; }
  Shape pooled(EncoderAxis axis, int64_t stride) const {
    const int64_t left = (along(axis) + stride - 1) / stride;
    return axis == EncoderAxis::kTokens ? Shape{left, dims} : Shape{tokens, left};
  }
};

// One pre-norm layer of attention and a feed-forward net, over [U, tokens, dims].
class MixerLayer {
 public:
  MixerLayer(const EncoderConfig& config, Shape shape, const std::string& name,
             Parameters& parameters)
      : mixer_(config.mixer),
        width_(mixer_ == EncoderMixer::kTokens ? shape.dims : shape.tokens),
        heads_(width_ % config.heads == 0 ? config.heads : 1),
        norms_{norm(name + ".attention_norm", parameters), norm(name + ".ffn_norm", parameters)},
        qkv_(parameters, name + ".qkv", width_, 3 * width_),
        output_(parameters, name + ".output", width_, width_),
        ffn_in_(parameters, name + ".ffn_in", width_, 2 * width_),
        ffn_out_(parameters, name + ".ffn_out", 2 * width_, width_) {}

  Tensor forward(const Tensor& slices) const {
    const bool turn = mixer_ == EncoderMixer::kDims;
    Tensor x = turn ? slices.transpose(1, 2) : slices;  // [U, length, width]
    x = x.add(output_.per_sample(attention(qkv_.per_sample(norms_[0](x)))));
    x = x.add(ffn_out_.per_sample(swish(ffn_in_.per_sample(norms_[1](x)))));
    return turn ? x.transpose(1, 2) : x;
  }

 private:
  struct Norm {
    Tensor scale, shift;
    Tensor operator()(const Tensor& x) const {
      return at::layer_norm(x, {x.size(-1)}, scale, shift);
    }
  };
  Norm norm(const std::string& name, Parameters& parameters) const {
    return {parameters.add_constant(name + ".scale", {width_}, 1),
            parameters.add_constant(name + ".shift", {width_}, 0)};
  }

  Tensor attention(const Tensor& qkv) const {  // [U, length, 3 width] -> [U, length, width]
    const int64_t rows = qkv.size(0), length = qkv.size(1);
    const Tensor split =
        qkv.view({rows, length, 3, heads_, width_ / heads_}).permute({2, 0, 3, 1, 4});
    return at::scaled_dot_product_attention(split[0], split[1], split[2])
        .transpose(1, 2)
        .reshape({rows, length, width_});
  }

  EncoderMixer mixer_;
  int64_t width_, heads_;
  Norm norms_[2];
  Linear qkv_, output_, ffn_in_, ffn_out_;
};

std::vector<MixerLayer> make_layers(const EncoderConfig& config, Shape shape,
                                    const std::string& name, Parameters& parameters) {
  std::vector<MixerLayer> layers;
  for (int64_t i = 0; i < config.layers; ++i) {
    layers.emplace_back(config, shape, fmt::format("{}.{}", name, i), parameters);
  }
  return layers;
}

Tensor run_layers(const std::vector<MixerLayer>& layers, Tensor x) {
  for (const MixerLayer& layer : layers) x = layer.forward(x);
  return x;
}

// [U, tokens, dims] with the encoder's axis last.
Tensor axis_last(const Tensor& x, EncoderAxis axis) {
  return axis == EncoderAxis::kTokens ? x.transpose(1, 2) : x;
}

// The mean of `stride` neighbours along the axis; nearly so where it is no multiple.
Tensor mean_pool(const Tensor& x, EncoderAxis axis, int64_t length) {
  return axis_last(at::adaptive_avg_pool1d(axis_last(x, axis), {length}), axis);
}

}  // namespace

// Branches end in [U, rows, outputs], the axis last.
struct SliceEncoder::Body {
  Body(const EncoderConfig& with_zeros, int64_t num_slices, int64_t model_dim)
      : config(with_zeros), shape{num_slices, model_dim}, dim(model_dim) {
    outputs = config.tokens;
    if (config.axis == EncoderAxis::kDims) {
      outputs = (config.tokens * dim + num_slices - 1) / num_slices;
    }
  }

  EncoderConfig config;
  Shape shape;
  int64_t dim;
  int64_t outputs;
  Tensor norm_scale, norm_shift;
  std::vector<MixerLayer> before, after;  // the funnel's pool; the transformer has only `before`
  Linear compress;                        // lce: all; fsa: its part
  Linear hidden, out;

  int64_t lce_outputs() const {
    if (config.type != EncoderType::kFsa) return 0;
    const int64_t share = config.lce_tokens > 0 ? config.lce_tokens : (config.tokens * 8 + 29) / 58;
    return std::clamp<int64_t>(outputs * std::max<int64_t>(1, share) / config.tokens, 1,
                               outputs - 1);
  }

  Tensor funnel(const Tensor& x) const {
    const int64_t length = shape.pooled(config.axis, config.stride).along(config.axis);
    const Tensor pooled = mean_pool(run_layers(before, x), config.axis, length);
    return out.per_sample(axis_last(run_layers(after, pooled), config.axis));
  }

  Tensor branches(const Tensor& x) const {
    switch (config.type) {
      case EncoderType::kFsa:
        return at::cat({funnel(x), compress.per_sample(axis_last(x, config.axis))}, 2);
      case EncoderType::kLce:
        return compress.per_sample(axis_last(x, config.axis));
      case EncoderType::kMlp:
        return out.per_sample(swish(hidden.per_sample(axis_last(x, config.axis))));
      case EncoderType::kTransformer:
        return out.per_sample(axis_last(run_layers(before, x), config.axis));
      case EncoderType::kFunnel:
        return funnel(x);
    }
    ONEFOLD_CHECK(false, "unknown encoder");
  }
};

SliceEncoder::SliceEncoder(const EncoderConfig& config, int64_t num_slices, int64_t dim,
                           Parameters& parameters)
    : body_(std::make_unique<Body>(config, num_slices, dim)) {
  using enum EncoderType;
  const std::string name = "upstream.encoder";
  Body& body = *body_;
  const int64_t inputs = body.shape.along(config.axis);
  body.norm_scale = parameters.add_constant(name + ".norm.scale", {dim}, 1);
  body.norm_shift = parameters.add_constant(name + ".norm.shift", {dim}, 0);
  const int64_t lce = body.lce_outputs();
  if (config.type == kFsa || config.type == kLce) {
    body.compress =
        Linear(parameters, name + ".lce", inputs, config.type == kLce ? body.outputs : lce);
  }
  if (config.type == kMlp) {
    const int64_t width = config.hidden > 0 ? config.hidden : 2 * body.outputs;
    body.hidden = Linear(parameters, name + ".hidden", inputs, width);
    body.out = Linear(parameters, name + ".out", width, body.outputs);
  }
  if (config.type == kTransformer) {
    body.before = make_layers(config, body.shape, name + ".layer", parameters);
    body.out = Linear(parameters, name + ".out", inputs, body.outputs);
  }
  if (config.type == kFunnel || config.type == kFsa) {
    const Shape pooled = body.shape.pooled(config.axis, config.stride);
    body.before = make_layers(config, body.shape, name + ".wide", parameters);
    body.after = make_layers(config, pooled, name + ".narrow", parameters);
    body.out = Linear(parameters, name + ".out", pooled.along(config.axis), body.outputs - lce);
  }
}

SliceEncoder::~SliceEncoder() = default;
SliceEncoder::SliceEncoder(SliceEncoder&&) noexcept = default;

Tensor SliceEncoder::forward(const Tensor& slices) const {
  const Body& body = *body_;
  const Tensor x = at::layer_norm(slices, {body.dim}, body.norm_scale, body.norm_shift);
  const Tensor y = body.branches(x);  // [U, D, T], or [U, N, outputs]
  const int64_t rows = slices.size(0), tokens = body.config.tokens;
  if (body.config.axis == EncoderAxis::kTokens) return y.transpose(1, 2).contiguous();
  return y.reshape({rows, -1}).narrow(1, 0, tokens * body.dim).reshape({rows, tokens, body.dim});
}

}  // namespace onefold
