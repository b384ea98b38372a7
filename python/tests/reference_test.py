# SPDX-License-Identifier: Apache-2.0
"""Results and gradients against a few lines of plain PyTorch."""
import cases
import pytest
import torch

import onefold

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-6}  # slice weights are float32 throughout


def result_and_gradients(function, inputs):
    inputs = [x.clone().requires_grad_() for x in inputs]
    out = function(*inputs)
    seeds = torch.arange(1, out.numel() + 1, dtype=out.dtype).cos().view(out.shape)
    if out.requires_grad:  # the reference of no rows refers to nothing
        (out * seeds).sum().backward()
    return [out.detach(), *(torch.zeros_like(x) if x.grad is None else x.grad for x in inputs)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("batch", cases.BATCHES)
@pytest.mark.parametrize("name", cases.CASES)
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_equals_plain_pytorch(device, name, batch, dtype):
    with cases.device(device):
        case = cases.CASES[name](cases.BATCHES[batch], dtype)
        got = result_and_gradients(case.function, case.inputs)
        want = result_and_gradients(case.reference, case.inputs)
    assert len(got) == len(want)
    for ours, theirs in zip(got, want):
        torch.testing.assert_close(ours, theirs, atol=TOLERANCE[dtype], rtol=TOLERANCE[dtype])


def test_fold_of_the_worked_example():
    values = torch.tensor([7, 8, 7, 8, 10, 9, 9, 11])
    folded = onefold.fold(values, cases.ints(0, 2, 4, 5, 6, 7, 8), num_rows=3)
    assert folded.values.tolist() == [7, 8, 10, 9, 11]
    assert folded.offsets.tolist() == [0, 2, 3, 4, 5]
    assert folded.index.inverse_indices.tolist() == [0, 0, 1]
    assert folded.num_keys == 2
    ids, offsets = folded.key(1)
    assert ids.tolist() == [9, 11] and offsets.tolist() == [0, 1, 2]


@pytest.mark.parametrize("dtype", [torch.int64, torch.float32], ids=str)
def test_expand_of_fold_is_the_identity(dtype):
    generator = torch.Generator().manual_seed(2)
    lengths = torch.randint(0, 3, (3 * 50,), generator=generator)  # 3 keys, 50 rows
    offsets = cases.offsets_of(lengths.tolist())
    values = torch.randint(0, 2, (int(offsets[-1]),), generator=generator).to(dtype)
    folded = onefold.fold(values, offsets, 50)
    assert folded.index.num_unique < 50
    rows = onefold.jagged_index_select(folded.values, folded.offsets, folded.index)
    assert torch.equal(rows.values, values) and torch.equal(rows.offsets, offsets)


def test_fold_without_rows_or_keys():
    empty = onefold.fold(torch.empty(0, dtype=torch.int64), cases.ints(0), 0)
    assert empty.index.num_unique == empty.index.num_samples == 0
    keyless = onefold.fold(torch.empty(0, dtype=torch.int64), cases.ints(0), 4)
    assert keyless.index.num_unique == 1 and keyless.index.inverse_indices.tolist() == [0] * 4


@pytest.mark.parametrize(
    "offsets", [[0, 2, 1, 3], [1, 2, 3, 3], [0, 1, 2, 4], [0, 1, 3]], ids=lambda o: "_".join(map(str, o))
)
def test_fold_refuses_offsets_that_do_not_fit(offsets):
    with pytest.raises(RuntimeError, match="onefold::fold: .*offsets"):
        onefold.fold(torch.tensor([1, 2, 3]), cases.ints(*offsets), 3)


def test_fold_index_refuses_rows_that_are_not_there():
    with pytest.raises(ValueError, match="hold 0 to 2, expected 0 to 1"):
        onefold.fold_index(cases.ints(0, 2), 2)
    with pytest.raises(RuntimeError, match="must be int32"):
        onefold.fold_index(torch.tensor([0, 1]), 2)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_lookups_without_gradient_are_the_same_bits(device):
    with cases.device(device):
        bags = [(torch.tensor([5, 0, 9, -1, 2]), cases.ints(0, 2, 5)),  # 9 and -1 are outside
                (torch.tensor([3, 1, 2]), cases.ints(0, 0, 3))]  # fmt: skip
        sequences, tables = [torch.tensor([4, 4, 0, 7, 1])], [(0, 6), (6, 4), (0, 6)]
        weights = torch.randn(10, 4, requires_grad=True)
        trained = onefold.embedding_lookup(weights, bags, sequences, tables=tables)
        ids = [feature for feature, _ in bags] + sequences
        with torch.no_grad():
            for known in (None, onefold.sort_ids(ids, tables, 10)):
                out = onefold.embedding_lookup(weights, bags, sequences, tables=tables, sorted_ids=known)
                assert torch.equal(out[0], trained[0]) and torch.equal(out[1][0], trained[1][0])
                assert not out[0].requires_grad


def test_weighted_ids():
    batch = cases.BATCHES["shared_rows"]
    weights = torch.randn(6, 4, requires_grad=True)
    each = torch.rand(batch.num_values, requires_grad=True)
    ids = torch.tensor([5, 0, 5, 2, 2, 9])  # 9 is outside and looks up zeros
    out = onefold.embedding_bag(weights, [ids], [batch.offsets], id_weights=each)
    scaled = torch.cat([weights, weights.new_zeros(4, 4)])[ids] * each[:, None]
    want = torch.stack([scaled[batch.row(u)].sum(0) for u in range(4)])
    torch.testing.assert_close(out, want)
    grad = torch.randn_like(out)
    got = torch.autograd.grad(out, [weights, each], grad)
    torch.testing.assert_close(got, torch.autograd.grad(want, [weights, each], grad))


@pytest.mark.parametrize("kind", ["sgd", "adagrad"])
def test_fused_optimizers_step_as_torch_optim(kind):
    # Three steps that look every row up, so that torch.optim's dense steps are the same.
    start = torch.randn(6, 4)
    ids, offsets = torch.tensor([5, 0, 5, 2, 1, 3, 4]), cases.ints(0, 3, 3, 7)
    ours, theirs = (torch.nn.Parameter(start.clone()) for _ in range(2))
    fused = onefold.FusedOptimizer.of(ours, kind, 0.25, eps=1e-10)
    other = {"sgd": torch.optim.SGD, "adagrad": torch.optim.Adagrad}[kind]([theirs], lr=0.25)
    for _ in range(3):
        onefold.embedding_bag(ours, [ids], [offsets], optimizer=fused).sin().sum().backward()
        other.zero_grad()
        onefold.embedding_bag(theirs, [ids], [offsets]).sin().sum().backward()
        other.step()
    assert ours.grad is None and fused.step.item() == 3
    torch.testing.assert_close(ours, theirs)


def test_unknown_optimizer():
    with pytest.raises(ValueError, match="no optimizer 'lamb'; there are .*row_wise_adagrad"):
        onefold.FusedOptimizer.of(torch.zeros(2, 2), "lamb", 0.1)
