# SPDX-License-Identifier: Apache-2.0
"""From a log to a trained model, on generated data: counts agree at every stage, and dedup on and
off give the same losses and the same quality."""
import contextlib
import json
import random
import signal
import subprocess

import duckdb
import pytest
from program import BIN, snapshot, succeed
from training import expect_same_training, losses, quality, train

SYNTH = ("--users", 150, "--items", 500, "--list-length", 20, "--lists", 1, "--seed", 5, "--json")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """log, folded (table) and plain (table), and what synth printed."""
    root = tmp_path_factory.mktemp("end_to_end")
    (root / "synth.json").write_text(succeed("synth", "log", *SYNTH, cwd=root))
    for layout in ("folded", "plain"):
        small = ("--row-group-samples", 2000)  # several row groups, so that order matters
        (root / f"{layout}.json").write_text(
            succeed("build", "log", layout, "--layout", layout, *small, "--json", cwd=root)
        )
    return root


def printed(place, name):
    return json.loads((place / f"{name}.json").read_text())


def inspect(place, table):
    return json.loads(succeed("inspect", table, "--json", cwd=place))


def test_counts_agree_at_every_stage(place):
    synth = printed(place, "synth")
    for layout in ("folded", "plain"):
        build = printed(place, layout)
        report = inspect(place, layout)
        assert report["layout"] == layout
        for name in ("samples", "sessions"):
            assert synth[name] == build[name] == report[name] > 0
        assert report["positives"] == synth["clicks"] > 0
        assert 0 < report["users"] <= synth["users"]


def test_layout_does_not_change_the_report(place):
    folded, plain = inspect(place, "folded"), inspect(place, "plain")
    same = ("samples_per_session", "samples_of_a_session_per_batch", "features", "labels")
    for name in same:
        assert folded[name] == plain[name], name


def test_folding_stores_lists_once(place):
    for group in inspect(place, "folded")["groups"]:
        assert group["values_ratio"] > 5, group  # 16 samples a session, few changes inside


def test_folded_table_is_smaller(place):
    def stored(name):
        return sum(map(len, filter(None, snapshot(place / name).values())))

    assert stored("folded") < stored("plain")


def test_build_again_gives_the_same_bytes(place):
    again = ("build", "log", "again", "--row-group-samples", 2000)
    succeed(*again, cwd=place)
    first = snapshot(place / "again")
    succeed(*again, cwd=place)  # in place of the table that is there
    assert snapshot(place / "again") == first
    assert snapshot(place / "folded") == first


def test_killed_build_leaves_the_older_table(place):
    older = snapshot(place / "folded")
    draw = random.Random(3)
    for _ in range(8):
        arguments = [BIN, "build", "log", "folded", "--layout", "plain", "--order", "arrival"]
        with subprocess.Popen(arguments, cwd=place, stdout=subprocess.DEVNULL) as build:
            try:
                build.wait(draw.uniform(0, 0.3))
                break  # it was faster: the newer table is there, whole
            except subprocess.TimeoutExpired:
                build.send_signal(signal.SIGKILL)
        if snapshot(place / "folded") != older:
            break  # killed after its rename
    report = inspect(place, "folded")
    assert report["samples"] == printed(place, "synth")["samples"]
    assert (snapshot(place / "folded") == older) == (report["layout"] == "folded")
    succeed("build", "log", "folded", "--row-group-samples", 2000, cwd=place)
    assert snapshot(place / "folded") == older
    assert not list(place.glob("*.staging-*"))


CONFIG = """
[data]
table = "folded"
holdout = 0.2
batch_size = 256

[model]
dim = 8
bottom = [16]
top = [16]

[[table]]
name = "items"
rows = 1000

[[table]]
name = "topics"
rows = 100

[[table]]
name = "lists"
rows = 1000

[[feature]]
name = "item_id"
table = "items"

[[feature]]
name = "item_topic"
table = "topics"

[[feature]]
name = "history_item_id"
table = "items"

[[feature]]
name = "history_topic"
table = "topics"

[[feature]]
name = "user_list_0"
table = "lists"

[[block]]
type = "transformer"
group = "history"
features = ["history_item_id", "history_topic"]
floats = ["history_dwell"]

[[block]]
type = "din"
group = "history"
features = ["history_item_id", "history_topic"]
query = ["item_id", "item_topic"]

[train]
epochs = 2
threads = 1
seed = 3
log_every = 1
learning_rate = 3e-3
"""


@pytest.fixture(scope="module")
def trained(place):
    (place / "train.toml").write_text(CONFIG)
    (place / "plain.toml").write_text(CONFIG.replace('"folded"', '"plain"'))
    return {
        "on": train("train.toml", "--dedup", "on", cwd=place),
        "off": train("train.toml", "--dedup", "off", cwd=place),
        "plain": train("plain.toml", "--dedup", "on", cwd=place),
    }


def test_dedup_does_not_change_training(trained):
    expect_same_training(trained["on"], trained["off"])


def test_layout_does_not_change_training(trained):
    assert losses(trained["plain"]) == losses(trained["on"])  # the same batches, bit for bit
    assert quality(trained["plain"]) == quality(trained["on"])


@pytest.fixture(scope="module")
def windowed(place):
    build = ("build", "log", "windowed", "--window", "history", "--row-group-samples", 2000)
    (place / "windowed.json").write_text(succeed(*build, "--json", cwd=place))
    return "windowed"


SLICED = """
SELECT request_id, item_id, list_slice(p.history_item_id, s."history.start" + 1,
                                       s."history.start" + s."history.len") AS history
FROM 'windowed/*/*.samples.parquet' s JOIN 'windowed/*/*.history.parquet' p ON s."history.ref" = p.ref
"""
PLAIN = "SELECT request_id, item_id, history_item_id FROM 'plain/*/*.parquet'"


def test_sql_cuts_windows(place, windowed):
    with contextlib.chdir(place):
        for a, b in ((SLICED, PLAIN), (PLAIN, SLICED)):
            assert duckdb.sql(f"({a}) EXCEPT ALL ({b})").fetchall() == []


def test_windows_do_not_change_training(place, windowed, trained):
    built = printed(place, "windowed")
    history = next(group for group in built["groups"] if group["name"] == "history")
    exact = next(g for g in printed(place, "folded")["groups"] if g["name"] == "history")
    assert history["unique_values"] < exact["unique_values"]
    (place / "windowed.toml").write_text(CONFIG.replace('"folded"', '"windowed"'))
    expect_same_training(train("windowed.toml", "--dedup", "on", cwd=place), trained["off"])


def test_training_learns(place, trained):
    ne, auc = quality(trained["on"])
    assert printed(place, "synth")["bayes_ne"] < ne < 1  # better than guessing, not than possible
    assert auc > 0.55
    evaluated = trained["on"]["eval"][-1]["samples"]
    assert 0.1 < evaluated / printed(place, "folded")["samples"] < 0.3  # the 20 % held out


def test_training_reports_what_folding_saved(trained):
    assert trained["on"]["start"][0]["dedup"] and not trained["off"]["start"][0]["dedup"]
    on, off = (trained[name]["done"][-1] for name in ("on", "off"))
    assert on["samples"] == off["samples"]


def test_resumed_training_is_the_same(place, trained):
    stopped = train("train.toml", "--checkpoint", "ckpt", "--max-steps", 7, cwd=place)
    resumed = train("train.toml", "--checkpoint", "ckpt", "--resume", cwd=place)
    whole = losses(trained["on"])
    assert losses(stopped) == whole[:7]
    assert losses(resumed) == whole[7:]  # bit for bit, threads = 1
    assert quality(resumed) == quality(trained["on"])
