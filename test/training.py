# SPDX-License-Identifier: Apache-2.0
"""Runs `onefold train` and reads its JSON lines."""
import json

import pytest
from program import succeed


def train(config, *arguments, cwd):
    """The run's events, by kind: {"step": [...], "eval": [...], "done": [...], ...}."""
    events = {}
    for line in succeed("train", config, *arguments, cwd=cwd).splitlines():
        event = json.loads(line)
        events.setdefault(event["event"], []).append(event)
    return events


def quality(events):
    """(NE, AUC) of the first label at the end."""
    label = events["eval"][-1]["labels"][0]
    return label["ne"], label["auc"]


def losses(events):
    return [step["loss"] for step in events["step"]]


def expect_same_training(on, off):
    """Dedup changes the work, not the result. Sums are taken in another order, hence not bit by
    bit; four digits is far below what two seeds differ by."""
    assert len(losses(on)) == len(losses(off)) > 0
    assert losses(on) == pytest.approx(losses(off), rel=1e-4)
    assert quality(on) == pytest.approx(quality(off), abs=5e-5)
