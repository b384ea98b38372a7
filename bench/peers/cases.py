# SPDX-License-Identifier: Apache-2.0
"""What is compared. Shapes are FBGEMM's own benchmarks', cut to what two cores finish in a second."""
import dataclasses
import logging
from typing import Callable

logging.disable(logging.WARNING)  # TorchRec's imports warn about Torch's

import fbgemm_gpu  # noqa: E402, F401  registers torch.ops.fbgemm
import torch  # noqa: E402
from fbgemm_gpu.split_table_batched_embeddings_ops_training import (  # noqa: E402
    ComputeDevice,
    EmbeddingLocation,
    OptimType,
    SplitTableBatchedEmbeddingBagsCodegen,
)
from torchrec import EmbeddingBagCollection, EmbeddingBagConfig, KeyedJaggedTensor  # noqa: E402

import onefold  # noqa: E402


@dataclasses.dataclass
class Case:
    name: str
    ours: Callable  # gives the answer, a tensor or a list of them
    other: Callable  # gives the same
    aim: float
    time_ours: Callable | None = None  # timed instead of `ours`, whose answer is expanded for comparison


def random_lengths(draw, count, longest):
    return torch.randint(0, longest + 1, (count,), generator=draw, dtype=torch.int32)


def offsets_of(lengths):
    offsets = torch.zeros(lengths.numel() + 1, dtype=torch.int32)
    torch.cumsum(lengths, 0, dtype=torch.int32, out=offsets[1:])
    return offsets


def select_rows_case(small):
    """Rows of vectors, one key."""
    draw = torch.Generator().manual_seed(1)
    num_rows, num_samples, longest, width = (32, 64, 10, 8) if small else (1024, 4096, 100, 64)
    lengths = random_lengths(draw, num_rows, longest)
    picked = torch.randint(0, num_rows, (num_samples,), generator=draw)
    index = onefold.fold_index(picked.int(), num_rows)
    offsets = offsets_of(lengths)
    total = int(lengths[picked].sum())
    values = torch.randn(int(offsets[-1]), width, generator=draw).requires_grad_()
    grad = torch.randn(total, width, generator=draw)

    def ours():
        return onefold.jagged_index_select(values, offsets, index, num_out_values=total).values

    def other():
        return torch.ops.fbgemm.jagged_index_select(values, lengths, picked, total)[0]

    def with_gradient(select):
        return lambda: torch.autograd.grad(select(), values, grad)[0]

    shape = f"1 key, {num_rows} -> {num_samples} rows to {longest} x {width} float32"
    yield Case(f"jagged_index_select, {shape}", no_grad(ours), no_grad(other), 1.0)
    yield Case("jagged_index_select, the same, forward and backward", with_gradient(ours), with_gradient(other), 1.0)


def select_keys_case(small):
    """Ids of many keys; FBGEMM's op for many keys at once is for CUDA only, so key by key there."""
    draw = torch.Generator().manual_seed(2)
    num_keys, num_rows, num_samples, longest = (3, 8, 16, 10) if small else (40, 1024, 4096, 100)
    lengths = random_lengths(draw, num_keys * num_rows, longest)
    offsets = offsets_of(lengths)
    picked = torch.arange(num_samples) * num_rows // num_samples  # samples of a session side by side
    index = onefold.fold_index(picked.int(), num_rows)
    values = torch.randint(0, 1 << 40, (int(offsets[-1]),), generator=draw)
    bounds = offsets[::num_rows].tolist()
    by_key = [(values[a:b].unsqueeze(1), each) for a, b, each in zip(bounds, bounds[1:], lengths.split(num_rows))]
    total = int(lengths.view(num_keys, num_rows)[:, picked].sum())

    def ours():
        return onefold.jagged_index_select(values, offsets, index, num_out_values=total).values

    def other():
        select = torch.ops.fbgemm.jagged_index_select
        return torch.cat([select(of_key, each, picked)[0] for of_key, each in by_key]).squeeze(1)

    yield Case(f"jagged_index_select, {num_keys} keys of int64 ids, rows to {longest}", ours, other, 1.0)


def expand_case(small):
    draw = torch.Generator().manual_seed(3)
    num_rows, num_samples, width = (8, 32, 16) if small else (1024, 4096, 2560)
    picked = torch.randint(0, num_rows, (num_samples,), generator=draw)
    index = onefold.fold_index(picked.int(), num_rows)
    unique = torch.randn(num_rows, width, generator=draw).requires_grad_()
    grad = torch.randn(num_samples, width, generator=draw)

    def ours():
        return onefold.expand(unique, index)

    def other():
        flat = torch.ops.fbgemm.batch_index_select_dim0(
            unique.flatten(), picked, [num_samples], [num_rows], [width], False
        )
        return flat.view(num_samples, width)

    def with_gradient(select):
        return lambda: torch.autograd.grad(select(), unique, grad)[0]

    yield Case(
        f"expand / batch_index_select_dim0, {num_rows} -> {num_samples} rows of {width}",
        no_grad(ours),
        no_grad(other),
        1.0,
    )
    yield Case("expand, the same, forward and backward", with_gradient(ours), with_gradient(other), 1.0)


def no_grad(function):
    return torch.no_grad()(function)


class Bags:
    """Pooled features over U unique rows, and the same over B = factor * U samples: in order of their
    sessions, or as they arrive."""

    def __init__(self, small, factor, arrival=False):
        draw = torch.Generator().manual_seed(4)
        self.tables, self.table_rows, self.width, longest = (2, 50, 8, 3) if small else (10, 100_000, 64, 40)
        self.samples = 64 if small else 4096
        self.factor = factor
        self.unique_rows = self.samples // factor
        order = torch.randperm(self.samples, generator=draw) if arrival else torch.arange(self.samples)
        self.inverse = order // factor
        self.lengths = [random_lengths(draw, self.unique_rows, longest) for _ in range(self.tables)]
        self.ids = [
            (torch.rand(int(each.sum()), generator=draw) ** 3 * self.table_rows).long() for each in self.lengths
        ]
        self.offsets = [offsets_of(each) for each in self.lengths]
        self.index = onefold.fold_index(self.inverse.int(), self.unique_rows)
        self.ranges = [(t * self.table_rows, self.table_rows) for t in range(self.tables)]
        self.weights = torch.randn(self.tables * self.table_rows, self.width, generator=draw)

    def per_sample(self):
        """Ids and lengths of every table with the row of each sample written out."""
        repeated = [
            onefold.jagged_index_select(ids, offsets, self.index)
            for ids, offsets in zip(self.ids, self.offsets)
        ]
        return torch.cat([rows.values for rows in repeated]), torch.cat([rows.offsets.diff() for rows in repeated])

    def lookup(self, weights, optimizer=None):
        return onefold.embedding_bag(weights, self.ids, self.offsets, tables=self.ranges, optimizer=optimizer)


def collection_case(small, factor, arrival=False):
    """The forward of TorchRec's EmbeddingBagCollection. In order of their sessions, the samples of a row
    find its table rows in the first-level cache; as they arrive, they read them again."""
    bags = Bags(small, factor, arrival)
    names = [f"f{t}" for t in range(bags.tables)]
    collection = EmbeddingBagCollection(
        tables=[
            EmbeddingBagConfig(name=f"t{t}", embedding_dim=bags.width, num_embeddings=bags.table_rows, feature_names=[f])
            for t, f in enumerate(names)
        ]
    )
    with torch.no_grad():
        for table, rows in zip(collection.parameters(), bags.weights.split(bags.table_rows)):
            table.copy_(rows)
    values, lengths = bags.per_sample()

    def other():
        return collection(KeyedJaggedTensor(names, values, lengths=lengths)).values()

    yield Case(
        f"EmbeddingBagCollection, {bags.tables} tables, forward, bags {factor} times"
        + (", as they arrive" if arrival else ""),
        no_grad(lambda: onefold.expand(bags.lookup(bags.weights), bags.index)),
        no_grad(other),
        1.0 if factor == 1 else 0.8 * factor,
        time_ours=no_grad(lambda: bags.lookup(bags.weights)),
    )


def training_case(small, factor):
    """Forward, backward and row-wise Adagrad in FBGEMM's table-batched lookup. The answer that is
    compared is the first table after one step."""
    bags = Bags(small, factor)
    spec = (bags.table_rows, bags.width, EmbeddingLocation.HOST, ComputeDevice.CPU)
    theirs = SplitTableBatchedEmbeddingBagsCodegen(
        [spec] * bags.tables, optimizer=OptimType.EXACT_ROWWISE_ADAGRAD, learning_rate=0.1, eps=1e-8
    )
    for table, rows in zip(theirs.split_embedding_weights(), bags.weights.split(bags.table_rows)):
        table.copy_(rows)
    ours = torch.nn.Parameter(bags.weights.clone())
    fused = onefold.FusedOptimizer.of(ours, "row_wise_adagrad", 0.1)
    values, lengths = bags.per_sample()
    offsets = offsets_of(lengths).long()
    grad = torch.randn(bags.unique_rows, bags.tables * bags.width)
    # What the samples of a row send back adds up to the row's gradient, as expand's backward does.
    sample_grad = grad[bags.inverse] / factor

    def our_step():
        bags.lookup(ours, fused).backward(grad)
        return ours.detach()[: bags.table_rows]

    def their_step():
        theirs(values, offsets).backward(sample_grad)
        return theirs.split_embedding_weights()[0]

    yield Case(
        f"TableBatchedEmbeddingBags, row-wise Adagrad step, bags {factor} times",
        our_step,
        their_step,
        1.0 if factor == 1 else 0.8 * factor,
    )


def all_cases(small):
    for make in (select_rows_case, select_keys_case, expand_case):
        yield from make(small)
    for factor in (1, 4, 16):
        yield from collection_case(small, factor)
        if factor > 1:
            yield from collection_case(small, factor, arrival=True)
    for factor in (1, 4, 16):
        yield from training_case(small, factor)
