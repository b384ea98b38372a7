# SPDX-License-Identifier: Apache-2.0
"""From TorchRec's KeyedJaggedTensor, without TorchRec."""
from collections.abc import Sequence
from typing import Any

import torch

from onefold._fold import Folded, fold


def fold_kjt(kjt: Any, keys: Sequence[str] | None = None) -> Folded:
    """Folds keys of a KeyedJaggedTensor, which should be the features of one group: those of the
    user, say, that change together.

    Args:
        kjt: anything with TorchRec's ``keys()`` and ``kjt[key].values()``, ``kjt[key].lengths()``;
            on the CPU, without per-id weights. Integer values become int64.
        keys: all keys of ``kjt`` unless given; the keys of the result, in this order.

    Returns:
        The group; ``folded.key(k)`` gives values and offsets of ``keys[k]``. Back in TorchRec's
        layout it is ``KeyedJaggedTensor(keys, folded.values, lengths=folded.offsets.diff())``
        over U rows, and ``folded.index.inverse_indices`` is its ``inverse_indices``.

    Raises:
        KeyError: a key is not in ``kjt``.
        ValueError: no keys, per-id weights, or keys over different numbers of rows.
    """
    keys = list(kjt.keys()) if keys is None else list(keys)
    if not keys:
        raise ValueError("onefold.fold_kjt: no keys to fold")
    missing = [key for key in keys if key not in kjt.keys()]
    if missing:
        raise KeyError(f"onefold.fold_kjt: no key {missing[0]!r}; there are {list(kjt.keys())}")
    features = [kjt[key] for key in keys]
    if any(getattr(f, "weights_or_none", lambda: None)() is not None for f in features):
        raise ValueError("onefold.fold_kjt: ids with weights cannot be folded")
    num_rows = features[0].lengths().numel()
    if any(feature.lengths().numel() != num_rows for feature in features):
        raise ValueError("onefold.fold_kjt: the keys have different numbers of rows")
    values = torch.cat([feature.values() for feature in features])
    if not values.is_floating_point():
        values = values.long()
    lengths = torch.cat([feature.lengths() for feature in features])
    offsets = torch.zeros(lengths.numel() + 1, dtype=torch.int32)
    torch.cumsum(lengths, 0, dtype=torch.int32, out=offsets[1:])
    return fold(values, offsets, num_rows)
