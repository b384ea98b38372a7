# SPDX-License-Identifier: Apache-2.0
"""Attention over jagged rows that exist once."""
import torch
from torch import Tensor

from onefold._checks import check_offsets
from onefold._fold import FoldIndex


def folded_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    key_offsets: Tensor,
    index: FoldIndex,
    *,
    scale: float | None = None,
) -> Tensor:
    """B candidates attend over the keys and values of their user, which exist once per unique row.

    ``out[i] = softmax(scale * query[i] . key[r]) . value[r]``, head by head, over the values r of
    sample i's unique row: equal to attention over expanded rows, without the copies.

    Args:
        query: [B, H, D].
        key, value: [N, H, D]; slices of one [N, 3, H, D] are taken without a copy.
        key_offsets: int32 [U + 1]; row u is ``key[key_offsets[u]:key_offsets[u + 1]]``.
        scale: 1 / sqrt(D) unless given; positive.

    Returns:
        [B, H, D]; zeros for samples whose row is empty. Gradients of query, key and value; float32,
        float64, bfloat16 and float16; the same bits in every run. On CUDA D <= 256.

    Raises:
        RuntimeError: shapes, dtypes or devices that do not fit.
        ValueError: ``key_offsets`` do not end at N (CPU tensors, eager mode).
    """
    check_offsets("folded_attention", key_offsets, key.size(0))
    return torch.ops.onefold.folded_attention(
        query, key, value, key_offsets, index.offsets, index.members, scale=scale
    )


def jagged_self_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    offsets: Tensor,
    max_length: int,
    *,
    scale: float | None = None,
    causal: bool = False,
) -> Tensor:
    """Every value of a row attends over its row; rows of any length, without padding.

    Args:
        query, key, value: [N, H, D].
        offsets: int32 [U + 1].
        max_length: no row is longer; it travels with the batch, so that nothing waits for a GPU.
        scale: 1 / sqrt(D) unless given; positive.
        causal: a value sees those up to itself.

    Returns:
        [N, H, D], trainable. On CUDA 16-bit types run PyTorch's variable-length FlashAttention and
        float32 its memory-efficient attention, whose gradients are the same in every run only under
        ``torch.use_deterministic_algorithms``; everything else runs the body of folded_attention.

    Raises:
        RuntimeError: shapes, dtypes or devices that do not fit.
        ValueError: ``offsets`` do not end at N (CPU tensors, eager mode).
    """
    check_offsets("jagged_self_attention", offsets, key.size(0))
    return torch.ops.onefold.jagged_self_attention(
        query, key, value, offsets, max_length, scale=scale, causal=causal
    )
