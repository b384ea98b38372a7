#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains model.py twice on the same samples, folded and one row per sample, and compares the losses.

    train.py [--steps N] [--compile]
"""
import argparse
import time

import torch
from model import Batch, Ranker

import onefold

USERS, CANDIDATES, EVENTS, NUM_ITEMS, NUM_TOPICS = 64, 16, 200, 5000, 40


def samples(seed):
    """64 requests of 16 candidates, as a loader gives them: the user's lists in every sample.
    A candidate of the history's favourite tenth of the items is liked more often."""
    draw = torch.Generator().manual_seed(seed)
    lists = []
    for longest, num_ids in ((EVENTS, NUM_ITEMS), (5, NUM_TOPICS)):
        lengths = torch.randint(0, longest + 1, (USERS,), generator=draw)
        ids = torch.randint(0, num_ids, (int(lengths.sum()),), generator=draw)
        rows = ids.split(lengths.tolist())
        values = torch.cat([row for row in rows for _ in range(CANDIDATES)])
        lists.append((values, lengths.repeat_interleave(CANDIDATES)))
    candidate = torch.randint(0, NUM_ITEMS, (USERS * CANDIDATES,), generator=draw)
    chance = torch.where(candidate < NUM_ITEMS // 10, 0.8, 0.2)
    return lists, candidate, torch.bernoulli(chance, generator=draw)


def as_batch(folded, candidate, label):
    return Batch(folded.key(0), folded.key(1), folded.index, candidate, label)


def both_batches(seed):
    """The samples folded, and the same with every sample its own row."""
    lists, candidate, label = samples(seed)
    num_samples = candidate.numel()
    values = torch.cat([values for values, _ in lists])
    offsets = torch.zeros(2 * num_samples + 1, dtype=torch.int32)
    offsets[1:] = torch.cat([lengths for _, lengths in lists]).cumsum(0)
    folded = onefold.fold(values, offsets, num_samples)
    own_row = onefold.fold_index(torch.arange(num_samples, dtype=torch.int32), num_samples)
    unfolded = onefold.Folded(values, offsets, own_row)
    return as_batch(folded, candidate, label), as_batch(unfolded, candidate, label)


def train(batches, compile_model):
    """Loss of every step, and samples per second without the first step."""
    torch.manual_seed(1)
    model = Ranker(NUM_ITEMS, NUM_TOPICS)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    forward = torch.compile(model, fullgraph=True, dynamic=True) if compile_model else model
    losses = []
    for batch in batches:
        loss = torch.nn.functional.binary_cross_entropy_with_logits(forward(batch), batch.label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if len(losses) == 1:
            start = time.perf_counter()
    seconds = time.perf_counter() - start
    return losses, (len(losses) - 1) * USERS * CANDIDATES / seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--compile", action="store_true", help="through torch.compile, in one graph")
    arguments = parser.parse_args()
    folded, unfolded = zip(*(both_batches(seed % 5) for seed in range(arguments.steps)))
    index = folded[0].index
    print(f"{index.num_samples} samples, {index.num_unique} unique user rows")
    losses, speed = train(folded, arguments.compile)
    own_losses, own_speed = train(unfolded, arguments.compile)
    apart = max(abs(a - b) for a, b in zip(losses, own_losses))
    print(f"folded     loss {losses[0]:.4f} -> {losses[-1]:.4f}  {speed:9.0f} samples/s")
    print(f"unfolded   loss {own_losses[0]:.4f} -> {own_losses[-1]:.4f}  {own_speed:9.0f} samples/s")
    print(f"the losses differ by at most {apart:.1e}; folded is {speed / own_speed:.1f}x as fast")


if __name__ == "__main__":
    main()
