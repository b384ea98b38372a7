# SPDX-License-Identifier: Apache-2.0
"""`onefold synth --traffic`: the example's file, mistakes in it, and a table from its log."""
import json
import pathlib

import duckdb
import pytest
from program import USAGE, fail, snapshot, succeed

EXAMPLE = pathlib.Path(__file__).parents[1] / "examples/synth/ranker.toml"


def test_example_to_table(tmp_path):
    arguments = ("--traffic", EXAMPLE, "--users", 20, "--seed", 3, "--json")
    counts = json.loads(succeed("synth", "one", *arguments, cwd=tmp_path))
    succeed("synth", "two", *arguments, "--threads", 2, cwd=tmp_path)
    assert snapshot(tmp_path / "one") == snapshot(tmp_path / "two")
    schema = json.loads((tmp_path / "one/_log.json").read_text())["schema"]
    assert len(schema["features"]) == 6 + 100 + 50 + 20 + 80 + 20
    groups = {f["group"] for f in schema["features"] if f["group"]}
    assert len(groups) == 2 + 10

    succeed("build", "one", "table", "--layout", "plain", cwd=tmp_path)
    table = f"'{tmp_path}/table/**/*.parquet'"
    ((rows, sessions, users, longest),) = duckdb.sql(
        "select count(*), count(distinct session_id), count(distinct user_id), "
        f"max(greatest(len(history_0), len(history_3))) from {table}"
    ).fetchall()
    assert (rows, sessions, users) == (counts["samples"], counts["sessions"], 20)
    assert longest == counts["longest_list"] <= 5000


@pytest.mark.parametrize(
    "old, new, words",
    [
        ("candidates = 1", "candidate = 1", ["ranker.toml:7", "candidate"]),
        ("min = 10", "min = 200", ["ranker.toml", "'history': length"]),
        ("shift_by = 1.5", 'shift_by = "far"', ["ranker.toml:16", "shift_by"]),
        ('kind = "dense"', 'kind = "dance"', ["ranker.toml:36", "dance", "float_list"]),
        ("vocabulary = 10000", "change = 0.5", ["ranker.toml:44", "items do not change"]),
        ("groups = 2", "groups = 7", ["ranker.toml", "'history': groups"]),
        ('name = "counter"', 'name = "user_word"', ["ranker.toml", "user_word"]),
    ],
)
def test_mistakes(tmp_path, old, new, words):
    text = EXAMPLE.read_text()
    assert old in text
    (tmp_path / "ranker.toml").write_text(text.replace(old, new, 1))
    fail(USAGE, "synth", "logs", "--traffic", "ranker.toml", cwd=tmp_path, saying=words)


def test_options_that_do_not_go_together(tmp_path):
    arguments = ("synth", "logs", "--traffic", EXAMPLE)
    fail(USAGE, *arguments, "--lists", 3, cwd=tmp_path, saying="--lists")
    fail(USAGE, *arguments, "--events", "events", cwd=tmp_path, saying="--events")
    fail(USAGE, *arguments, "--threads", 0, cwd=tmp_path, saying="threads")
