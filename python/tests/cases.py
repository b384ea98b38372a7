# SPDX-License-Identifier: Apache-2.0
"""Every function of the package beside the same in plain PyTorch, over a few small batches."""
import contextlib
import math
from typing import Callable, NamedTuple

import pytest
import torch

import onefold
from onefold import _build


def ints(*values):
    return torch.tensor(values, dtype=torch.int32)


def offsets_of(lengths):
    return torch.tensor([0, *torch.tensor(lengths).cumsum(0).tolist()], dtype=torch.int32)


@contextlib.contextmanager
def device(name):
    """New tensors are made there."""
    if name == "cuda" and not (torch.cuda.is_available() and _build.HAS_CUDA):
        pytest.skip("no CUDA device, or onefold was built without CUDA")
    torch.manual_seed(1)
    with torch.device(name):
        yield


class Batch(NamedTuple):
    """U jagged rows and the samples that use them."""

    lengths: list[int]
    inverse: list[int]

    @property
    def offsets(self):
        return offsets_of(self.lengths)

    @property
    def index(self):
        return onefold.fold_index(ints(*self.inverse), len(self.lengths))

    @property
    def num_values(self):
        return sum(self.lengths)

    def row(self, u):
        return slice(sum(self.lengths[:u]), sum(self.lengths[: u + 1]))


BATCHES = {
    "shared_rows": Batch([2, 0, 3, 1], [0, 3, 3, 0, 2, 0]),
    "empty_rows_used": Batch([0, 2, 0], [0, 1, 2, 1]),
    "one_row": Batch([9], [0] * 17),
    "no_rows": Batch([], []),
}


class Case(NamedTuple):
    function: Callable  # of the inputs
    reference: Callable  # of the inputs
    inputs: list[torch.Tensor]


def stacked(rows, *shape, like):
    return torch.stack(rows) if rows else like.new_zeros(0, *shape)


# Index tensors are made before the functions: a graph does not know of cases.device().


def expand(batch, dtype):
    index = batch.index
    return Case(
        lambda x: onefold.expand(x, index),
        lambda x: x[batch.inverse],
        [torch.randn(len(batch.lengths), 2, 3, dtype=dtype)],
    )


def jagged_index_select(batch, dtype):
    # Two keys; the second has its rows in reverse.
    lengths = batch.lengths + batch.lengths[::-1]
    num_rows, bounds = len(batch.lengths), offsets_of(lengths).tolist()
    picked = [key * num_rows + u for key in range(2) for u in batch.inverse]
    total = sum(lengths[row] for row in picked)
    offsets, index = offsets_of(lengths), batch.index

    def function(values):
        return onefold.jagged_index_select(values, offsets, index, num_out_values=total).values

    def reference(values):
        return torch.cat([values[:0], *(values[bounds[r] : bounds[r + 1]] for r in picked)])

    return Case(function, reference, [torch.randn(sum(lengths), 3, dtype=dtype)])


def attend(query, key, value, scale):
    return torch.einsum("hn,nhd->hd", (scale * torch.einsum("hd,nhd->hn", query, key)).softmax(1), value)


def folded_attention(batch, dtype):
    offsets, index = batch.offsets, batch.index

    def reference(query, key, value):
        rows = []
        for i, u in enumerate(batch.inverse):
            rows.append(attend(query[i], key[batch.row(u)], value[batch.row(u)], 1 / math.sqrt(5)))
        return stacked(rows, 2, 5, like=query)

    return Case(
        lambda query, key, value: onefold.folded_attention(query, key, value, offsets, index),
        reference,
        [torch.randn(n, 2, 5, dtype=dtype) for n in (len(batch.inverse), *[batch.num_values] * 2)],
    )


def jagged_self_attention(batch, dtype):
    offsets, longest = batch.offsets, max(batch.lengths, default=0)

    def reference(query, key, value):
        rows = []
        for u, length in enumerate(batch.lengths):
            begin = batch.row(u).start
            for i in range(begin, begin + length):
                rows.append(attend(query[i], key[begin : i + 1], value[begin : i + 1], 0.3))
        return stacked(rows, 2, 4, like=query)

    def function(query, key, value):
        return onefold.jagged_self_attention(query, key, value, offsets, longest, scale=0.3, causal=True)

    return Case(function, reference, [torch.randn(batch.num_values, 2, 4, dtype=dtype) for _ in "qkv"])


def folded_linear(batch, dtype):
    index = batch.index
    shapes = [(len(batch.lengths), 4), (len(batch.inverse), 2), (6, 6), (6,)]

    def reference(user, candidate, weight, bias):
        return torch.cat([user[batch.inverse], candidate], 1) @ weight.T + bias

    return Case(
        lambda user, candidate, weight, bias: onefold.folded_linear(user, candidate, weight, bias, index),
        reference,
        [torch.randn(*shape, dtype=dtype) for shape in shapes],
    )


def window_pool(batch, dtype):
    lengths = [(7 * i) % (batch.lengths[u] + 1) for i, u in enumerate(batch.inverse)]
    starts = [batch.lengths[u] - length for u, length in zip(batch.inverse, lengths)]

    offsets, index = batch.offsets, batch.index
    windows = ints(*starts), ints(*lengths)

    def function(values):
        return onefold.window_pool(values, offsets, *windows, index, mean=True)

    def reference(values):
        rows = []
        for u, start, length in zip(batch.inverse, starts, lengths):
            begin = batch.row(u).start + start
            rows.append(values[begin : begin + length].sum(0) / max(1, length))
        return stacked(rows, 3, like=values)

    return Case(function, reference, [torch.randn(batch.num_values, 3, dtype=dtype)])


def ids_of(batch):
    """Two pooled features of the batch's lengths and a sequence, into tables of 6 and 5 rows."""
    first = torch.arange(batch.num_values) * 5 % 6
    return [first, (first + 1) % 5, first.flip(0)], [(0, 6), (6, 5), (0, 6)]


def embedding_lookup(batch, dtype, mean=False):
    ids, tables = ids_of(batch)
    bags = [(ids[0], batch.offsets), (ids[1], batch.offsets)]

    def function(weights):
        pooled, sequences = onefold.embedding_lookup(weights, bags, ids[2:], tables=tables, mean=mean)
        return torch.cat([pooled.reshape(-1), sequences[0].reshape(-1)])

    def reference(weights):
        parts = []
        for u, length in enumerate(batch.lengths):
            for feature, (begin, rows) in zip(ids[:2], tables):
                found = weights[begin : begin + rows][feature[batch.row(u)]].sum(0)
                parts.append(found / max(1, length) if mean else found)
        return torch.cat([*parts, weights[ids[2]].reshape(-1)])

    return Case(function, reference, [torch.randn(11, 4, dtype=dtype)])


def embedding_bag_mean(batch, dtype):
    return embedding_lookup(batch, dtype, mean=True)


def multi_slice_pool(batch, dtype):
    # 3 + 63 slices of two groups, the second in the second table; windows of the batch's rows.
    num_events, slice_offsets = batch.num_values, [0, 3, 66]
    ids = torch.randint(-1, 4, (2, num_events))
    masks = torch.randint(-(2**62), 2**62, (num_events, 2))
    weights = torch.rand(num_events)
    windows = batch.offsets[:-1].clone(), batch.offsets[1:].clone()

    def function(*tables):
        return onefold.multi_slice_pool(
            tables, ids, masks, onefold.window_plan(*windows, num_events),
            id_columns=[0, 1], slice_offsets=slice_offsets, weights=weights, weighted_slices=[1, 65],
        )  # fmt: skip

    def reference(*tables):
        rows = [
            slice_mean(tables[s >= 3], ids[int(s >= 3), batch.row(u)], masks[batch.row(u), s // 64] >> s % 64 & 1,
                       weights[batch.row(u)] if s in (1, 65) else torch.ones(length))
            for u, length in enumerate(batch.lengths) for s in range(66)
        ]  # fmt: skip
        return stacked(rows, 8, like=tables[0]).view(-1, 66, 8)

    return Case(function, reference, [torch.randn(rows, 8, dtype=dtype) for rows in (4, 7)])


def slice_mean(table, ids, in_slice, weights):
    weight = (weights * in_slice * (ids >= 0)).to(table.dtype)
    total = weight.sum()
    return weight @ table[ids.clamp_min(0)] / (total if total > 0 else 1)


CASES = {
    function.__name__: function
    for function in (
        expand,
        jagged_index_select,
        folded_attention,
        jagged_self_attention,
        folded_linear,
        window_pool,
        embedding_lookup,
        embedding_bag_mean,
        multi_slice_pool,
    )
}
