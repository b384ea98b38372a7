# SPDX-License-Identifier: Apache-2.0
"""Folded (deduplicated) jagged batches in PyTorch.

Importing this package loads ``torch.ops.onefold.*`` into the running PyTorch; the functions here are
their documented form. They work on CPU and CUDA tensors, under autograd, ``torch.compile`` and
``torch.export``. A batch is folded once (``fold``, ``fold_kjt`` or ``fold_index``); its FoldIndex
goes to every op after it::

    folded = onefold.fold_kjt(kjt, ["clicks", "likes"])      # U unique rows of B samples
    ids, offsets = folded.key(0)
    rows = onefold.embedding_bag(weights, [ids], [offsets])  # [U, D]: each row looked up once
    rows = onefold.expand(mlp(rows), folded.index)           # [B, M]: last of all
"""
from onefold._load import load_ops

load_ops()

from onefold._attention import folded_attention, jagged_self_attention  # noqa: E402
from onefold._build import VERSION as __version__  # noqa: E402
from onefold._embedding import (  # noqa: E402
    FusedOptimizer,
    SortedIds,
    embedding,
    embedding_bag,
    embedding_lookup,
    sort_ids,
)
from onefold._fold import Folded, FoldIndex, expand, fold, fold_index  # noqa: E402
from onefold._jagged import Jagged, jagged_index_select, jagged_select_offsets  # noqa: E402
from onefold._linear import folded_linear  # noqa: E402
from onefold._pooling import WindowPlan, multi_slice_pool, window_plan, window_pool  # noqa: E402
from onefold._torchrec import fold_kjt  # noqa: E402

__all__ = [
    "FoldIndex",
    "Folded",
    "FusedOptimizer",
    "Jagged",
    "SortedIds",
    "WindowPlan",
    "__version__",
    "embedding",
    "embedding_bag",
    "embedding_lookup",
    "expand",
    "fold",
    "fold_index",
    "fold_kjt",
    "folded_attention",
    "folded_linear",
    "jagged_index_select",
    "jagged_select_offsets",
    "jagged_self_attention",
    "multi_slice_pool",
    "sort_ids",
    "window_plan",
    "window_pool",
]
