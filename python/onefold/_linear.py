# SPDX-License-Identifier: Apache-2.0
"""A dense layer whose user half is computed once per unique row."""
import torch
from torch import Tensor

from onefold._fold import FoldIndex


def folded_linear(
    user: Tensor, candidate: Tensor, weight: Tensor, bias: Tensor | None, index: FoldIndex
) -> Tensor:
    """``out[i] = weight @ [user[index.inverse_indices[i]]; candidate[i]] + bias``.

    The sum splits over the columns of ``weight``, so the user half costs U rows instead of B, forward
    and backward.

    Args:
        user: [U, Du].
        candidate: [B, Dc].
        weight: [M, Du + Dc], as torch.nn.Linear has it.
        bias: [M] or None.

    Returns:
        [B, M]. On the CPU a row's bits do not depend on the other rows of the batch.

    Raises:
        RuntimeError: shapes that do not fit.
    """
    return torch.ops.onefold.folded_linear(
        user, candidate, weight, bias, index.inverse_indices, index.offsets, index.members
    )
