# SPDX-License-Identifier: Apache-2.0
"""torch.library.opcheck of every op: schema, autograd, fake tensors, tracing with dynamic shapes."""
import cases
import pytest
import torch

import onefold

OPS = torch.ops.onefold


def floats(*shapes, dtype):
    return [torch.randn(*shape, dtype=dtype, requires_grad=True) for shape in shapes]


def attention_tensors(batch, dtype):
    shape = batch.num_values, 2, 4
    return floats((len(batch.inverse), 2, 4), shape, shape, dtype=dtype)


def sorted_lookup(batch):
    ids, tables = cases.ids_of(batch)
    return ids, onefold.sort_ids(ids, tables, 11)


def bag_arguments(batch):
    ids, _ = sorted_lookup(batch)
    num_rows, num_ids = len(batch.lengths), [feature.numel() for feature in ids]
    bags = [[batch.offsets, batch.offsets], num_ids, [0, 1, 2 * num_rows], [2, 2, 1]]
    return [*bags, 2 * num_rows + num_ids[2]]


def samples(batch, dtype):
    """(op, arguments) of every op that is called from Python, and of what they are made of."""
    index, offsets = batch.index, batch.offsets
    num_rows, num_values = len(batch.lengths), batch.num_values
    longest = max(batch.lengths, default=0)
    query, key, value = attention_tensors(batch, dtype)
    yield OPS.index_csr, (index.inverse_indices, num_rows)
    if not offsets.is_cuda:
        yield OPS.fold, (torch.arange(num_values) % 2, offsets, num_rows)
    yield OPS.expand, (*floats((num_rows, 3), dtype=dtype), *index)
    yield OPS.expand_backward, (*floats((len(batch.inverse), 3), dtype=dtype), *index)
    yield OPS.folded_attention, (query, key, value, offsets, index.offsets, index.members)
    yield OPS.jagged_self_attention, (*floats(*[(num_values, 2, 4)] * 3, dtype=dtype), offsets, longest)
    linear = floats((num_rows, 4), (len(batch.inverse), 2), (6, 6), (6,), dtype=dtype)
    yield OPS.folded_linear, (*linear, *index)
    starts = torch.zeros_like(index.inverse_indices)
    windows = offsets, starts, offsets.diff()[index.inverse_indices], *index, True
    yield OPS.window_pool, (*floats((num_values, 3), dtype=dtype), *windows)
    windows_of_rows = offsets[:-1].contiguous(), offsets[1:].contiguous(), num_values
    yield OPS.window_plan, windows_of_rows
    masks = torch.randint(-(2**62), 2**62, (num_values, 2))
    ids = torch.randint(-1, 4, (2, num_values))
    plan = list(onefold.window_plan(*windows_of_rows))
    tables = floats((4, 8), (7, 8), dtype=dtype)
    slices = [0, 1], masks, torch.rand(num_values), [0, 3, 66], [1, 65], plan
    yield OPS.multi_slice_pool, (tables, ids, *slices)


def select_samples(batch, dtype):
    index, num_rows = batch.index, max(1, len(batch.lengths))
    offsets = cases.offsets_of(batch.lengths * 2)
    out_offsets = onefold.jagged_select_offsets(offsets, index)
    num_in, num_out = int(offsets[-1]), int(out_offsets[-1])
    rest = offsets, index.inverse_indices, out_offsets, index.offsets, index.members
    yield OPS.jagged_select_offsets, (offsets, index.inverse_indices, num_rows)
    yield OPS.jagged_index_select, (*floats((num_in, 3), dtype=dtype), *rest, num_out)
    yield OPS.jagged_index_select_backward, (*floats((num_out, 3), dtype=dtype), *rest, num_in)


def embedding_samples(batch, dtype):
    (weights,) = floats((11, 4), dtype=dtype)
    _, found = sorted_lookup(batch)
    bags = bag_arguments(batch)
    yield OPS.embedding_bag, (weights, [], None, None, *found, *bags)
    yield OPS.embedding_bag, (weights, [], None, None, *found, *bags, None, True)
    plain = weights.detach()
    forward = plain, found.rows, found.sorted_positions, *bags, None, True
    yield OPS.embedding_forward, forward
    yield OPS.embedding_forward, (plain, found.rows, None, *bags, None, True, False)
    out, id_out, id_scale = OPS.embedding_forward(*forward)
    yield OPS.embedding_gradient, (out, *found[1:], id_out, id_scale, 11, dtype)
    if dtype == torch.float32:
        each = torch.rand(found.rows.numel(), requires_grad=True)
        yield OPS.embedding_bag, (weights, [], None, None, *found, *bags, each)
        yield OPS.id_weight_gradient, (out, plain, found.rows, id_out)
        adam = onefold.FusedOptimizer.of(plain, "adam", 0.1)
        state = plain, adam.state, adam.step, adam.learning_rate
        yield OPS.embedding_update, (out, *state, *found[1:], id_out, id_scale, 4, 1e-8, 0.9, 0.99, False, 0)


@pytest.mark.parametrize(
    "batch, dtype",
    [("shared_rows", torch.float32), ("shared_rows", torch.float64),
     ("empty_rows_used", torch.float32), ("no_rows", torch.float32)],
)  # fmt: skip
@pytest.mark.parametrize("group", [samples, select_samples, embedding_samples], ids=lambda g: g.__name__)
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_opcheck(device, group, batch, dtype):
    with cases.device(device):
        for op, arguments in group(cases.BATCHES[batch], dtype):
            torch.library.opcheck(op.default, arguments)


# Distinct ids: with repeats the end of run_offsets is not written, and opcheck compares all of it.
@pytest.mark.parametrize("num_ids", [0, 1, 5])
def test_opcheck_id_sort(num_ids):
    ids = [torch.arange(num_ids).flip(0), torch.arange(3)]
    torch.library.opcheck(OPS.id_sort.default, (ids, [0, 5], [5, 4], 9))
    torch.library.opcheck(OPS.id_rows.default, (ids, [0, 5], [5, 4]))


def test_every_op_is_checked():
    batch = cases.BATCHES["shared_rows"]
    groups = samples, select_samples, embedding_samples
    checked = {str(op).split(".")[-1] for group in groups for op, _ in group(batch, torch.float32)}
    ours = {
        schema.name.removeprefix("onefold::")
        for schema in torch._C._jit_get_all_schemas()
        if schema.name.startswith("onefold::")
    }
    inside = {"_folded_attention", "_folded_attention_backward", "_multi_slice_pool",
              "_multi_slice_pool_backward", "window_pool_backward"}  # fmt: skip
    assert ours - checked - inside == {"id_sort", "id_rows"}
