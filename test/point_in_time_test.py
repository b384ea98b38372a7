# SPDX-License-Identifier: Apache-2.0
"""Point in time, through the program: events and versions that come later reach no earlier sample,
and every adapter trains on what is joined."""
import datetime
import json
import pathlib

import pyarrow.parquet as pq
import pytest
from program import run, succeed

FIRST = datetime.datetime(2024, 1, 12, tzinfo=datetime.timezone.utc)
SECOND = datetime.datetime(2024, 1, 14, tzinfo=datetime.timezone.utc)
LAST = datetime.datetime(2024, 2, 1, tzinfo=datetime.timezone.utc)  # after the log

MODEL = """
[model]
dim = 8
labels = ["click"]
[[table]]
name = "item"
rows = 1000
[[feature]]
name = "item_id"
table = "item"
"""

UPSTREAM = """
[upstream]
timelines = "timelines"
slices = "slices.toml"
dim = 32
tokens = 4
item_rows = 500
"""

SLICES = """
[[slice]]
name     = "watched"
timeline = "implicit"
dwell    = [{ min = 10 }, { max = 10 }]
window   = ["full", "3d"]
"""

HISTORY = """
[[feature]]
name = "history_item_id"
table = "item"
[[block]]
name = "h"
type = "transformer"
group = "history"
features = ["history_item_id"]
"""


def stamp(time):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def config(data, rest, checkpoint):
    return (
        f"[data]\n{data}\n{MODEL}{rest}\n[train]\nmax_steps = 3\nthreads = 1\nlog_every = 1\n"
        f'[checkpoint]\ndirectory = "{checkpoint}"\n'
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Logs of days 11 to 15, events of days 1 to 15, and an encoder trained for three steps."""
    root = tmp_path_factory.mktemp("point_in_time")
    succeed("synth", "logs", "--events", "events", "--users", 60, "--min-events", 30, "--mean-events",
            60, "--max-events", 200, "--items", 300, "--topics", 8, "--authors", 16, "--days", 15,
            "--ranking-days", 5, "--history-length", 20, cwd=root)  # fmt: skip
    succeed("build", "logs", "table", cwd=root)
    mapping = next((root / "events").glob("*.toml"))
    days = sorted((root / "events").glob("*.parquet"))
    early = [day for day in days if day.stem < FIRST.strftime("%Y-%m-%d")]
    assert 0 < len(early) < len(days)
    succeed("timeline", "build", *days, "timelines", "--mapping", mapping, cwd=root)
    succeed("timeline", "build", *early, "early", "--mapping", mapping, cwd=root)
    (root / "slices.toml").write_text(SLICES)
    (root / "upstream.toml").write_text(config('table = "table"', UPSTREAM, "upstream"))
    succeed("train", "upstream.toml", cwd=root)
    generate(root, "timelines", "store", FIRST)
    generate(root, "timelines", "store", SECOND)
    publish(root, "v000001", FIRST)
    publish(root, "v000002", SECOND)
    succeed("build", "logs", "joined", "--embeddings", "store", cwd=root)
    return root


def generate(root, timelines, store, as_of):
    succeed("embed", "generate", "upstream", timelines, store, "--as-of", stamp(as_of), cwd=root)


def publish(root, version, at):
    succeed("embed", "publish", "store", version, "--at", stamp(at), "--force", cwd=root)


def words_of(root, store, version):
    files = sorted((root / store / version).glob("part-*.parquet"))
    rows = [row for file in files for row in pq.read_table(file).to_pylist()]
    return {row["user_id"]: row["embedding"] for row in rows}


def files_of(table):
    return {
        str(path.relative_to(table)): path.read_bytes()
        for path in sorted(pathlib.Path(table).rglob("*"))
        if path.is_file()
    }


def test_later_events_do_not_reach_an_earlier_version(place):
    """The same encoder, on timelines that end where the version's events end."""
    generate(place, "early", "store_of_early", FIRST)
    assert words_of(place, "store_of_early", "v000001") == words_of(place, "store", "v000001")
    assert words_of(place, "store", "v000001") != words_of(place, "store", "v000002")


def test_each_sample_has_the_version_of_its_time(place):
    versions = [words_of(place, "store", version) for version in ("v000001", "v000002")]
    counts = [0, 0, 0]
    for samples in sorted((place / "joined").rglob("*.samples.parquet")):
        payload = samples.with_name(samples.name.replace("samples", "user_embedding"))
        words = {row["ref"]: row["user_embedding_words"] for row in pq.read_table(payload).to_pylist()}
        table = pq.read_table(samples, columns=["user_id", "time", "user_embedding.ref"])
        for row in table.to_pylist():
            live = (row["time"] >= FIRST) + (row["time"] >= SECOND)
            counts[live] += 1
            expected = versions[live - 1].get(row["user_id"], []) if live else []
            assert words[row["user_embedding.ref"]] == expected
    assert min(counts) > 0


def test_later_versions_and_rollbacks_do_not_change_a_table(place):
    generate(place, "timelines", "store", LAST)
    publish(place, "v000003", LAST)
    succeed("embed", "rollback", "store", cwd=place)  # now, long after the log
    succeed("build", "logs", "again", "--embeddings", "store", cwd=place)
    assert files_of(place / "again") == files_of(place / "joined")


@pytest.mark.parametrize(
    "embedding",
    ['adapter = "linear"\noutputs = 2', 'adapter = "gate"', 'adapter = "prepend"\ninto = "h"',
     'adapter = "none"\ndefault = "learned"'],
)  # fmt: skip
def test_every_adapter_trains_built_and_joined_alike(place, embedding):
    losses = []
    for data in ('table = "joined"', 'table = "table"\nembeddings = "store"'):
        rest = f"{HISTORY}[[embedding]]\n{embedding}\n"
        (place / "consumer.toml").write_text(config(data, rest, ""))
        (place / "report.json").unlink(missing_ok=True)  # reports are appended
        succeed("train", "consumer.toml", "--json", "report.json", cwd=place)
        events = [json.loads(line) for line in (place / "report.json").read_text().splitlines()]
        losses.append([event["loss"] for event in events if event["event"] == "step"])
    assert len(losses[0]) == 3
    assert losses[0] == losses[1]


def test_embeddings_of_another_upstream_model_are_refused(place):
    text = config('table = "table"', UPSTREAM, "other").replace("[train]", "[train]\nseed = 9")
    (place / "other.toml").write_text(text)
    succeed("train", "other.toml", cwd=place)
    succeed("embed", "generate", "other", "timelines", "mixed", "--as-of", stamp(FIRST), cwd=place)
    succeed("embed", "publish", "mixed", "v000001", "--at", stamp(FIRST), cwd=place)
    succeed("embed", "generate", "upstream", "timelines", "mixed", "--as-of", stamp(SECOND), cwd=place)
    succeed("embed", "publish", "mixed", "v000002", "--at", stamp(SECOND), "--force", cwd=place)
    refused = run("build", "logs", "joined", "--embeddings", "mixed", cwd=place)
    assert refused.returncode == 1
    assert "cannot be mixed: upstream model is" in refused.stderr
    assert (place / "joined" / "_onefold.json").is_file()
