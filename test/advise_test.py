# SPDX-License-Identifier: Apache-2.0
"""`onefold advise` on data whose structure is known: what it proposes, that what it predicts is what it
measures, and that `onefold import` and `onefold build` take the proposal as it is printed."""
import json
import os
import pathlib
import random
import shlex

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from program import DATA, USAGE, fail, succeed

SHARED = pathlib.Path(os.environ.get("ONEFOLD_SHARED_DATA", ".")).resolve()
COLUMNS = """[columns]
session = "sid"
user = "uid"
request = "rid"
item = "item"
time = { column = "ts", unit = "s" }
[labels]
click = "clicked"
"""
FLAGS = "--session sid --user uid --time ts --request rid --skip item,clicked".split()
SESSIONS, REQUESTS, ITEMS = 60, 8, 2


def write_rows(path):
    """Lists that stay, lists that slide by one a request, lists that are always new, item features."""
    rng = random.Random(7)
    rows = []
    for s in range(SESSIONS):
        interests = [rng.randrange(10**6) for _ in range(50)]
        tags = [f"tag{rng.randrange(1000)}" for _ in range(5)]
        seen = [rng.randrange(10**6) for _ in range(80)]
        dwell = [rng.random() for _ in range(80)]
        for r in range(REQUESTS):
            for _ in range(ITEMS):
                rows.append(
                    {
                        "sid": s,
                        "uid": s // 2,
                        "rid": s * REQUESTS + r,
                        "item": rng.randrange(10**9),
                        "ts": 10**6 + 3600 * s + r,
                        "clicked": rng.random() < 0.2,
                        "interests": interests,
                        "tags": tags,
                        "seen_id": seen[r : r + 70],
                        "seen_dwell": dwell[r : r + 70],
                        "fresh": [rng.randrange(10**6) for _ in range(20)],
                        "brand": rng.randrange(50),
                        "price": rng.random(),
                        "place": {"lat": 1.0},
                    }
                )
    pq.write_table(pa.Table.from_pylist(rows), path)


def groups_of(advice):
    return {tuple(g["features"]): g["windowed"] for g in advice["groups"]}


def expect_known_structure(advice):
    assert groups_of(advice) == {("seen_id", "seen_dwell"): True, ("interests", "tags"): False}
    for group in advice["groups"]:
        for stage in ("log", "table", "reader", "lookup"):
            saving = group["saving"][stage]
            assert saving["measured"] == pytest.approx(saving["predicted"], rel=0.02), stage
    seen, interests = advice["groups"]
    # 16 samples of 70 values need 77; of lists that stay, one.
    assert seen["saving"]["lookup"]["measured"] == pytest.approx(16 * 70 / 77)
    assert seen["saving"]["log"]["measured"] == pytest.approx(2)
    assert interests["saving"]["lookup"]["measured"] == pytest.approx(16)
    left = {f["name"]: f["reason"] for f in advice["features"] if not f["group"]}
    assert {"fresh", "brand", "price"} <= set(left)
    assert left["brand"].startswith("differs within a request")
    return left


def test_known_structure_is_found_imported_built_and_found_again(tmp_path):
    write_rows(tmp_path / "rows.parquet")
    command = ["advise", "rows.parquet", *FLAGS]
    advice = json.loads(succeed(*command, "--json", cwd=tmp_path))
    left = expect_known_structure(advice)
    assert "imported" in left["place"]
    assert advice["samples_of_a_session"]["row_group"] == 16
    assert advice["sampled"]["sessions"] == SESSIONS

    mapping = succeed(*command, "--toml", cwd=tmp_path)
    assert mapping == advice["mapping"]
    assert succeed(*command, cwd=tmp_path).endswith(mapping)
    (tmp_path / "mapping.toml").write_text(COLUMNS + mapping)
    succeed("import", "parquet", "rows.parquet", "logs", "--mapping", "mapping.toml", cwd=tmp_path)
    succeed("build", "logs", "table", "--partition", "none", cwd=tmp_path)
    manifest = json.loads((tmp_path / "table/_onefold.json").read_text())
    assert manifest["schema"]["windowed_groups"] == [advice["groups"][0]["name"]]
    succeed("table", "verify", "table", cwd=tmp_path)

    again = json.loads(succeed("advise", "table", "--json", cwd=tmp_path))
    assert again["fold"] is None
    expect_known_structure(again)
    assert {f["name"]: f["current_group"] for f in again["features"]} == {
        f["name"]: f["group"] for f in advice["features"] if f["name"] != "place"
    }


def test_the_fold_command_runs_as_printed(tmp_path):
    write_rows(tmp_path / "the rows.parquet")
    command = ["advise", "the rows.parquet", *FLAGS]
    fold = json.loads(succeed(*command, "--json", cwd=tmp_path))["fold"]
    assert f"\n{fold}\n" in succeed(*command, cwd=tmp_path)
    program, *arguments = shlex.split(fold.replace("TABLE", "folded"))
    assert program == "onefold"
    report = json.loads(succeed(*arguments, "--json", cwd=tmp_path))
    assert {tuple(g["columns"]): g["windowed"] for g in report["groups"]} == {
        ("seen_id", "seen_dwell"): True,
        ("interests", "tags"): False,
    }
    # A user has two sessions: 2 * 77 values a column.
    seen = report["groups"][[g["windowed"] for g in report["groups"]].index(True)]
    assert seen["unique_value_bytes"] <= SESSIONS * (77 * 2 * 8 + 64)
    succeed("unfold", "folded", "back", cwd=tmp_path)
    rows = pq.read_table(tmp_path / "the rows.parquet")
    assert pq.read_table(tmp_path / "back").equals(rows)


def test_without_requests_nothing_is_said_about_the_log(tmp_path):
    write_rows(tmp_path / "rows.parquet")
    command = "advise rows.parquet --session sid --skip item,clicked,uid,rid,ts".split()
    advice = json.loads(succeed(*command, "--json", cwd=tmp_path))
    assert advice["saving"]["log"] is None
    assert groups_of(advice) == {("seen_id", "seen_dwell"): True, ("interests", "tags"): False}
    assert advice["mapping"].startswith("# Requests are not known")


def test_a_sample_of_sessions(tmp_path):
    write_rows(tmp_path / "rows.parquet")
    command = ["advise", "rows.parquet", *FLAGS, "--sample-sessions", 20]
    advice = json.loads(succeed(*command, "--json", cwd=tmp_path))
    assert 8 <= advice["sampled"]["sessions"] <= 35
    assert advice["sampled"]["samples"] == 16 * advice["sampled"]["sessions"]
    expect_known_structure(advice)


def test_options_that_do_not_fit(tmp_path):
    write_rows(tmp_path / "rows.parquet")
    fail(USAGE, "advise", "rows.parquet", cwd=tmp_path, saying=["--session", "rid"])
    options = ["--session", "sid", "--sample-sessions", 0]
    fail(USAGE, "advise", "rows.parquet", *options, cwd=tmp_path, saying="--sample-sessions")
    fail(DATA, "advise", "rows.parquet", "--session", "sid", "--skip", "x", cwd=tmp_path, saying="'x'")


def test_a_rankers_traffic(tmp_path):
    """276 features of `onefold synth`, which change in the groups that its log says."""
    ranker = pathlib.Path(__file__).parent.parent / "examples/synth/ranker.toml"
    succeed("synth", "logs", "--traffic", ranker, "--users", 60, cwd=tmp_path)
    succeed("build", "logs", "table", cwd=tmp_path)
    advice = json.loads(succeed("advise", "table", "--json", cwd=tmp_path))
    planted, found = {}, {}
    for feature in advice["features"]:
        if feature["name"].startswith(("history", "interest")):
            planted.setdefault(feature["current_group"], set()).add(feature["name"])
            found.setdefault(feature["group"], set()).add(feature["name"])
        elif feature["name"].startswith(("item", "counter")):
            assert not feature["group"], feature
    assert sorted(map(sorted, found.values())) == sorted(map(sorted, planted.values()))
    assert {g["name"]: g["windowed"] for g in advice["groups"] if g["name"] in found} == {
        name: "history" in min(features) for name, features in found.items()
    }
    for group in advice["groups"]:
        table = group["saving"]["table"]
        if group["windowed"]:  # the lists of a user's sessions merge, too
            assert table["measured"] > table["predicted"]
        else:
            assert table["measured"] == pytest.approx(table["predicted"], rel=0.15), group


def test_ebnerd(tmp_path):
    if not (SHARED / "ebnerd_demo/train/behaviors.parquet").exists():
        pytest.skip(f"EB-NeRD is not at {SHARED}")
    succeed("import", "ebnerd", SHARED / "ebnerd_demo", "logs", "--split", "train", cwd=tmp_path)
    succeed("build", "logs", "table", cwd=tmp_path)
    advice = json.loads(succeed("advise", "table", "--json", cwd=tmp_path))
    # Histories are the same in all sessions of a user.
    history = advice["groups"][0]
    assert set(history["features"]) >= {
        "history_article_id", "history_time", "history_read_time", "history_scroll"
    }
    assert not history["windowed"]
    assert history["saving"]["lookup"]["measured"] > 15
    assert history["saving"]["log"]["measured"] > 8


def test_kuairand(tmp_path):
    if not (SHARED / "kuairand_pure/impressions.csv.zst").exists():
        pytest.skip(f"KuaiRand-Pure is not at {SHARED}")
    succeed("import", "kuairand", SHARED / "kuairand_pure", "logs", cwd=tmp_path)
    succeed("build", "logs", "table", "--partition", "none", cwd=tmp_path)
    advice = json.loads(succeed("advise", "table", "--json", cwd=tmp_path))
    # Sessions of 1.18 samples, each with another history; but a user's sessions lie side by side.
    assert groups_of(advice) == {("history_video_id", "history_author"): True}
    saving = advice["saving"]
    assert saving["table"]["measured"] > 4 * saving["table"]["predicted"]
    reasons = {f["name"]: f["reason"] for f in advice["features"]}
    assert reasons["author"].startswith("differs within a request")
