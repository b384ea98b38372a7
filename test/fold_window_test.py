# SPDX-License-Identifier: Apache-2.0
"""`onefold fold --window`: lists that slide or grow are stored as windows on merged rows, and `unfold`
gives back the same files, as fold_test.py compares them."""
import json
import os
import random
import shutil
import subprocess

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fold_test import CONFIG, expect_identity, expect_same_files, expect_same_rows, trainable, write
from program import DATA, USAGE, fail, succeed

NUM_DATA_SETS = 40
LISTS = {  # element type -> a list column of it
    "int64": pa.list_(pa.int64()),
    "int8": pa.list_(pa.int8()),
    "uint32 large": pa.large_list(pa.uint32()),
    "double": pa.list_(pa.float64()),
    "required float": pa.list_(pa.field("element", pa.float32(), nullable=False)),
    "half": pa.list_(pa.float16()),
    "text": pa.list_(pa.string()),
    "time": pa.list_(pa.timestamp("us", "UTC")),
    "decimal": pa.list_(pa.decimal128(9, 2)),
    "flag": pa.list_(pa.bool_()),
    "pair": pa.list_(pa.struct([("a", pa.int32()), ("b", pa.string())])),
}


def element(kind, event):
    """What the event with this number is in a column of this kind; some are null."""
    if event % 7 == 3 and not kind.startswith("required"):
        return None
    if kind == "text":
        return f"æ{event % 40}"
    if kind == "pair":
        return {"a": event, "b": None if event % 2 else "x"}
    if kind == "flag":
        return event % 3 == 0
    if kind == "time":
        return event * 1_000_001
    number = event % 100
    return float(number) if kind in ("double", "required float", "half") else number


def histories(draw, num_rows, num_users):
    """(user, event numbers or None) of each row: lists that grow, slide, begin anew, are empty or null."""
    lists, event = [[] for _ in range(num_users)], 0
    rows = []
    for _ in range(num_rows):
        user = draw.randrange(num_users)
        for _ in range(draw.choice([0, 1, 1, 3])):
            lists[user] = lists[user] + [event := event + 1]
        chance = draw.random()
        if chance < 0.3:
            lists[user] = lists[user][-12:]
        if chance > 0.95:
            lists[user] = [event := event + 50 for _ in range(draw.randrange(20))]
        rows.append((user, None if 0.3 < chance < 0.36 else [] if 0.4 < chance < 0.44 else lists[user]))
    return sorted(rows, key=lambda row: row[0]) if draw.random() < 0.5 else rows


def generate(place, seed):
    """Some files with one to three list columns of the same events. Returns their names."""
    draw = random.Random(seed)
    kinds = draw.sample(sorted(LISTS), draw.randint(1, 3))
    newest_first = draw.random() < 0.3
    options = {"row_group_size": draw.choice([40, 1000]), "store_schema": draw.random() < 0.7}
    for number in range(draw.randint(1, 3)):
        rows = histories(draw, draw.choice([0, 1, 90, 150]), 6)
        users = [f"user {user}" if seed % 2 else user for user, _ in rows]
        columns = {"user": pa.array(users, pa.string() if seed % 2 else pa.int32())}
        for kind in kinds:
            column = []
            for _, events in rows:
                values = None if events is None else [element(kind, event) for event in events]
                if values and draw.random() < 0.02:
                    values = values[1:]  # not as long as the others
                column.append(values[::-1] if values and newest_first else values)
            columns[kind] = pa.array(column, LISTS[kind])
        columns["row"] = pa.array(range(len(rows)), pa.int64())
        write(place / f"source/day={number}/{number}.parquet", columns, **options)
    return kinds


def test_generated_histories(tmp_path):
    lines = []
    for seed in range(NUM_DATA_SETS):
        place = tmp_path / str(seed)
        kinds = generate(place, seed)
        words = [f"window:{','.join(kinds)}"] if seed % 3 else [f"window:{kind}" for kind in kinds]
        words += ["user:user"] if seed % 4 else []
        lines.append("\t".join([f"{place}/source", f"{place}/table", f"{place}/copy", *words]))
    subprocess.run([os.environ["ONEFOLD_FOLD_MANY"]], input="\n".join(lines), text=True, check=True)
    for seed in range(NUM_DATA_SETS):
        expect_same_files(tmp_path / str(seed))
        manifest = json.loads((tmp_path / str(seed) / "table/_onefold.json").read_text())
        assert len(manifest["source"]["windowed_groups"]) >= 1


def grown(num_users=20, rows_each=30):
    """Each user's list grows by two events a row, and both columns with it."""
    users = [row // rows_each for row in range(num_users * rows_each)]
    events = [[user * 1000 + e for e in range(row % rows_each * 2 + 1)] for row, user in enumerate(users)]
    return {
        "uid": users,
        "items": pa.array(events, pa.list_(pa.int64())),
        "times": pa.array([[e / 4 for e in row] for row in events], pa.list_(pa.float64())),
        "row": list(range(len(users))),
    }


def test_what_is_stored_and_what_windows_save(tmp_path):
    columns = grown()
    write(tmp_path / "source/x.parquet", columns)
    report = expect_identity(tmp_path, "--window", "history=items,times", "--user", "uid")
    (group,) = report["groups"]
    assert (group["group"], group["samples"], group["windows"], group["unique"]) == ("history", 600, 600, 20)
    assert group["value_bytes"] == group["distinct_value_bytes"] > 15 * group["unique_value_bytes"]
    payload = pq.read_table(tmp_path / "table/part-00000.history.parquet")
    assert payload.column_names == ["ref", "items", "times"]
    assert payload["items"].to_pylist() == [columns["items"][29 + 30 * user].as_py() for user in range(20)]
    samples = pq.read_table(tmp_path / "table/part-00000.samples.parquet")
    assert samples.column_names == ["uid", "row", "history.ref", "history.start", "history.len"]
    # Any engine joins and slices, as docs/table_format.md says.
    cut = "list_slice(p.{0}, s.\"history.start\" + 1, s.\"history.start\" + s.\"history.len\") AS {0}"
    duckdb.sql(
        f"""COPY (SELECT uid, {cut.format('items')}, {cut.format('times')}, row
                  FROM '{tmp_path}/table/*.samples.parquet' s
                  JOIN '{tmp_path}/table/*.history.parquet' p ON s."history.ref" = p.ref ORDER BY row)
            TO '{tmp_path}/joined.parquet'"""
    )
    expect_same_rows(tmp_path / "source/x.parquet", tmp_path / "joined.parquet")
    shown = json.loads(succeed("table", "show", "table", "--json", cwd=tmp_path))
    assert shown["format_version"] == 2 and shown["source"]["windowed_groups"] == ["history"]
    assert "600 different windows" in succeed("table", "show", "table", cwd=tmp_path)
    text = succeed("fold", "source", "again", "--window", "items,times", cwd=tmp_path)
    assert "group window0 (windowed): items, times" in text and "saved by windows" not in text
    assert "-> 600 distinct (1.0x) -> 20 merged (30.0x)" in text and "of them by windows" in text


def test_null_is_not_empty_and_lists_without_overlap_are_kept(tmp_path):
    lists = [[1, 2], None, [], [1, 2, 3], None, [7], [2, 3, 4], [None, 7]]
    write(tmp_path / "source/x.parquet", {"seen": pa.array(lists, pa.list_(pa.int32()))})
    expect_identity(tmp_path, "--window", "seen")
    payload = pq.read_table(tmp_path / "table/part-00000.window0.parquet")["seen"].to_pylist()
    assert sorted(payload, key=str) == sorted([[1, 2, 3, 4], None, [None, 7]], key=str)


def test_lists_of_a_fixed_size(tmp_path):
    kind = pa.list_(pa.float32(), 4)
    lists = [[float(i), i + 1.0, i + 2.0, i + 3.0] for i in range(40)]
    lists[5] = None
    write(tmp_path / "source/x.parquet", {"last": pa.array(lists, kind)})
    report = expect_identity(tmp_path, "--window", "last")
    assert report["groups"][0]["unique"] == 2  # one is the null
    assert pq.read_schema(tmp_path / "copy/x.parquet").field("last").type == kind


def test_other_groups_are_chosen_or_named(tmp_path):
    columns = grown() | {"tags": [["long tag"] * 20] * 600}
    write(tmp_path / "source/x.parquet", columns)
    report = expect_identity(tmp_path, "--window", "items", "--window", "times", "--user", "uid")
    found = {tuple(g["columns"]): (g["group"], g["windowed"]) for g in report["groups"]}
    assert found == {
        ("items",): ("window0", True),
        ("times",): ("window1", True),
        ("tags",): ("group0", False),
    }
    shutil.rmtree(tmp_path / "copy")
    report = expect_identity(tmp_path, "--window", "items", "--group", "t=times", "--user", "uid")
    assert [group["columns"] for group in report["groups"]] == [["times"], ["items"]]


def test_whose_lists_are_merged(tmp_path):
    """Users whose rows alternate, eight of them: more than rows are tried without knowing the user."""
    columns = grown(8)
    order = [user * 30 + row for row in range(30) for user in range(8)]
    write(tmp_path / "source/x.parquet", pa.table(columns).take(order).to_pydict())

    def rows(*options):
        command = ("fold", "source", "t", "--window", "items", *options, "--json")
        report = json.loads(succeed(*command, cwd=tmp_path))
        return next(group["unique"] for group in report["groups"] if group["windowed"])

    assert rows("--user", "uid") == rows("--session", "uid") == 8
    assert rows() > 100


def test_training_reads_windows(tmp_path):
    """The same losses as from the exact table."""
    rows = trainable()
    viewed = pa.array([list(range(i // 30, i // 30 + i % 30)) for i in range(300)], pa.list_(pa.int64()))
    notes = pa.array([[f"note {v}" for v in row] + ["more"] for row in viewed.to_pylist()])
    rows = rows.set_column(rows.schema.get_field_index("viewed"), "viewed", viewed)
    rows = rows.set_column(rows.schema.get_field_index("note"), "note", notes)
    (tmp_path / "source").mkdir()
    pq.write_table(rows, tmp_path / "source/x.parquet")
    losses = []
    for options in (["--window", "h=viewed,note"], ["--group", "h=viewed,note"]):
        for name in ("copy", "table", "checkpoints"):
            shutil.rmtree(tmp_path / name, ignore_errors=True)
        report = expect_identity(tmp_path, *options, "--label", "click")
        assert report["missing_keys"] == []
        seen = json.loads(succeed("inspect", "table", "--json", cwd=tmp_path))
        assert (seen["samples"], seen["sessions"], seen["positives"]) == (300, 10, 60)
        (tmp_path / "train.toml").write_text(CONFIG.replace("max_steps = 2", "max_steps = 2\nlog_every = 1"))
        events = [json.loads(line) for line in succeed("train", "train.toml", cwd=tmp_path).splitlines()]
        assert (events[-1]["event"], events[-1]["steps"]) == ("done", 2)
        losses.append([event["loss"] for event in events if "loss" in event])
        succeed("table", "verify", "table", cwd=tmp_path)
    assert losses[0] and losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_a_built_table_with_windows_unfolds(tmp_path):
    synth = ("--users", 20, "--items", 50, "--list-length", 5, "--sessions-per-user", 2)
    succeed("synth", "log", *synth, cwd=tmp_path)
    succeed("build", "log", "table", "--partition", "none", "--window", "history", cwd=tmp_path)
    succeed("build", "log", "plain", "--partition", "none", "--layout", "plain", cwd=tmp_path)
    succeed("unfold", "table", "copy", cwd=tmp_path)
    expect_same_rows(*sorted(tmp_path.glob("*/part-00000.parquet")))


def damage(table, column, row, value):
    """Changes one number of the samples file, and makes the manifest agree with the new file."""
    path = table / "part-00000.samples.parquet"
    samples = pq.read_table(path)
    values = samples[column].to_pylist()
    values[row] = value
    index = samples.column_names.index(column)
    samples = samples.set_column(index, samples.schema.field(index), pa.array(values, pa.int64()))
    pq.write_table(samples, path)
    manifest = json.loads((table / "_onefold.json").read_text())
    manifest.pop("checksum")
    part = manifest["parts"][0]
    for entry in [part["samples"], *part["groups"]]:
        entry.pop("xxh3")
    part["samples"]["bytes"] = path.stat().st_size
    (table / "_onefold.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("column, value", [("start", 58), ("start", -1), ("len", 61), ("len", -1)])
def test_a_window_outside_its_row(tmp_path, column, value):
    write(tmp_path / "source/x.parquet", grown())
    succeed("fold", "source", "t", "--window", "h=items,times", "--user", "uid", cwd=tmp_path)
    damage(tmp_path / "t", f"h.{column}", 100, value)
    words = ("part-00000.samples.parquet", "sample 100", f"'h.{column}'", "which has 59")
    fail(DATA, "unfold", "t", "copy", cwd=tmp_path, saying=words)
    fail(DATA, "table", "verify", "t", cwd=tmp_path, saying="part-00000.samples.parquet")


def test_errors(tmp_path):
    columns = grown(2) | {"map": pa.array([[("k", 1)]] * 60, pa.map_(pa.string(), pa.int8()))}
    write(tmp_path / "source/x.parquet", columns)

    def refuse(code, *options, saying):
        fail(code, "fold", "source", "t", *options, cwd=tmp_path, saying=saying)

    refuse(DATA, "--window", "items,nothing", saying=("'nothing'", "uid, items"))
    refuse(DATA, "--window", "uid", saying=("'uid'", "int64", "--group"))
    refuse(DATA, "--window", "map", saying=("'map'", "map<string", "--group"))
    refuse(DATA, "--window", "items", "--user", "who", saying=("'who'", "--user"))
    refuse(USAGE, "--window", ",", saying="COLUMN,COLUMN")
    refuse(USAGE, "--window", "items", "--group", "g=items", saying="'items'")
    refuse(USAGE, "--window", "row=items", saying="'row'")
    refuse(USAGE, "--user", "uid", saying="--window")
