# SPDX-License-Identifier: Apache-2.0
"""`embed generate` and `embed publish`, killed at 50 random moments each: what is there is whole, and
the next run finishes the job."""
import json
import pathlib
import random
import shutil
import time

import pyarrow.parquet as pq
import pytest
from program import BIN, Killer, succeed

KILLS = 50
USERS = 300

MAPPING = """
[columns]
user       = "user"
item       = "video"
time       = { column = "at", unit = "s" }
watch_time = "watched"
[action]
every_row = "impression"
[timelines]
implicit = ["impression"]
"""

SLICES = """
[[slice]]
name     = "dwelt"
timeline = "implicit"
dwell    = [{ min = 10 }, { max = 10 }]
window   = ["full", "2d"]
"""

CONFIG = """
[data]
table = "table"
[model]
dim = 8
labels = ["click"]
[[table]]
name = "item"
rows = 1000
[[feature]]
name = "item_id"
table = "item"
[upstream]
timelines = "timelines"
slices = "slices.toml"
dim = 64
tokens = 16
item_rows = 1000
[train]
max_steps = 2
[checkpoint]
directory = "upstream"
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """An encoder that was trained for two steps, and timelines of 300 users."""
    root = tmp_path_factory.mktemp("embed")
    rng = random.Random(1)
    lines = ["user,video,at,watched"]
    for _ in range(60 * USERS):
        lines.append(
            f"{rng.randrange(USERS)},{rng.randrange(500)},"
            f"{1_704_000_000 + rng.randrange(600_000)},{rng.randrange(30)}"
        )
    (root / "events.csv").write_text("\n".join(lines) + "\n")
    (root / "mapping.toml").write_text(MAPPING)
    (root / "slices.toml").write_text(SLICES)
    (root / "config.toml").write_text(CONFIG)
    succeed("synth", "logs", "--users", 50, cwd=root)
    succeed("build", "logs", "table", cwd=root)
    succeed("timeline", "build", "events.csv", "timelines", "--mapping", "mapping.toml", cwd=root)
    succeed("train", "config.toml", cwd=root)
    return root


def generate(store):
    # Parts of 16 users: a killed run has something to go on with.
    return ["embed", "generate", "upstream", "timelines", store, "--part-users", "16",
            "--batch-users", "8", "--threads", "1", "--json"]  # fmt: skip


def rows(version):
    """{user: words} of one version; fails when a user comes twice."""
    found = {}
    for part in sorted(pathlib.Path(version).glob("part-*.parquet")):
        table = pq.read_table(part)
        for user, words in zip(table["user_id"].to_pylist(), table["embedding"].to_pylist()):
            assert user not in found
            found[user] = words
    return found


def duration(arguments, place):
    begin = time.monotonic()
    succeed(*arguments, cwd=place)
    return time.monotonic() - begin


def test_generate(place):
    seconds = duration(generate("whole"), place)
    expected = rows(place / "whole" / "v000001")
    assert len(expected) == USERS
    killer = Killer(seconds, seed=2)
    resumed = 0
    for _ in range(KILLS):
        store = place / "store"
        shutil.rmtree(store, ignore_errors=True)
        killer.kill([BIN, *generate("store")], place)
        if (store / "v000001").exists():
            assert rows(store / "v000001") == expected  # it had come that far
            continue
        # Nothing is visible before all of it is there; there is no store before its _store.json.
        if (store / "_store.json").exists():
            assert json.loads(succeed("embed", "versions", "store", "--json", cwd=place))["versions"] == []
        report = json.loads(succeed(*generate("store"), cwd=place))
        assert report["users"] == USERS
        if report["resumed_users"] > 0:
            resumed += 1
        else:
            killer.seconds *= 1.05  # the machine may be slower now
        assert rows(store / "v000001") == expected
        assert not list(store.glob(".*partial"))
    # The kills hit something: runs, and runs that had sealed parts.
    assert killer.running >= KILLS // 2
    assert resumed >= 1


def test_publish(place):
    store = place / "published"
    for _ in range(2):
        succeed(*generate("published"), cwd=place)
    succeed("embed", "publish", "published", "v000001", cwd=place)
    before = (store / "_store.json").read_text()
    seconds = duration(["embed", "publish", "published", "v000002"], place)
    killer = Killer(seconds, seed=3)
    for _ in range(KILLS):
        (store / "_store.json").write_text(before)
        killer.kill([BIN, "embed", "publish", "published", "v000002"], place)
        live = [entry["version"] for entry in json.loads((store / "_store.json").read_text())["live"]]
        assert live in (["v000001"], ["v000001", "v000002"])
        if len(live) == 1:
            succeed("embed", "publish", "published", "v000002", cwd=place)
        state = json.loads(succeed("embed", "versions", "published", "--json", cwd=place))
        assert [version["id"] for version in state["versions"] if version["live"]] == ["v000002"]
    assert killer.running >= KILLS // 2
