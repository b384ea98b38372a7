# SPDX-License-Identifier: Apache-2.0
"""Pooling of windows and slices that overlap, each value read once."""
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from onefold._checks import check_offsets
from onefold._fold import FoldIndex


def window_pool(
    values: Tensor,
    row_offsets: Tensor,
    starts: Tensor,
    lengths: Tensor,
    index: FoldIndex,
    *,
    mean: bool = False,
) -> Tensor:
    """Sum or mean of a window of each sample's payload row, by prefix sums.

    ``out[i]`` pools ``values[r + starts[i] : r + starts[i] + lengths[i]]``, where r is the first value
    of the row ``index.inverse_indices[i]``.

    Args:
        values: [N, ...]; float32, float64, bfloat16 or float16.
        row_offsets: int32 [U + 1].
        starts, lengths: int32 [B]. Every window must lie in its row.

    Returns:
        [B, ...]; zeros for empty windows. Sums in float64; differentiable; the same bits every run.

    Raises:
        RuntimeError: shapes or dtypes that do not fit.
        ValueError: ``row_offsets`` do not end at N (CPU tensors, eager mode).
    """
    check_offsets("window_pool", row_offsets, values.size(0))
    return torch.ops.onefold.window_pool(
        values,
        row_offsets,
        starts,
        lengths,
        index.inverse_indices,
        index.offsets,
        index.members,
        mean,
    )


class WindowPlan(NamedTuple):
    """How the windows of a batch cut its events; made by ``window_plan``, read by
    ``multi_slice_pool``. Moves to a device with ``WindowPlan(*(t.to(device) for t in plan))``."""

    cell_begin: Tensor
    cell_end: Tensor
    first_cell: Tensor
    last_cell: Tensor
    span_begin: Tensor
    span_end: Tensor
    first_span: Tensor
    last_span: Tensor
    event_span: Tensor


def window_plan(window_begin: Tensor, window_end: Tensor, num_events: int) -> WindowPlan:
    """Cuts events at every window boundary, so that windows which overlap share their sums.

    Args:
        window_begin, window_end: int32 [W], ``0 <= window_begin <= window_end <= num_events``,
            counted from the batch's first event.
    """
    return WindowPlan(*torch.ops.onefold.window_plan(window_begin, window_end, num_events))


def multi_slice_pool(
    tables: Sequence[Tensor],
    ids: Tensor,
    masks: Tensor,
    plan: WindowPlan,
    *,
    id_columns: Sequence[int],
    slice_offsets: Sequence[int],
    weights: Tensor | None = None,
    weighted_slices: Sequence[int] = (),
) -> Tensor:
    """S slices of W windows of a timeline, in one pass over its E events.

    ``out[w, s]`` is the mean of ``tables[g][ids[id_columns[g], e]]`` over the events e of window w whose
    mask has bit s, where g is the table group of slice s; zeros where there are none. Each row is
    gathered once per event and group, however many slices and windows hold the event.

    Args:
        tables: G tensors [rows, D] of one dtype, on the device of ``ids``; G <= 32.
        ids: int64 [C, E]. Negative: the group does not see the event. Ids must be below their
            table's number of rows.
        masks: int64 [E, ceil(S / 64)]; bit ``s % 64`` of word ``s // 64``. S <= 512.
        plan: of the W windows over these E events.
        id_columns: the row of ``ids`` that each group looks up.
        slice_offsets: [G + 1]; group g has slices ``slice_offsets[g]`` to ``slice_offsets[g + 1]``.
        weights: float32 [E], for ``weighted_slices``, which are weighted means.

    Returns:
        [W, S, D], with gradients for the tables, the same bits every run.

    Raises:
        RuntimeError: what does not fit, by name.
    """
    return torch.ops.onefold.multi_slice_pool(
        list(tables),
        ids,
        list(id_columns),
        masks,
        weights,
        list(slice_offsets),
        list(weighted_slices),
        list(plan),
    )
