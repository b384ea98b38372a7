# SPDX-License-Identifier: Apache-2.0
"""Timelines and slices as a user meets them: built from CSV and from a log, appended to, shown, and
read by DuckDB with the query of docs/timeline_format.md."""
import json
import pathlib
import random
import re

import duckdb
import pytest
from program import DATA, USAGE, fail, succeed

MAPPING = """
[columns]
user       = "user"
item       = "video"
time       = { column = "at", unit = "s" }
watch_time = "watched"
[action]
every_row = "impression"
flags     = { liked = "like" }
[timelines]
explicit = ["like"]
implicit = ["impression"]
"""

SLICES = """
[[slice]]
name     = "liked"
timeline = "explicit"
window   = ["full", "1d"]
[[slice]]
name     = "dwelt"
timeline = "implicit"
dwell    = { min = 10 }
"""

DAY = 86400


def rows_of_day(day, users=40, count=800):
    """(user, video, at, watched, liked), all different in (user, video, at)."""
    rng = random.Random(day)
    rows = {}
    for _ in range(count):
        key = (rng.randrange(users), rng.randrange(100), day * DAY + rng.randrange(DAY))
        rows[key] = (*key, rng.randrange(40), int(rng.random() < 0.2))
    return list(rows.values())


def write_day(place, day):
    lines = ["user,video,at,watched,liked", *(",".join(map(str, row)) for row in rows_of_day(day))]
    path = place / f"day{day}.csv"
    path.write_text("\n".join(lines) + "\n")
    return path.name


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """timelines: three days, the last one appended twice; at most 30 implicit events a user."""
    root = tmp_path_factory.mktemp("timelines")
    (root / "mapping.toml").write_text(MAPPING)
    (root / "slices.toml").write_text(SLICES)
    days = [write_day(root, day) for day in range(3)]
    caps = ("--max-implicit", 30)
    build = ("timeline", "build", days[0], "timelines", "--mapping", "mapping.toml", *caps)
    (root / "build.json").write_text(succeed(*build, "--json", cwd=root))
    for name, day in (("first", 1), ("second", 2), ("again", 2)):
        append = ("timeline", "append", days[day], "timelines", "--json")
        (root / f"{name}.json").write_text(succeed(*append, cwd=root))
    return root


def expected_timelines():
    """{user: newest 30 (at, video) of impressions}."""
    users = {}
    for day in range(3):
        for user, video, at, _, _ in rows_of_day(day):
            users.setdefault(user, []).append((at, video))
    return {user: sorted(events)[-30:] for user, events in users.items()}


def test_everything_read_is_kept_or_counted(place):
    kept = 0
    for name in ("build", "first", "second", "again"):
        report = json.loads((place / f"{name}.json").read_text())
        kept += report["events_read"] - sum(report["dropped"].values())
        held = report["timelines"]
        assert kept == held["explicit"]["events"] + held["implicit"]["events"]
    assert report["dropped"]["duplicate"] + report["dropped"]["over_cap"] == report["events_read"]
    assert report["users_touched"] == 0
    assert held["implicit"]["events"] == sum(map(len, expected_timelines().values()))


def test_show_one_user(place):
    show = ("timeline", "show", "timelines", "--user", 7, "--newest", 5, "--json")
    shown = json.loads(succeed(*show, cwd=place))
    newest = expected_timelines()[7][-5:]
    seen = [(e["time_us"] // 1000000, e["item"]) for e in shown["implicit"]["newest"]]
    assert sorted(seen) == newest and shown["implicit"]["num_events"] == 30
    assert {e["action"] for e in shown["explicit"]["newest"]} == {"like"}
    assert "all checksums are right" in succeed("timeline", "show", "timelines", "--verify", cwd=place)


def test_duckdb_reads_them_as_documented(place):
    page = pathlib.Path(__file__).parent.parent / "docs" / "timeline_format.md"
    query = re.search(r"```sql\n(.*?)```", page.read_text(), re.DOTALL).group(1)
    query = query.replace("TIMELINES", str(place / "timelines")).rstrip().rstrip(";")
    found = duckdb.sql(f"SELECT epoch_us(seen_at) // 1000000, item FROM ({query})").fetchall()
    assert sorted(found) == expected_timelines()[7][-10:]


def test_slice_stats(place):
    stats = ("slice", "stats", "timelines", "--slices", "slices.toml")
    report = json.loads(succeed(*stats, "--json", cwd=place))
    events = {s["name"]: s["events"] for s in report["slices"]}
    assert events["liked.full"] == report["events"]["explicit"] > events["liked.1d"] > 0
    assert 0 < events["dwelt"] < report["events"]["implicit"]
    earlier = json.loads(succeed(*stats, "--cutoff", "1970-01-01", "--json", cwd=place))
    assert all(s["events"] == 0 for s in earlier["slices"])
    assert report["version"] in succeed(*stats, cwd=place)


def test_from_a_log_without_a_mapping(tmp_path):
    small = ("--users", 30, "--items", 50, "--list-length", 5, "--sessions-per-user", 2)
    synth = json.loads(succeed("synth", "log", *small, "--json", cwd=tmp_path))
    report = json.loads(succeed("timeline", "build", "log", "t", "--json", cwd=tmp_path))
    assert report["events_read"] >= synth["clicks"] > 0
    assert sum(report["dropped"].values()) == report["dropped"]["duplicate"]


def test_bad_input(place, tmp_path):
    for name in ("day0.csv", "mapping.toml", "slices.toml"):
        (tmp_path / name).write_text((place / name).read_text())
    build = ("timeline", "build", "day0.csv", "t")
    fail(USAGE, *build, cwd=tmp_path, saying="--mapping")
    fail(DATA, *build, "--mapping", "none.toml", cwd=tmp_path, saying="none.toml")
    fail(DATA, "timeline", "build", "none.csv", "t", cwd=tmp_path, saying="none.csv")
    fail(DATA, "timeline", "append", "day0.csv", "t", cwd=tmp_path, saying="_timeline.json")
    fail(DATA, "timeline", "show", "t", cwd=tmp_path, saying="_timeline.json")
    fail(USAGE, "timeline", "build", "day0.csv", cwd=tmp_path)
    fail(USAGE, "timeline", "build", "day0.csv", ".", "--mapping", "mapping.toml", cwd=tmp_path,
         saying="left alone")
    (tmp_path / "bad.toml").write_text(MAPPING.replace("watched", "seen"))
    fail(DATA, *build, "--mapping", "bad.toml", cwd=tmp_path, saying=("day0.csv", "seen"))
    (tmp_path / "bad.toml").write_text(MAPPING.replace("every_row", "each_row"))
    fail(USAGE, *build, "--mapping", "bad.toml", cwd=tmp_path, saying=("bad.toml:8", "each_row"))
    stats = ("slice", "stats", place / "timelines", "--slices")
    fail(DATA, *stats, "short_vidoe", cwd=tmp_path, saying="short_video, news")
    (tmp_path / "bad.toml").write_text(SLICES.replace("1d", "1 day"))
    fail(USAGE, *stats, "bad.toml", cwd=tmp_path, saying=("bad.toml:5", "liked", "1 day"))
    fail(USAGE, *stats, "slices.toml", "--cutoff", "tomorrow", cwd=tmp_path, saying="tomorrow")
