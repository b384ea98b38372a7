// SPDX-License-Identifier: Apache-2.0
// The vector body of din_attention, over `Floats` of the including file (AVX2 or AVX-512).
//
// Lanes are the hidden units, so values and user halves are read as they lie, and a row of 5 values
// wastes no lane. product ∘ query is a small matrix per sample, scaled[h][d] = product[h][d] q[d];
// every sum over d, h or l is then a small matrix product (simd/small_matrix.inl), one chain in the
// order of the inner index: a sample's bits do not depend on the samples beside it. Columns are
// padded with zeros to whole registers, and the padding stays zero: swish(0) = 0.
namespace onefold {
namespace {

constexpr int kTileKeys = kDinKeys;

// Where a worker's parts lie in its scratch memory. By columns: [width][hidden lanes].
struct Scratch {
  int dim, hidden;             // as given
  int width, lanes;            // rounded up to whole registers
  float* product;              // [hidden][width]
  float* product_columns;      // [dim][lanes]
  float* scaled;               // as product
  float* scaled_columns;       // as product_columns
  float* grad_scaled_columns;  // as product_columns
  float* keys;                 // [kTileKeys][width]
  float* grad_keys;            // [kTileKeys][width]
  float* user;                 // [kTileKeys][lanes]
  float* grad_user;            // [kTileKeys][lanes]
  float* z;                    // [kTileKeys][lanes]: activation inputs, then their gradients
  float* sums;                 // [kTileKeys][kLanes]: weights before the last addition
  float* weights;              // [kDinSamples][kTileKeys]
  float* grad_weights;         // [kTileKeys]
  float* query;                // [width]
  float* candidate;            // [lanes]
  float* score;                // [lanes]
  float* grad_score;           // [lanes]
  float* grad_candidate;       // [lanes]
  float* grad_query;           // [width]
  float* out;                  // [kDinSamples][width]: results; backward: gradient of one

  Scratch(const DinShape& shape, float* memory)
      : dim(static_cast<int>(shape.width)),
        hidden(static_cast<int>(shape.hidden)),
        width(round_up(dim)),
        lanes(round_up(hidden)) {
    const auto take = [&](int size) {
      float* part = memory;
      memory += size;
      return part;
    };
    product = take(hidden * width);
    product_columns = take(dim * lanes);
    scaled = take(hidden * width);
    scaled_columns = take(dim * lanes);
    grad_scaled_columns = take(dim * lanes);
    keys = take(kTileKeys * width);
    grad_keys = take(kTileKeys * width);
    user = take(kTileKeys * lanes);
    grad_user = take(kTileKeys * lanes);
    z = take(kTileKeys * lanes);
    sums = take(kTileKeys * Floats::kLanes);
    weights = take(kDinSamples * kTileKeys);
    grad_weights = take(kTileKeys);
    query = take(width);
    candidate = take(lanes);
    score = take(lanes);
    grad_score = take(lanes);
    grad_candidate = take(lanes);
    grad_query = take(width);
    out = take(kDinSamples * width);
  }
};

const float* row_of(const void* rows, int64_t row, int64_t width) {
  return static_cast<const float*>(rows) + row * width;
}
float* row_of(void* rows, int64_t row, int64_t width) {
  return static_cast<float*>(rows) + row * width;
}

void load_weights(const DinInputs& in, const Scratch& s) {
  clear(s.product_columns, s.dim * s.lanes);
  for (int h = 0; h < s.hidden; ++h) {
    convert_row(row_of(in.product, h, s.dim), s.dim, s.product + h * s.width);
    for (int d = 0; d < s.dim; ++d) s.product_columns[d * s.lanes + h] = s.product[h * s.width + d];
  }
  convert_row(static_cast<const float*>(in.score), s.hidden, s.score);
}

void load_tile(const DinInputs& in, const Scratch& s, int64_t first, int count) {
  for (int i = 0; i < count; ++i) {
    convert_row(row_of(in.keys, first + i, s.dim), s.dim, s.keys + i * s.width);
    convert_row(row_of(in.user, first + i, s.hidden), s.hidden, s.user + i * s.lanes);
  }
}

void load_sample(const DinInputs& in, const Scratch& s, int64_t sample) {
  convert_row(row_of(in.query, sample, s.dim), s.dim, s.query);
  convert_row(row_of(in.candidate, sample, s.hidden), s.hidden, s.candidate);
  for (int d = 0; d < s.dim; ++d) {
    const auto q = Floats::broadcast(s.query[d]);
    for (int h = d * s.lanes; h < (d + 1) * s.lanes; h += Floats::kLanes) {
      Floats::store(s.scaled_columns + h, Floats::multiply(Floats::load(s.product_columns + h), q));
    }
  }
}

// z[i][h] for the `count` values of the tile and the sample that was loaded.
void hidden_inputs(const Scratch& s, int count) {
  for (int i = 0; i < count; ++i) {
    for (int h = 0; h < s.lanes; h += Floats::kLanes) {
      Floats::store(s.z + i * s.lanes + h, Floats::add(Floats::load(s.user + i * s.lanes + h),
                                                       Floats::load(s.candidate + h)));
    }
  }
  multiply<Into::kAdd>(Rows{s.keys, s.width}, s.scaled_columns, s.lanes, s.z, s.lanes, count,
                       s.lanes, s.dim);
}

// weights[i] = bias + score . swish(z[i])
void weigh(const Scratch& s, int count, float bias, float* weights) {
  for (int i = 0; i < count; ++i) {
    auto sum = Floats::zero();
    for (int h = 0; h < s.lanes; h += Floats::kLanes) {
      const auto x = Floats::load(s.z + i * s.lanes + h);
      sum = Floats::fma(Floats::load(s.score + h), swish_of(x, sign_of(x)), sum);
    }
    weights[i] = bias + Floats::sum(sum);
  }
}

// Samples at places [place, place + count), all of `row`.
void forward_samples(const DinShape& shape, const DinInputs& in, const Scratch& s, int64_t row,
                     int64_t place, int count, float* out) {
  const int64_t begin = shape.key_offsets[row], end = shape.key_offsets[row + 1];
  const float bias = *static_cast<const float*>(in.bias);
  clear(s.out, count * s.width);
  for (int64_t first = begin; first < end; first += kTileKeys) {
    const int keys = end - first < kTileKeys ? static_cast<int>(end - first) : kTileKeys;
    load_tile(in, s, first, keys);
    for (int j = 0; j < count; ++j) {
      load_sample(in, s, shape.samples[place + j]);
      hidden_inputs(s, keys);
      weigh(s, keys, bias, s.weights + j * kTileKeys);
    }
    multiply<Into::kAdd>(Rows{s.weights, kTileKeys}, s.keys, s.width, s.out, s.width, count,
                         s.width, keys);
  }
  for (int j = 0; j < count; ++j) {
    store_row(s.out + j * s.width, 1.0f, s.dim, row_of(out, shape.samples[place + j], s.dim));
  }
}

void forward_places(const DinShape& shape, const DinInputs& in, float* out, const DinRange& places,
                    float* memory) {
  const Scratch s(shape, memory);
  load_weights(in, s);
  int64_t row = 0;
  for (int64_t place = places.begin; place < places.end;) {
    while (shape.sample_offsets[row + 1] <= place) ++row;
    int64_t end = shape.sample_offsets[row + 1];
    if (end > places.end) end = places.end;
    if (end > place + kDinSamples) end = place + kDinSamples;
    forward_samples(shape, in, s, row, place, static_cast<int>(end - place), out);
    place = end;
  }
}

// grad_weights[i] = grad_out . keys[i]; returns their sum.
float weight_gradients(const Scratch& s, int count) {
  float total = 0;
  for (int i = 0; i < count; ++i) {
    auto sum = Floats::zero();
    for (int d = 0; d < s.width; d += Floats::kLanes) {
      sum = Floats::fma(Floats::load(s.out + d), Floats::load(s.keys + i * s.width + d), sum);
    }
    total += s.grad_weights[i] = Floats::sum(sum);
  }
  return total;
}

// Through the activation: z becomes its gradient, which goes to grad_user and grad_candidate;
// grad_score, and the weights once more.
void activation_gradients(const Scratch& s, int count, float bias) {
  clear(s.sums, count * Floats::kLanes);
  for (int h = 0; h < s.lanes; h += Floats::kLanes) {
    const auto score = Floats::load(s.score + h);
    auto grad_score = Floats::load(s.grad_score + h);
    auto grad_candidate = Floats::load(s.grad_candidate + h);
    for (int i = 0; i < count; ++i) {
      float *z = s.z + i * s.lanes + h, *grad_user = s.grad_user + i * s.lanes + h;
      float* sum = s.sums + i * Floats::kLanes;
      const auto x = Floats::load(z), sign = sign_of(x), y = swish_of(x, sign);
      const auto grad_weight = Floats::broadcast(s.grad_weights[i]);
      Floats::store(sum, Floats::fma(score, y, Floats::load(sum)));
      grad_score = Floats::fma(grad_weight, y, grad_score);
      const auto grad = Floats::multiply(Floats::multiply(grad_weight, score), slope_of(sign));
      Floats::store(z, grad);
      grad_candidate = Floats::add(grad_candidate, grad);
      Floats::store(grad_user, Floats::add(Floats::load(grad_user), grad));
    }
    Floats::store(s.grad_score + h, grad_score);
    Floats::store(s.grad_candidate + h, grad_candidate);
  }
  for (int i = 0; i < count; ++i) {
    s.weights[i] = bias + Floats::sum(Floats::load(s.sums + i * Floats::kLanes));
  }
}

// scaled = product ∘ query: the product rule. sums [dim][lanes] += the gradient of product.
void product_gradients(const Scratch& s, int count, float* sums) {
  multiply<Into::kSet>(Columns{s.keys, s.width}, s.z, s.lanes, s.grad_scaled_columns, s.lanes,
                       s.dim, s.lanes, count);
  for (int d = 0; d < s.dim; ++d) {
    const auto q = Floats::broadcast(s.query[d]);
    auto sum = Floats::zero();
    for (int h = d * s.lanes; h < (d + 1) * s.lanes; h += Floats::kLanes) {
      const auto grad = Floats::load(s.grad_scaled_columns + h);
      sum = Floats::fma(grad, Floats::load(s.product_columns + h), sum);
      Floats::store(sums + h, Floats::fma(grad, q, Floats::load(sums + h)));
    }
    s.grad_query[d] += Floats::sum(sum);
  }
}

void load_sample_backward(const DinInputs& in, const DinGradients& to, const Scratch& s,
                          int64_t sample) {
  load_sample(in, s, sample);
  for (int h = 0; h < s.hidden; ++h) {
    for (int d = h * s.width; d < (h + 1) * s.width; d += Floats::kLanes) {
      Floats::store(s.scaled + d, Floats::multiply(Floats::load(s.product + d),
                                                   Floats::load(s.query + d - h * s.width)));
    }
  }
  convert_row(row_of(to.out, sample, s.dim), s.dim, s.out);
  convert_row(row_of(static_cast<const void*>(to.query), sample, s.dim), s.dim, s.grad_query);
  convert_row(row_of(static_cast<const void*>(to.candidate), sample, s.hidden), s.hidden,
              s.grad_candidate);
}

// One sample on the loaded tile; returns what it adds to the gradient of the bias.
float backward_sample(const DinInputs& in, const DinGradients& to, const Scratch& s, int64_t sample,
                      int keys, float* product_sums) {
  load_sample_backward(in, to, s, sample);
  hidden_inputs(s, keys);
  const float grad_bias = weight_gradients(s, keys);
  activation_gradients(s, keys, *static_cast<const float*>(in.bias));
  multiply<Into::kAdd>(Rows{s.weights, 1}, s.out, s.width, s.grad_keys, s.width, keys, s.width, 1);
  multiply<Into::kAdd>(Rows{s.z, s.lanes}, s.scaled, s.width, s.grad_keys, s.width, keys, s.width,
                       s.hidden);
  product_gradients(s, keys, product_sums);
  store_row(s.grad_query, 1.0f, s.dim, row_of(to.query, sample, s.dim));
  store_row(s.grad_candidate, 1.0f, s.hidden, row_of(to.candidate, sample, s.hidden));
  return grad_bias;
}

float backward_row(const DinShape& shape, const DinInputs& in, const DinGradients& to,
                   const Scratch& s, int64_t row, float* product_sums) {
  const int64_t begin = shape.key_offsets[row], end = shape.key_offsets[row + 1];
  const int64_t first_place = shape.sample_offsets[row], last_place = shape.sample_offsets[row + 1];
  float grad_bias = 0;
  for (int64_t place = first_place; place < last_place; ++place) {
    clear(row_of(to.query, shape.samples[place], s.dim), s.dim);
    clear(row_of(to.candidate, shape.samples[place], s.hidden), s.hidden);
  }
  for (int64_t first = begin; first < end; first += kTileKeys) {
    const int keys = end - first < kTileKeys ? static_cast<int>(end - first) : kTileKeys;
    load_tile(in, s, first, keys);
    clear(s.grad_keys, keys * s.width);
    clear(s.grad_user, keys * s.lanes);
    for (int64_t place = first_place; place < last_place; ++place) {
      grad_bias += backward_sample(in, to, s, shape.samples[place], keys, product_sums);
    }
    for (int i = 0; i < keys; ++i) {
      store_row(s.grad_keys + i * s.width, 1.0f, s.dim, row_of(to.keys, first + i, s.dim));
      store_row(s.grad_user + i * s.lanes, 1.0f, s.hidden, row_of(to.user, first + i, s.hidden));
    }
  }
  return grad_bias;
}

// `memory` holds, behind the scratch, the part's gradient of product by columns.
void backward_rows(const DinShape& shape, const DinInputs& in, const DinGradients& to, float* sums,
                   const DinRange& rows, float* memory) {
  if (rows.begin >= rows.end) return;
  const Scratch s(shape, memory);
  float* const product_sums = s.out + kDinSamples * s.width;
  load_weights(in, s);
  clear(product_sums, s.dim * s.lanes);
  clear(s.grad_score, s.lanes);
  float grad_bias = 0;
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    grad_bias += backward_row(shape, in, to, s, row, product_sums);
  }
  for (int h = 0; h < s.hidden; ++h) {
    for (int d = 0; d < s.dim; ++d) sums[h * s.dim + d] = product_sums[d * s.lanes + h];
    sums[s.hidden * s.dim + h] = s.grad_score[h];
  }
  sums[s.hidden * s.dim + s.hidden] = grad_bias;
}

}  // namespace
}  // namespace onefold
