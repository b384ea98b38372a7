# SPDX-License-Identifier: Apache-2.0
"""torch.compile without graph breaks, and torch.export, through every function."""
import cases
import pytest
import torch
from reference_test import result_and_gradients

import onefold

BATCH = cases.BATCHES["shared_rows"]


@pytest.fixture(autouse=True)
def fresh_dynamo():
    torch._dynamo.reset()


def compiled(function, **settings):
    return torch.compile(function, fullgraph=True, **{"backend": "aot_eager", **settings})


class Module(torch.nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


@pytest.mark.parametrize("name", cases.CASES)
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_compiles(device, name):
    with cases.device(device):
        case = cases.CASES[name](BATCH, torch.float32)
        got = result_and_gradients(compiled(case.function), case.inputs)
        for ours, eager in zip(got, result_and_gradients(case.function, case.inputs), strict=True):
            torch.testing.assert_close(ours, eager)


@pytest.mark.parametrize("name", cases.CASES)
def test_exports(name):
    case = cases.CASES[name](BATCH, torch.float32)
    program = torch.export.export(Module(case.function), tuple(case.inputs))
    torch.testing.assert_close(program.module()(*case.inputs), case.function(*case.inputs))


def lookup_and_expand(ids, offsets, inverse_indices, weights):
    index = onefold.fold_index(inverse_indices, offsets.size(0) - 1)
    return onefold.expand(onefold.embedding_bag(weights, [ids], [offsets]), index)


def batches(*sizes):
    for num_unique, num_samples in sizes:
        lengths = [1 + u % 3 for u in range(num_unique)]
        ids = torch.arange(sum(lengths)) % 7
        inverse = torch.arange(num_samples, dtype=torch.int32) % num_unique
        yield ids, cases.offsets_of(lengths), inverse, torch.randn(7, 8)  # no two sizes alike


def test_one_graph_serves_batches_of_different_sizes():
    graph = compiled(lookup_and_expand, dynamic=True)
    first, *others = batches((3, 5), (4, 9), (7, 20))
    torch.testing.assert_close(graph(*first), lookup_and_expand(*first))
    with torch.compiler.set_stance("fail_on_recompile"):
        for batch in others:
            torch.testing.assert_close(graph(*batch), lookup_and_expand(*batch))


def test_an_exported_program_takes_batches_of_different_sizes():
    example, other = batches((3, 5), (7, 20))
    dynamic = torch.export.Dim.DYNAMIC
    shapes = (((dynamic,), (dynamic,), (dynamic,), None),)
    program = torch.export.export(Module(lookup_and_expand), example, dynamic_shapes=shapes)
    torch.testing.assert_close(program.module()(*other), lookup_and_expand(*other))


def test_folding_inside_a_graph():
    def fold_and_count(values, offsets):
        folded = onefold.fold(values, offsets, 4)
        return onefold.expand(folded.offsets.diff().float(), folded.index)

    rows = torch.tensor([1, 2, 1, 2, 3]), cases.ints(0, 2, 4, 4, 5)
    assert compiled(fold_and_count)(*rows).tolist() == [2, 2, 0, 1]
    assert torch.export.export(Module(fold_and_count), rows).module()(*rows).tolist() == [2, 2, 0, 1]


# The default backend. It finds nothing to generate code for here, which would take a C++ compiler
# and the better part of a minute.
def test_inductor_calls_the_ops():
    first, *_ = batches((3, 5))
    torch.testing.assert_close(
        compiled(lookup_and_expand, backend="inductor")(*first), lookup_and_expand(*first)
    )


@pytest.mark.skipif(
    torch.__version__.startswith("2.11"), reason="torch 2.11 compiles no backward that changes a parameter"
)
@pytest.mark.parametrize("kind", ["sgd", "adagrad", "row_wise_adagrad", "adam"])
def test_fused_optimizers_compile(kind):
    start, (ids, offsets, _, _) = torch.randn(7, 8), next(batches((3, 5)))

    def two_steps(compile_step):
        weights = torch.nn.Parameter(start.clone())
        optimizer = onefold.FusedOptimizer.of(weights, kind, 0.1)

        def loss(weights):
            return onefold.embedding_bag(weights, [ids], [offsets], optimizer=optimizer).sin().sum()

        step = compiled(loss) if compile_step else loss
        for _ in range(2):
            step(weights).backward()
        return weights.detach(), optimizer.step

    (ours, step), (eager, _) = two_steps(True), two_steps(False)
    assert step.item() == 2 and not torch.equal(ours, start)
    assert torch.equal(ours, eager)
