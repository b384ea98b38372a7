# SPDX-License-Identifier: Apache-2.0
"""Checks of what the kernels trust, where it costs nothing: plain tensors on the CPU, outside graphs."""
import torch
from torch import Tensor


def readable(tensor: Tensor) -> bool:
    """Whether values can be looked at without waiting for a GPU or breaking a graph."""
    return tensor.is_cpu and type(tensor) is Tensor and not torch.compiler.is_compiling()


def check_offsets(op: str, offsets: Tensor, num_values: int) -> None:
    """ValueError unless int32 ``offsets`` begin at 0 and end at ``num_values``: lengths in their place,
    or PyTorch's habit of leaving out the last one, would have the op read past the end."""
    if not readable(offsets) or offsets.dtype != torch.int32:
        return  # the op itself refuses other dtypes
    ends = (int(offsets[0]), int(offsets[-1])) if offsets.numel() else (0, 0)
    if offsets.dim() != 1 or offsets.numel() == 0 or ends != (0, num_values):
        raise ValueError(
            f"onefold.{op}: offsets of shape {list(offsets.shape)} run from {ends[0]} to {ends[1]}, expected "
            f"[rows + 1] from 0 to the number of values, {num_values}"
        )
