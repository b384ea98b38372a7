# SPDX-License-Identifier: Apache-2.0
"""Lookups into one stack of embedding tables, with the optimizer in the backward if wanted."""
import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from onefold._checks import check_offsets

_KINDS = ("sgd", "adagrad", "row_wise_adagrad", "adam")  # 1 to 4 of the op; 0 is no optimizer


class SortedIds(NamedTuple):
    """The ids of a batch sorted once, for the forward and the backward of every lookup into one
    stack of tables; made by ``sort_ids``.

    Attributes:
        rows: int32 [N], the table row of every id; -1 for ids outside their table.
        sorted_rows, sorted_positions: int32 [N].
        run_offsets: int32 [N + 1], of which ``counts[0] + 1`` are written.
        counts: int32 [2]: distinct rows, ids outside their table.
    """

    rows: Tensor
    sorted_rows: Tensor
    sorted_positions: Tensor
    run_offsets: Tensor
    counts: Tensor


@dataclasses.dataclass
class FusedOptimizer:
    """An optimizer that runs inside the backward of a lookup: rows that were looked up are updated
    in place, each once per batch, and the table gets no gradient.

    Adam moves only rows that were looked up. Make it with ``FusedOptimizer.of``. Compiled graphs
    take it, too, with torch 2.13; torch 2.11 compiles no backward that changes a parameter.

    Attributes:
        kind: sgd, adagrad, row_wise_adagrad or adam.
        learning_rate: float32 [1] on the table's device; may be changed between steps.
        step: int64 [1] on the table's device, counted up by each backward.
        state: float32 tensors of the optimizer, to be saved with the table.
    """

    kind: str
    learning_rate: Tensor
    step: Tensor
    state: list[Tensor]
    eps: float = 1e-8
    betas: tuple[float, float] = (0.9, 0.999)
    stochastic_rounding: bool = False  # of 16-bit tables
    seed: int = 0

    @classmethod
    def of(
        cls,
        weights: Tensor,
        kind: str,
        learning_rate: float,
        *,
        eps: float = 1e-8,
        betas: tuple[float, float] = (0.9, 0.999),
        stochastic_rounding: bool = False,
        seed: int = 0,
    ) -> "FusedOptimizer":
        """The optimizer ``kind`` for ``weights`` [rows, D], float32, bfloat16 or float16; zeroed.

        Raises:
            ValueError: no such kind.
        """
        if kind not in _KINDS:
            raise ValueError(f"onefold.FusedOptimizer: no optimizer {kind!r}; there are {_KINDS}")
        rows, width = weights.shape
        shapes: dict[str, list[tuple[int, ...]]] = {
            "sgd": [],
            "adagrad": [(rows, width)],
            "row_wise_adagrad": [(rows,)],
            "adam": [(rows, width)] * 2,
        }
        return cls(
            kind,
            torch.full((1,), learning_rate, dtype=torch.float32, device=weights.device),
            torch.zeros(1, dtype=torch.int64, device=weights.device),
            [torch.zeros(s, dtype=torch.float32, device=weights.device) for s in shapes[kind]],
            eps,
            betas,
            stochastic_rounding,
            seed,
        )


Table = tuple[int, int]  # first row in the stack, number of rows


def sort_ids(ids: Sequence[Tensor], tables: Sequence[Table], total_rows: int) -> SortedIds:
    """Sorts the ids of several features.

    Args:
        ids: per feature int64 [N_f], contiguous, on one device.
        tables: per feature (first row, number of rows) in the stack.
        total_rows: rows of the stack.

    Raises:
        RuntimeError: dtypes or counts that do not fit.
    """
    first_rows = [first for first, _ in tables]
    num_rows = [count for _, count in tables]
    return SortedIds(*torch.ops.onefold.id_sort(list(ids), first_rows, num_rows, total_rows))


def embedding_lookup(
    weights: Tensor,
    bags: Sequence[tuple[Tensor, Tensor]],
    sequences: Sequence[Tensor],
    *,
    tables: Sequence[Table] | None = None,
    mean: bool = False,
    id_weights: Tensor | None = None,
    optimizer: FusedOptimizer | None = None,
    sorted_ids: SortedIds | None = None,
) -> tuple[Tensor, list[Tensor]]:
    """Pooled features and sequences of one batch in one call, so that a table gets one update.

    Args:
        weights: [rows, D], contiguous: tables of one width, stacked. float32, float64, bfloat16 or
            float16.
        bags: per pooled feature ids int64 [N_f] and offsets int32 [U + 1]; all with the same U.
        sequences: per feature int64 [N_f].
        tables: per feature, pooled ones first: (first row, number of rows) in the stack; the whole
            stack unless given. An id outside its table looks up zeros.
        mean: divide each bag by its number of ids.
        id_weights: float32 [N] for all ids, in order; multiplies each id's row, sums only.
        optimizer: updates ``weights``, which must require a gradient, in the backward.
        sorted_ids: ``sort_ids`` of the same features, where it is known.

    Returns:
        The bags, side by side, [U, F * D], and the rows of every sequence, [N_f, D]; float32
        (float64 for float64 weights). Gradients of weights and id_weights, the same bits every run.

    Raises:
        RuntimeError: shapes or dtypes that do not fit.
        ValueError: pooled features over different numbers of rows, or offsets that do not end at
            the number of ids (CPU tensors, eager mode).
    """
    ids = [feature for feature, _ in bags] + list(sequences)
    offsets = [each for _, each in bags]
    for feature, each in bags:
        check_offsets("embedding_lookup", each, feature.numel())
    num_bags = offsets[0].size(0) - 1 if bags else 0
    if any(each.size(0) - 1 != num_bags for each in offsets):
        raise ValueError("onefold.embedding_lookup: pooled features need the same number of rows")
    tables = tables or [(0, weights.size(0))] * len(ids)
    # Where each feature's first row goes, and how far apart its rows are.
    num_ids = [feature.numel() for feature in ids]
    first = list(range(len(bags)))
    next_row = len(bags) * num_bags
    for count in num_ids[len(bags) :]:
        first.append(next_row)
        next_row = next_row + count
    strides = [len(bags)] * len(bags) + [1] * len(sequences)
    places = offsets, num_ids, first, strides, next_row

    needs_gradient = weights.requires_grad or (id_weights is not None and id_weights.requires_grad)
    if torch.is_grad_enabled() and needs_gradient:
        found = sorted_ids or sort_ids(ids, tables, weights.size(0))
        out = _lookup_with_gradient(weights, found, places, id_weights, mean, optimizer)
    else:
        rows, order = (sorted_ids.rows, sorted_ids.sorted_positions) if sorted_ids else (_rows(ids, tables), None)
        out = torch.ops.onefold.embedding_forward(weights, rows, order, *places, id_weights, mean, False)[0]
    pooled_shape = num_bags, len(bags) * weights.size(1)
    if not sequences:  # a slice would copy the gradient once more
        return out.view(pooled_shape), []
    pooled = out[: len(bags) * num_bags].view(pooled_shape)
    rest = out[len(bags) * num_bags :]
    return pooled, list(rest.split(num_ids[len(bags) :]))


def _rows(ids: Sequence[Tensor], tables: Sequence[Table]) -> Tensor:
    """The table row of every id, without the sort, which only a backward needs."""
    return torch.ops.onefold.id_rows(list(ids), [first for first, _ in tables], [count for _, count in tables])


def _lookup_with_gradient(
    weights: Tensor,
    found: SortedIds,
    places: tuple[list[Tensor], list[int], list[int], list[int], int],
    id_weights: Tensor | None,
    mean: bool,
    optimizer: FusedOptimizer | None,
) -> Tensor:
    return torch.ops.onefold.embedding_bag(
        weights,
        optimizer.state if optimizer else [],
        optimizer.step if optimizer else None,
        optimizer.learning_rate if optimizer else None,
        *found,
        *places,
        id_weights,
        mean,
        **_settings(optimizer),
    )


def _settings(optimizer: FusedOptimizer | None) -> dict[str, float]:
    if optimizer is None:
        return {}
    return {
        "optimizer": 1 + _KINDS.index(optimizer.kind),
        "eps": optimizer.eps,
        "beta1": optimizer.betas[0],
        "beta2": optimizer.betas[1],
        "stochastic_rounding": optimizer.stochastic_rounding,
        "seed": optimizer.seed,
    }


def _check_list(op: str, name: str, tensors: Sequence[Tensor]) -> None:
    """One feature's tensor in place of the list of them would be taken apart, element by element."""
    if isinstance(tensors, Tensor):
        raise TypeError(f"onefold.{op}: {name} is one tensor, expected a list of them, one per feature")


def embedding_bag(
    weights: Tensor,
    ids: Sequence[Tensor],
    offsets: Sequence[Tensor],
    *,
    tables: Sequence[Table] | None = None,
    mean: bool = False,
    id_weights: Tensor | None = None,
    optimizer: FusedOptimizer | None = None,
    sorted_ids: SortedIds | None = None,
) -> Tensor:
    """Pooled lookups of F features over U rows: [U, F * D]. Arguments as of ``embedding_lookup``;
    ``ids[f]`` int64 [N_f], ``offsets[f]`` int32 [U + 1].

    Two calls with one fused optimizer are two updates: bring all features of a table in one call.
    """
    _check_list("embedding_bag", "ids", ids)
    _check_list("embedding_bag", "offsets", offsets)
    if len(ids) != len(offsets):
        raise ValueError(f"onefold.embedding_bag: {len(ids)} ids and {len(offsets)} offsets: one of each per feature")
    bags = list(zip(ids, offsets, strict=True))
    return embedding_lookup(
        weights,
        bags,
        [],
        tables=tables,
        mean=mean,
        id_weights=id_weights,
        optimizer=optimizer,
        sorted_ids=sorted_ids,
    )[0]


def embedding(
    weights: Tensor,
    ids: Sequence[Tensor],
    *,
    tables: Sequence[Table] | None = None,
    optimizer: FusedOptimizer | None = None,
    sorted_ids: SortedIds | None = None,
) -> list[Tensor]:
    """The rows of F sequences of ids, each [N_f, D]. Arguments as of ``embedding_lookup``;
    ``ids[f]`` int64 [N_f]. The ids are sorted once for forward and backward, and distinct rows are
    gathered once."""
    _check_list("embedding", "ids", ids)
    return embedding_lookup(
        weights, [], ids, tables=tables, optimizer=optimizer, sorted_ids=sorted_ids
    )[1]
