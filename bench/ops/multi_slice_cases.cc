// SPDX-License-Identifier: Apache-2.0
// multi_slice_pool at DV365's size: 40,000 events a user, 200 slices in 8 table groups, 256 columns
// of 16 bits. Every event is in a tenth of the slices at random, so nearly every group sees it. The
// floor gathers each row once: over the copy bandwidth on CUDA; on the CPU over the bandwidth of a
// loop that only reads the same rows, or over the vector rate, whichever takes longer.
#include <atomic>
#include <chrono>

#include "ops/cases.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "onefold/ops/multi_slice_pool.h"
#include "onefold/ops/window_pool.h"

namespace onefold {
namespace {

using at::Tensor;

constexpr int64_t kGroups = 8, kSlicesPerGroup = 25, kSlices = kGroups * kSlicesPerGroup;
constexpr int64_t kDim = 256;

struct Tensors {
  TimelineSlices timeline;
  Tensor begin, end;         // one window a user
  WindowPlan plan;            // of the windows
  std::vector<Tensor> rows;  // of each group: the rows it needs, in order; int64
  double additions = 0;      // rows added to slices

  double rows_needed() const {
    double count = 0;
    for (const Tensor& group : rows) count += double(group.numel());
    return count;
  }
};

void set_windows(Tensors& t, const Tensor& begin, const Tensor& end) {
  t.begin = begin;
  t.end = end;
  t.plan = make_window_plan(begin, end, t.timeline.ids.size(1));
}

// Four 64-bit words of 200 random bits.
Tensor make_masks(int64_t num_events) {
  const Tensor bits = at::rand({num_events, kSlices}).lt(0.1);
  const Tensor padded = at::constant_pad_nd(bits, {0, 256 - kSlices}).view({num_events, 4, 64});
  const Tensor places = at::arange(64, at::kLong);
  return at::bitwise_left_shift(padded.to(at::kLong), places).sum(2);
}

Tensors make(at::Device device, int64_t users, int64_t events_per_user, int64_t table_rows) {
  const int64_t events = users * events_per_user;
  const auto options = at::TensorOptions(device);
  Tensors t;
  TimelineSlices& timeline = t.timeline;
  const Tensor masks = make_masks(events);
  const Tensor ids = at::randint(table_rows, {kGroups, events}, at::kLong);
  timeline.slice_offsets = {0};
  for (int64_t g = 0; g < kGroups; ++g) {
    timeline.tables.push_back(at::randn({table_rows, kDim}, options.dtype(at::kBFloat16)));
    timeline.id_columns.push_back(g);
    timeline.slice_offsets.push_back((g + 1) * kSlicesPerGroup);
    Tensor counts = at::zeros({events}, at::kLong);
    for (int64_t s = g * kSlicesPerGroup; s < (g + 1) * kSlicesPerGroup; ++s) {
      counts += at::bitwise_right_shift(masks.select(1, s / 64), s % 64).bitwise_and(1);
    }
    t.additions += counts.sum().item<double>();
    t.rows.push_back(ids[g].masked_select(counts.gt(0)));
  }
  timeline.ids = ids.to(device);
  timeline.masks = masks.contiguous().to(device);
  t.begin = at::arange(0, events, events_per_user, options.dtype(at::kInt));
  t.end = t.begin + static_cast<int32_t>(events_per_user);
  set_windows(t, t.begin, t.end);
  return t;
}

// What there is without the op: every slice a list of ids, one embedding_bag a table.
struct Bags {
  std::vector<Tensor> ids, offsets;
};
Bags make_bags(const Tensors& t, int64_t events_per_user) {
  const Tensor masks = t.timeline.masks.cpu(), ids = t.timeline.ids.cpu();
  Bags bags;
  for (int64_t g = 0; g < kGroups; ++g) {
    std::vector<Tensor> lists, lengths = {at::zeros({1}, at::kLong)};
    for (int64_t user = 0; user < t.begin.numel(); ++user) {
      for (int64_t s = g * kSlicesPerGroup; s < (g + 1) * kSlicesPerGroup; ++s) {
        const Tensor has = at::bitwise_right_shift(
            masks.narrow(0, user * events_per_user, events_per_user).select(1, s / 64), s % 64);
        const Tensor list = ids[g]
                                .narrow(0, user * events_per_user, events_per_user)
                                .masked_select(has.bitwise_and(1).to(at::kBool));
        lengths.push_back(at::full({1}, list.numel(), at::kLong));
        lists.push_back(list);
      }
    }
    bags.ids.push_back(at::cat(lists).to(t.begin.device()));
    const Tensor offsets = at::cat(lengths).cumsum(0);
    bags.offsets.push_back(offsets.narrow(0, 0, offsets.numel() - 1).to(t.begin.device()));
  }
  return bags;
}
std::vector<Tensor> pool_bags(const Tensors& t, const Bags& bags) {
  constexpr int64_t kMean = 1;
  std::vector<Tensor> out;
  for (int64_t g = 0; g < kGroups; ++g) {
    out.push_back(std::get<0>(
        at::embedding_bag(t.timeline.tables[g], bags.ids[g], bags.offsets[g], false, kMean)));
  }
  return out;
}

double best_ms(const std::function<void()>& run) {
  double best = 1e30;
  for (int i = 0; i < 5; ++i) {
    const auto start = std::chrono::steady_clock::now();
    run();
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
    best = std::min(best, time.count());
  }
  return best;
}

// Reads each needed row once, all threads, prefetching ahead: what gathering costs here.
double gather_ms(const Tensors& t) {
  std::vector<const char*> rows;
  for (int64_t g = 0; g < kGroups; ++g) {
    const char* table = static_cast<const char*>(t.timeline.tables[g].const_data_ptr());
    const int64_t* ids = t.rows[g].const_data_ptr<int64_t>();
    for (int64_t i = 0; i < t.rows[g].numel(); ++i) rows.push_back(table + ids[i] * kDim * 2);
  }
  std::atomic<int64_t> sink = 0;
  return best_ms([&] {
    at::parallel_for(0, static_cast<int64_t>(rows.size()), 4096, [&](int64_t begin, int64_t end) {
      int64_t sum = 0;
      for (int64_t i = begin; i < end; ++i) {
        if (i + 32 < end) {
          for (int line = 0; line < 8; ++line) __builtin_prefetch(rows[i + 32] + 64 * line, 0, 2);
        }
        const auto* words = reinterpret_cast<const int64_t*>(rows[i]);
        for (int word = 0; word < 64; ++word) sum += words[word];
      }
      sink += sum;
    });
  });
}

// Twice the additions that a matrix product does in the same time (it fuses them with products).
double vector_ms(const Tensors& t) {
  const Tensor a = at::randn({1024, 1024}), b = at::randn({1024, 1024});
  const double multiply_ms = best_ms([&] { at::mm(a, b); });
  return t.additions * kDim / (1024.0 * 1024 * 1024 / multiply_ms);
}

Tensor pool(const Tensors& t) { return multi_slice_pool(t.timeline, t.plan); }

bool close(const Tensor& a, const Tensor& b, double tolerance) {
  const Tensor x = a.to(at::kFloat), y = b.to(at::kFloat);
  return ((x - y).norm() / y.norm()).item<float>() < tolerance;
}

Case forward(at::Device device, int64_t users, int64_t events_per_user, int64_t table_rows) {
  const Tensors t = make(device, users, events_per_user, table_rows);
  const Bags bags = make_bags(t, events_per_user);
  Case c;
  c.name = "multi_slice_pool, " + std::to_string(users) + " users x " +
           std::to_string(events_per_user) + " events";
  c.bytes = t.rows_needed() * kDim * 2 + double(t.timeline.ids.nbytes()) +
            double(t.timeline.masks.nbytes()) + double(users * kSlices * kDim * 2);
  if (device.is_cuda()) {
    c.floor_aim = 0.6;
  } else {
    c.floor_ms = std::max(gather_ms(t), vector_ms(t));
    c.floor_aim = 0.5;
  }
  c.check = [=] {
    Tensors wide = t;  // embedding_bag may add up in the table's type
    for (Tensor& table : wide.timeline.tables) table = table.to(at::kFloat);
    const Tensor ours = pool(t).view({users, kGroups, kSlicesPerGroup, kDim});
    const std::vector<Tensor> want = pool_bags(wide, bags);
    for (int64_t g = 0; g < kGroups; ++g) {
      if (!close(ours.select(1, g).reshape({-1, kDim}), want[g], 5e-3)) return false;
    }
    return true;
  };
  c.ours = [t] { pool(t); };
  c.other_name = "at::embedding_bag, a list of ids a slice";
  c.other = [t, bags] { pool_bags(t, bags); };
  return c;
}

// The same number of events in one long timeline and in many short ones.
Case linear(at::Device device, int64_t long_events, int64_t short_events, int64_t table_rows) {
  const int64_t users = long_events / short_events;
  Tensors t = make(device, 1, users * short_events, table_rows), many = t;
  const Tensor begin = at::arange(0, users * short_events, short_events, t.begin.options());
  set_windows(many, begin, begin + static_cast<int32_t>(short_events));
  Case c;
  c.name = "multi_slice_pool, 1 user x " + std::to_string(users * short_events) + " events";
  c.check = [] { return true; };  // in the cases above
  c.ours = [t] { pool(t); };
  c.other_name = std::to_string(users) + " users x " + std::to_string(short_events);
  c.other = [many] { pool(many); };
  c.other_aim = 0.9;
  return c;
}

// Sixteen samples of each user, each with its own cut of the newest events.
Case windows(at::Device device, int64_t users, int64_t events_per_user, int64_t table_rows) {
  const Tensors t = make(device, users, events_per_user, table_rows);
  Tensors many = t;
  const Tensor cut = at::randint(0, events_per_user / 20, {users * 16}, t.begin.options());
  set_windows(many, t.begin.repeat_interleave(16), t.end.repeat_interleave(16) - cut);
  Case c;
  c.name = "multi_slice_pool, 16 windows a user, " + std::to_string(users) + " users";
  std::vector<Tensors> rounds(16, many);  // the i-th window of every user
  for (int64_t i = 0; i < 16; ++i) {
    const Tensor at = at::arange(i, users * 16, 16, many.begin.options());
    set_windows(rounds[i], many.begin.index_select(0, at), many.end.index_select(0, at));
  }
  c.check = [=] {
    return close(pool(many).view({users, 16, kSlices, kDim}).select(1, 15), pool(rounds[15]), 5e-3);
  };
  c.ours = [many] { pool(many); };
  c.other_name = "the windows one after another";
  c.other = [rounds] {
    for (const Tensors& round : rounds) pool(round);
  };
  c.other_aim = 4;
  return c;
}

// Windows of 256 over rows of 512, 16 a row, against gathering each window.
Case window_sums(at::Device device, int64_t num_rows) {
  const auto ints = at::TensorOptions(device).dtype(at::kInt);
  const Tensor values = at::randn({num_rows * 512, 64}, at::TensorOptions(device));
  const Tensor offsets = at::arange(0, num_rows * 512 + 1, 512, ints);
  const FoldIndex fold =
      make_fold_index(make_inverse(device, num_rows, num_rows * 16, true), num_rows);
  const Tensor starts = at::randint(0, 257, {num_rows * 16}, ints);
  const Tensor lengths = at::full({num_rows * 16}, 256, ints);
  const Tensor index = ((fold.inverse_indices * 512 + starts).unsqueeze(1) + at::arange(256, ints))
                           .to(at::kLong)
                           .flatten();
  const Tensor bags = at::arange(0, num_rows * 16 * 256, 256, ints.dtype(at::kLong));
  const auto ours = [=] { return window_pool(values, offsets, starts, lengths, fold, false); };
  const auto gathered = [=] {
    return std::get<0>(at::embedding_bag(values, index, bags, false, 0));
  };
  Case c;
  c.name = "window_pool, 16 windows of 256 a row";
  c.bytes = double(values.nbytes()) + num_rows * 16 * 64 * 4.0;
  c.check = [=] { return close(ours(), gathered(), 1e-5); };
  c.ours = [=] { ours(); };
  c.other_name = "at::embedding_bag over each window";
  c.other = [=] { gathered(); };
  return c;
}

}  // namespace

std::vector<CaseMaker> multi_slice_cases(at::Device device) {
  if (device.is_cuda()) {
    return {[=] { return forward(device, 8, 40000, 250000); },
            [=] { return forward(device, 256, 1000, 250000); },
            [=] { return linear(device, 280000, 70000, 250000); },
            [=] { return linear(device, 280000, 1000, 250000); },
            [=] { return windows(device, 4, 40000, 250000); },
            [=] { return window_sums(device, 4096); }};
  }
  return {[=] { return forward(device, 1, 40000, 100000); },
          [=] { return linear(device, 70000, 10000, 100000); },
          [=] { return linear(device, 40000, 1000, 100000); },
          [=] { return windows(device, 1, 10000, 100000); },
          [=] { return window_sums(device, 512); }};
}

}  // namespace onefold
