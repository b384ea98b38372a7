# SPDX-License-Identifier: Apache-2.0
"""Rows of jagged features, picked by an index."""
from typing import NamedTuple

import torch
from torch import Tensor

from onefold._checks import check_offsets
from onefold._fold import FoldIndex


class Jagged(NamedTuple):
    """Jagged rows of K keys over the same R rows, key major.

    Attributes:
        values: [N] or [N, D].
        offsets: int32 [K * R + 1].
    """

    values: Tensor
    offsets: Tensor


def jagged_select_offsets(offsets: Tensor, index: FoldIndex) -> Tensor:
    """Where each row lies that ``jagged_index_select`` picks: int32 [K * B + 1] for ``offsets``
    int32 [K * U + 1]."""
    return torch.ops.onefold.jagged_select_offsets(offsets, index.inverse_indices, index.num_unique)


def jagged_index_select(
    values: Tensor,
    offsets: Tensor,
    index: FoldIndex,
    *,
    out_offsets: Tensor | None = None,
    num_out_values: int | None = None,
) -> Jagged:
    """Row ``index.inverse_indices[i]`` of every key, for every sample i: folded rows back to one row
    per sample, of all keys of a group at once.

    >>> # keys c: [7, 8] [10]   d: [9] []   inverse_indices [0, 0, 1]
    >>> jagged_index_select(torch.tensor([7, 8, 10, 9]),
    ...                     torch.tensor([0, 2, 3, 4, 4], dtype=torch.int32), index)
    values [7, 8, 7, 8, 10, 9, 9], offsets [0, 2, 4, 5, 6, 7, 7]

    Args:
        values: [N] or [N, D], any dtype.
        offsets: int32 [K * U + 1].
        out_offsets: int32 [K * B + 1] from ``jagged_select_offsets``, where they are known.
        num_out_values: ``out_offsets[-1]``. Without it a GPU tensor makes the host wait, and
            ``torch.compile(fullgraph=True)`` needs ``capture_scalar_outputs``; let it travel with
            the batch.

    Returns:
        The rows, differentiable twice in ``values`` (float32, float64, bfloat16, float16), with
        gradients in a fixed order.

    Raises:
        RuntimeError: the offsets do not fit ``index``.
        ValueError: ``offsets`` do not end at N (CPU tensors, eager mode).
    """
    check_offsets("jagged_index_select", offsets, values.size(0))
    if out_offsets is None:
        out_offsets = jagged_select_offsets(offsets, index)
    if num_out_values is None:
        num_out_values = int(out_offsets[-1])
    selected = torch.ops.onefold.jagged_index_select(
        values,
        offsets,
        index.inverse_indices,
        out_offsets,
        index.offsets,
        index.members,
        num_out_values,
    )
    return Jagged(selected, out_offsets)
