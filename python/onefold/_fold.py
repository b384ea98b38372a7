# SPDX-License-Identifier: Apache-2.0
"""Rows to unique rows and back."""
from typing import NamedTuple

import torch
from torch import Tensor

from onefold._checks import readable


class FoldIndex(NamedTuple):
    """How the B samples of a batch refer to its U unique rows, both ways.

    Made once per batch and feature group (``fold_index`` or ``fold``) and shared by every op that
    expands, selects, attends or reduces: the second and third tensor are what lets a backward sum
    the samples of a row in a fixed order, without atomics.

    Attributes:
        inverse_indices: int32 [B], the unique row of every sample.
        offsets: int32 [U + 1]; the samples of row u are ``members[offsets[u]:offsets[u + 1]]``.
        members: int32 [B], ascending within a row.
    """

    inverse_indices: Tensor
    offsets: Tensor
    members: Tensor

    @property
    def num_samples(self) -> int:
        return self.inverse_indices.size(0)

    @property
    def num_unique(self) -> int:
        return self.offsets.size(0) - 1

    def to(self, device: torch.device | str, non_blocking: bool = False) -> "FoldIndex":
        return FoldIndex(*(tensor.to(device, non_blocking=non_blocking) for tensor in self))


class Folded(NamedTuple):
    """One feature group with each distinct row stored once.

    Attributes:
        values: [N], the values of all keys, key major.
        offsets: int32 [K * U + 1], of the rows of all keys.
        index: which unique row each sample uses.
    """

    values: Tensor
    offsets: Tensor
    index: FoldIndex  # type: ignore[assignment]  # not tuple.index, which nobody needs here

    @property
    def num_keys(self) -> int:
        return (self.offsets.size(0) - 1) // max(1, self.index.num_unique)

    def key(self, number: int) -> tuple[Tensor, Tensor]:
        """Values and int32 offsets [U + 1], from 0, of key ``number``. Reads two offsets, so a
        tensor on a GPU makes the host wait."""
        first = number * self.index.num_unique
        offsets = self.offsets[first : first + self.index.num_unique + 1]
        begin, end = int(offsets[0]), int(offsets[-1])
        return self.values[begin:end], offsets - begin


def fold_index(inverse_indices: Tensor, num_unique: int) -> FoldIndex:
    """Completes ``inverse_indices`` to a FoldIndex.

    >>> fold_index(torch.tensor([0, 0, 1, 0, 2], dtype=torch.int32), 3)
    offsets [0, 3, 4, 5], members [0, 1, 3, 2, 4]

    Args:
        inverse_indices: int32 [B] with ``0 <= inverse_indices[i] < num_unique``. On the CPU this is
            checked; on a GPU a number outside is undefined behaviour.
        num_unique: U. A row that no sample uses is allowed.

    Raises:
        RuntimeError: not int32 or not contiguous.
        ValueError: an index is outside (CPU tensors, eager mode).
    """
    if readable(inverse_indices) and inverse_indices.numel() > 0:
        low, high = (int(bound) for bound in torch.aminmax(inverse_indices))
        if low < 0 or high >= num_unique:
            raise ValueError(
                f"onefold.fold_index: inverse_indices hold {low} to {high}, expected 0 to "
                f"{num_unique - 1}"
            )
    offsets, members = torch.ops.onefold.index_csr(inverse_indices, num_unique)
    return FoldIndex(inverse_indices, offsets, members)


def fold(values: Tensor, offsets: Tensor, num_rows: int) -> Folded:
    """Finds every repeated row of a feature group, adjacent or not, on the CPU.

    A row is repeated when all keys are equal, bit for bit. Unique rows are numbered in the order in
    which samples first use them, and there are as few as possible.

    >>> # keys c: [7, 8] [7, 8] [10]   d: [9] [9] [11]
    >>> fold(torch.tensor([7, 8, 7, 8, 10, 9, 9, 11]),
    ...      torch.tensor([0, 2, 4, 5, 6, 7, 8], dtype=torch.int32), num_rows=3)
    values [7, 8, 10, 9, 11], offsets [0, 2, 3, 4, 5], index.inverse_indices [0, 0, 1]

    Args:
        values: int64 or float32 [N], the values of all keys, key major.
        offsets: int32 [K * B + 1], from 0 to N.
        num_rows: B.

    Raises:
        RuntimeError: another dtype, or offsets that do not fit.
        NotImplementedError: tensors that are not on the CPU.
    """
    unique, unique_offsets, inverse_indices = torch.ops.onefold.fold(values, offsets, num_rows)
    num_keys = (offsets.size(0) - 1) // max(1, num_rows)
    if num_keys > 0:
        num_unique = (unique_offsets.size(0) - 1) // num_keys
    else:
        num_unique = min(1, num_rows)
    csr = torch.ops.onefold.index_csr(inverse_indices, num_unique)
    return Folded(unique, unique_offsets, FoldIndex(inverse_indices, *csr))


def expand(unique: Tensor, index: FoldIndex) -> Tensor:
    """``out[i] = unique[index.inverse_indices[i]]``: one row per sample.

    Args:
        unique: [U, ...], any dtype.

    Returns:
        [B, ...]. Differentiable twice for float32, float64, bfloat16 and float16; gradients are
        summed in float32 (float64) in a fixed order, the same bit for bit in every run.

    Raises:
        RuntimeError: ``unique`` does not have ``index.num_unique`` rows.
    """
    return torch.ops.onefold.expand(unique, index.inverse_indices, index.offsets, index.members)


@torch.library.register_fake("onefold::fold")
def _fold_fake(values: Tensor, offsets: Tensor, num_rows: int):
    context = torch.library.get_ctx()
    return (
        values.new_empty([context.new_dynamic_size()]),
        offsets.new_empty([context.new_dynamic_size(min=1)]),
        offsets.new_empty([num_rows]),
    )
