# SPDX-License-Identifier: Apache-2.0
"""A ranking model in plain PyTorch whose user side runs on unique rows."""
from typing import NamedTuple

import torch
from torch import Tensor, nn

import onefold


class Batch(NamedTuple):
    """U unique users' rows and B samples. Without deduplication U == B."""

    history: tuple[Tensor, Tensor]  # item ids [N], offsets int32 [U + 1]
    topics: tuple[Tensor, Tensor]  # topic ids [M], offsets int32 [U + 1]
    index: onefold.FoldIndex  # which user row each sample uses
    candidate: Tensor  # item ids [B]
    label: Tensor  # float32 [B]


class Ranker(nn.Module):
    """The candidate attends over its user's history; a small network joins it with the topics.

    What is computed for U rows: every lookup of the user, the projections of the history, and the
    user half of the first dense layer. For B rows: the candidate, its attention, the rest.
    """

    def __init__(self, num_items: int, num_topics: int, dim: int = 32, heads: int = 2, hidden: int = 64):
        super().__init__()
        self.heads = heads
        # One stack of two tables: items, then topics.
        self.tables = [(0, num_items), (num_items, num_topics)]
        self.embeddings = nn.Parameter(0.1 * torch.randn(num_items + num_topics, dim))
        self.key_and_value = nn.Linear(dim, 2 * dim)
        self.query = nn.Linear(dim, dim)
        self.first = nn.Linear(3 * dim, hidden)  # [topics; candidate; attended]
        self.last = nn.Linear(hidden, 1)

    def forward(self, batch: Batch) -> Tensor:
        items, topics = self.tables
        history, offsets = batch.history
        user, (events,) = onefold.embedding_lookup(  # [U, D] and [N, D]
            self.embeddings, [batch.topics], [history], tables=[topics, items], mean=True
        )
        (candidate,) = onefold.embedding(self.embeddings, [batch.candidate], tables=[items])  # [B, D]
        key, value = self.key_and_value(events).view(-1, 2, self.heads, user.size(1) // self.heads).unbind(1)
        query = self.query(candidate).view(-1, *key.shape[1:])
        attended = onefold.folded_attention(query, key, value, offsets, batch.index).flatten(1)
        hidden = onefold.folded_linear(
            user, torch.cat([candidate, attended], 1), self.first.weight, self.first.bias, batch.index
        )
        return self.last(hidden.relu()).squeeze(1)
