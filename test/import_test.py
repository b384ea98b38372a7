# SPDX-License-Identifier: Apache-2.0
"""People's own Parquet, CSV and JSON rows into a log and a table: what goes in comes out, and what does
not is counted with a reason."""
import json
import os
import pathlib
import re
import subprocess
import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from program import BIN, DATA, USAGE, fail, succeed

MAPPING = """
[columns]
user = "user_id"
item = "item_id"
time = { column = "ts", unit = "s" }
request = "impression_id"

[labels]
click = "is_click"
[labels.values]
watch = "seconds"

[[feature]]
column = "history"
kind = "id_list"
scope = "user"
group = "user_history"
SEPARATOR

[[feature]]
column = "age"
kind = "dense"
scope = "user"

[[feature]]
column = "brand"
kind = "id"
hash = true

[[feature]]
column = "price"
kind = "dense"
"""
PARQUET = MAPPING.replace("SEPARATOR", "")
CSV = MAPPING.replace("SEPARATOR", 'separator = " "')

NAMES = (
    "impression_id user_id item_id ts is_click seconds history age brand price country".split()
)
HOUR = 3600
# user 7 comes back after half a second and after two hours; 9 has no history.
ROWS = [
    (50, 7, 100, 1000, 1, 12.5, [1, 2, 3], 30.0, "acme", 1.5, "dk"),
    (50, 7, 101, 1000, 0, 0.0, [1, 2, 3], 30.0, "bolt", 2.5, "dk"),
    (40, 9, 100, 1100, 0, 0.0, [], 41.0, "acme", 1.5, "no"),
    (60, 7, 102, 1200, 0, 3.0, [1, 2, 3], 30.0, "acme", None, "dk"),
    (70, 7, 100, 1200 + 2 * HOUR, 1, 1.0, [1, 2, 3, 100], 30.0, None, 1.5, "dk"),
]


def write_parquet(path, rows):
    pq.write_table(pa.table({name: [r[i] for r in rows] for i, name in enumerate(NAMES)}), path)


def cell(value):
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "" if value is None else str(value)


def write_csv(path, rows, delimiter=","):
    lines = [delimiter.join(map(cell, row)) for row in [NAMES, *rows]]
    path.write_text("\n".join(lines) + "\n")


def write_jsonl(path, rows):
    path.write_text("".join(json.dumps(dict(zip(NAMES, row))) + "\n" for row in rows))


def rejects(tmp_path, log="log"):
    """(row, reason, text) of the rows put aside."""
    path = tmp_path / log / "rejects.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [(r["row"], r["reason"], r.get("text")) for r in map(json.loads, lines)]


def load(tmp_path, kind, *paths, mapping, log="log"):
    (tmp_path / "mapping.toml").write_text(mapping)
    out = succeed(
        "import", kind, *paths, log, "--mapping", "mapping.toml", "--shards", 2, "--json", cwd=tmp_path
    )
    return json.loads(out)


def samples(tmp_path, log="log"):
    """The samples of a plain table built from the log."""
    succeed("build", log, f"table_{log}", "--layout", "plain", cwd=tmp_path)
    return duckdb.sql(
        f"select * from '{tmp_path}/table_{log}/**/*.parquet' order by request_id, item_id"
    ).fetchall(), duckdb.sql(f"select * from '{tmp_path}/table_{log}/**/*.parquet'").columns


def as_dicts(tmp_path, log="log"):
    rows, names = samples(tmp_path, log)
    return [dict(zip(names, row)) for row in rows]


def test_parquet_to_samples(tmp_path):
    write_parquet(tmp_path / "rows.parquet", ROWS)
    counts = load(tmp_path, "parquet", "rows.parquet", mapping=PARQUET)
    assert counts["rows"] == counts["candidates"] == 5
    assert counts["requests"] == 4
    assert counts["events"] == 2 + 3  # clicks, and watch times that are not 0
    assert counts["left_out"] == {} and counts["differing_rows"] == 0
    assert counts["unused_columns"] == ["country"]

    got = as_dicts(tmp_path)
    want = sorted(ROWS, key=lambda row: (row[0], row[2]))
    assert [(r["request_id"], r["user_id"], r["item_id"]) for r in got] == [
        (r[0], r[1], r[2]) for r in want
    ]
    assert [list(r["history"]) for r in got] == [r[6] for r in want]
    assert [(r["click"], r["watch"], r["age"]) for r in got] == [(r[4], r[5], r[7]) for r in want]
    assert [r["time"].timestamp() for r in got] == [r[3] for r in want]
    assert all((g["price"] == w[9]) or w[9] is None for g, w in zip(got, want))
    brands = {(w[8], g["brand"]) for g, w in zip(got, want)}
    assert len(brands) == 3 and (None, None) in brands  # one hash for each text
    by_request = {r["request_id"]: r["session_id"] for r in got}
    assert by_request[50] == by_request[60]  # 200 s apart
    assert len(set(by_request.values())) == 3  # user 9, and user 7 again after 2 hours


@pytest.mark.parametrize("name", ["rows.csv", "rows.tsv"])
def test_csv_gives_the_same_samples(tmp_path, name):
    write_parquet(tmp_path / "rows.parquet", ROWS)
    write_csv(tmp_path / name, ROWS, "\t" if name.endswith("tsv") else ",")
    load(tmp_path, "parquet", "rows.parquet", mapping=PARQUET, log="a")
    load(tmp_path, "csv", name, mapping=CSV, log="b")
    assert repr(samples(tmp_path, "a")) == repr(samples(tmp_path, "b"))  # NaN, too


def test_jsonl_gives_the_same_samples(tmp_path):
    write_parquet(tmp_path / "rows.parquet", ROWS)
    write_jsonl(tmp_path / "rows.jsonl", ROWS)
    load(tmp_path, "parquet", "rows.parquet", mapping=PARQUET, log="a")
    counts = load(tmp_path, "jsonl", "rows.jsonl", mapping=PARQUET, log="b")
    assert counts["unused_columns"] == ["country"] and counts["left_out"] == {}
    assert repr(samples(tmp_path, "a")) == repr(samples(tmp_path, "b"))
    assert rejects(tmp_path, "b") == []


def test_jsonl_lines_put_aside(tmp_path):
    write_jsonl(tmp_path / "rows.jsonl", ROWS)
    good = (tmp_path / "rows.jsonl").read_text().splitlines()
    bad = ["{", "[1, 2]", good[3].replace("[1, 2, 3]", "7"), good[3].replace('"acme"', "{}"), "\xff"]
    lines = [*good[:3], *bad, "", good[3].replace("102", '"x"'), *good[3:]]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines), encoding="latin-1")  # no end of line
    counts = load(tmp_path, "jsonl", "rows.jsonl", mapping=PARQUET)
    assert (counts["rows"], counts["candidates"], counts["rejects"]) == (11, 5, 6)
    assert counts["left_out"] == {"unparsable": 6}
    assert [row for row, _, _ in rejects(tmp_path)] == [4, 5, 6, 7, 8, 10]
    texts = [text for _, _, text in rejects(tmp_path)]
    assert texts == [*bad[:4], "\ufffd", None]
    again = ("import", "jsonl", "rows.jsonl", "log", "--mapping", "mapping.toml", "--max-rejects")
    fail(DATA, *again, 5, cwd=tmp_path, saying=["more than 5 rows", "rows.jsonl: row 4: not JSON"])
    succeed(*again, 6, cwd=tmp_path)


def test_jsonl_key_that_no_line_has(tmp_path):
    write_jsonl(tmp_path / "rows.jsonl", ROWS)
    (tmp_path / "mapping.toml").write_text(PARQUET.replace('"price"', '"prize"'))
    arguments = ("import", "jsonl", "rows.jsonl", "log", "--mapping", "mapping.toml")
    fail(USAGE, *arguments, cwd=tmp_path, saying=["mapping.toml", "'prize'", "'price'"])


def test_many_blocks(tmp_path):
    """More rows than a batch, and row numbers right after malformed ones in all of them."""
    rows = [(i, 7, 100, i, 0, 0, [1], 30, "a", 1, "dk") for i in range(60_000)]
    at = [5, 6, 30_000, 59_999]
    write_csv(tmp_path / "rows.csv", rows)
    write_jsonl(tmp_path / "rows.jsonl", rows)
    for name in ("rows.csv", "rows.jsonl"):
        lines = (tmp_path / name).read_text().splitlines()
        for row in at:
            lines[row - (name == "rows.jsonl")] = "x,y"
        lines[40_000] = lines[40_000].replace("100", '"q"', 1)
        (tmp_path / name).write_text("\n".join(lines) + "\n")
        kind, mapping = ("csv", CSV) if name == "rows.csv" else ("jsonl", PARQUET)
        counts = load(tmp_path, kind, name, mapping=mapping)
        assert counts["rows"] == 60_000 and counts["candidates"] == 60_000 - 5
        wrong = 40_000 if name == "rows.csv" else 40_001
        assert sorted(rejects(tmp_path)) == [
            (row, "unparsable", None if row == wrong else "x,y") for row in sorted([*at, wrong])
        ]


def test_directory_of_files_and_compression(tmp_path):
    (tmp_path / "rows").mkdir()
    write_parquet(tmp_path / "rows" / "a.parquet", ROWS[:1])
    write_parquet(tmp_path / "rows" / "b.parquet", ROWS[1:])  # a request across two files
    counts = load(tmp_path, "parquet", "rows", mapping=PARQUET)
    assert (counts["files"], counts["requests"], counts["candidates"]) == (2, 4, 5)
    write_csv(tmp_path / "plain.csv", ROWS)
    with pa.CompressedOutputStream(str(tmp_path / "rows.csv.zst"), "zstd") as out:
        out.write((tmp_path / "plain.csv").read_bytes())
    load(tmp_path, "csv", "rows.csv.zst", mapping=CSV, log="b")
    assert repr(samples(tmp_path)) == repr(samples(tmp_path, "b"))


def test_requests_by_user_and_time(tmp_path):
    write_parquet(tmp_path / "rows.parquet", ROWS)
    mapping = PARQUET.replace('request = "impression_id"', "")
    counts = load(tmp_path, "parquet", "rows.parquet", mapping=mapping)
    assert counts["requests"] == 4
    assert "impression_id" in counts["unused_columns"]
    assert sorted({r["request_id"] for r in as_dicts(tmp_path)}) == [1, 2, 3, 4]


def test_kinds_by_type(tmp_path):
    table = pa.table(
        {
            "user": ["ann", "ann"], "item": [1, 2], "time": pa.array([5, 5], pa.timestamp("ms")),
            "i": [3, None], "f": [0.5, 1.5], "b": [True, False],
            "il": [[1], []], "fl": [[0.5], [1.5, 2.5]], "s": [["x", "y"], ["x"]],
        }
    )  # fmt: skip
    pq.write_table(table, tmp_path / "rows.parquet")
    mapping = '[columns]\nuser = {column = "user", hash = true}\nitem = "item"\ntime = "time"\n'
    for name in ("i", "f", "b", "il", "fl", "s"):
        mapping += f'[[feature]]\ncolumn = "{name}"\n' + ("hash = true\n" if name == "s" else "")
    load(tmp_path, "parquet", "rows.parquet", mapping=mapping)
    schema = json.loads((tmp_path / "log" / "_log.json").read_text())["schema"]
    kinds = {feature["name"]: feature["kind"] for feature in schema["features"]}
    assert kinds == {
        "i": "id", "f": "dense", "b": "dense", "il": "id_list", "fl": "float_list", "s": "id_list"
    }  # fmt: skip
    one, two = as_dicts(tmp_path)
    assert (one["i"], two["i"], one["b"], two["f"]) == (3, None, 1.0, 1.5)
    assert one["s"][0] == two["s"][0] != one["s"][1]
    assert one["time"].microsecond == 5000 and one["user_id"] == two["user_id"]


def test_rows_left_out_are_counted(tmp_path):
    rows = [list(row) for row in ROWS]
    rows.append([50, 7, 103, 1000, 0, 0, [1], 30, "a", 1, "dk"])  # not next to its request
    rows.append([80, 8, 100, 9000, 0, 0, [1], 30, "a", 1, "dk"])
    rows.append([80, 8, 100, 9000, 1, 0, [1], 30, "a", 1, "dk"])  # twice
    rows.append([80, 6, 101, 9000, 1, 0, [1], 30, "a", 1, "dk"])  # another user
    rows.append([80, 8, 102, 9000, 0, 0, [2], 30, "a", 1, "dk"])  # another history: kept
    rows.append([81, None, 100, 9000, 0, 0, [1], 30, "a", 1, "dk"])
    rows.append([81, 8, "x", 9000, 0, 0, [1], 30, "a", 1, "dk"])
    rows.append([81, 8, 100, 9000, 0, 0, [1, "z"], 30, "a", 1, "dk"])
    rows.append([81, 8, 100, "noon", 0, 0, [1], 30, "a", 1, "dk"])
    rows.append([81, 8, 100, 9000, "maybe", 0, [1], 30, "a", 1, "dk"])
    write_csv(tmp_path / "rows.csv", rows)
    with open(tmp_path / "rows.csv", "a", encoding="utf-8") as file:
        file.write("1,2,3\n")
    counts = load(tmp_path, "csv", "rows.csv", mapping=CSV)
    assert counts["left_out"] == {
        "not_adjacent": 1, "duplicate": 1, "other_user": 1, "no_user": 1, "unparsable": 5
    }  # fmt: skip
    assert counts["differing_rows"] == 1
    assert counts["rows"] == 16 == counts["candidates"] + sum(counts["left_out"].values())
    assert "rows.csv: row 12: 'item_id' is not an integer" in "\n".join(counts["examples"])
    assert sorted(rejects(tmp_path)) == [
        (6, "not_adjacent", None), (8, "duplicate", None), (9, "other_user", None),
        (11, "no_user", None), (12, "unparsable", None), (13, "unparsable", None),
        (14, "unparsable", None), (15, "unparsable", None), (16, "unparsable", "1,2,3"),
    ]  # fmt: skip
    kept = {(r["request_id"], r["item_id"]): list(r["history"]) for r in as_dicts(tmp_path)}
    assert kept[80, 102] == [1]  # of the request's first row
    assert len(kept) == 7


@pytest.mark.parametrize(
    "old, new, words",
    [
        ('item = "item_id"', 'item = "item"', ["mapping.toml:4", "'item'", "'item_id'"]),
        ('"is_click"', '"is_clik"', ["mapping.toml:9", "click", "is_click"]),
        ('column = "history"', 'column = "histroy"', ["mapping.toml:13", "'history'"]),
        ('user = "user_id"', "", ["mapping.toml:2", "'user' is missing"]),
        ('unit = "s"', 'unit = "h"', ["mapping.toml:5", "unit 'h'"]),
        ('kind = "id_list"', 'kind = "id"', ["mapping.toml:13", "lists"]),
        ('scope = "user"', 'scoop = "user"', ["mapping.toml:16", "scoop"]),
        ('column = "age"', 'column = "age"\nname = "time"', ["mapping.toml:20", "time"]),
    ],
)
def test_mistakes_in_the_mapping(tmp_path, old, new, words):
    write_parquet(tmp_path / "rows.parquet", ROWS)
    assert old in PARQUET
    (tmp_path / "m").mkdir()
    (tmp_path / "mapping.toml").write_text(PARQUET.replace(old, new, 1))
    arguments = ("import", "parquet", "rows.parquet", "log", "--mapping", "mapping.toml")
    fail(USAGE, *arguments, cwd=tmp_path, saying=words)


def test_one_mapping_for_csv_and_parquet(tmp_path):
    write_parquet(tmp_path / "rows.parquet", ROWS)
    load(tmp_path, "parquet", "rows.parquet", mapping=CSV)  # a separator, and a list column
    assert [r["history"] for r in as_dicts(tmp_path)] == [[], [1, 2, 3], [1, 2, 3], [1, 2, 3], [1, 2, 3, 100]]


def test_what_spark_leaves_behind(tmp_path):
    for path in ("dt=1/part-0", "dt=2/part-0", "_temporary/0/part-0", ".old/part-0"):
        place = tmp_path / f"rows/{path}.parquet"
        place.parent.mkdir(parents=True)
        write_parquet(place, ROWS)
    empty = tmp_path / "rows/dt=1/part-0.parquet"
    pq.write_table(pq.read_table(empty, partitioning=None).slice(0, 0), empty)
    (tmp_path / "rows/_SUCCESS").touch()
    counts = load(tmp_path, "parquet", "rows", mapping=PARQUET)
    assert (counts["files"], counts["rows"], counts["left_out"]) == (2, len(ROWS), {})
    folded = json.loads(succeed("fold", "rows", "folded", "--json", cwd=tmp_path))
    assert folded["rows"] == len(ROWS)
    report = succeed("inspect", "rows", "--session", "user_id", "--json", cwd=tmp_path)
    assert json.loads(report)["samples"] == len(ROWS)


def test_a_wrong_delimiter(tmp_path):
    write_csv(tmp_path / "rows.csv", ROWS, delimiter=";")
    (tmp_path / "mapping.toml").write_text(CSV)
    arguments = ("import", "csv", "rows.csv", "log", "--mapping", "mapping.toml")
    fail(USAGE, *arguments, cwd=tmp_path, saying=["mapping.toml:3", "rows.csv", "'delimiter'"])
    load(tmp_path, "csv", "rows.csv", mapping="delimiter = ';'\n" + CSV)


def test_lists_of_lists_are_refused(tmp_path):
    write_parquet(tmp_path / "rows.parquet", [(*row[:6], [[1]], *row[7:]) for row in ROWS])
    (tmp_path / "mapping.toml").write_text(PARQUET)
    arguments = ("import", "parquet", "rows.parquet", "log", "--mapping", "mapping.toml")
    fail(USAGE, *arguments, cwd=tmp_path, saying=["'history'", "list<", "can be read"])


def test_only_0_and_1_are_labels(tmp_path):
    """A probability taken for a click would train a wrong model without a word."""
    rows = [list(row) for row in ROWS]
    rows[1][4], rows[3][4], rows[4][4] = 0.37, "True", ""
    write_csv(tmp_path / "rows.csv", rows)
    counts = load(tmp_path, "csv", "rows.csv", mapping=CSV)
    assert counts["left_out"] == {"unparsable": 1}
    assert counts["examples"] == [
        "rows.csv: row 2: 'is_click' is not 0, 1, true or false (numbers are [labels.values]): 0.37"
    ]
    clicks = {(r["request_id"], r["item_id"]): r["click"] for r in as_dicts(tmp_path)}
    assert clicks == {(50, 100): 1, (40, 100): 0, (60, 102): 1, (70, 100): 0}
    assert counts["first_time"] == "1970-01-01 00:16:40"
    assert counts["last_time"] == "1970-01-01 02:20:00"


def test_bad_files(tmp_path):
    (tmp_path / "mapping.toml").write_text(PARQUET)
    mapping = ("--mapping", "mapping.toml")
    fail(DATA, "import", "parquet", "no.parquet", "log", *mapping, cwd=tmp_path, saying="no.parquet")
    (tmp_path / "rows.parquet").write_bytes(b"PAR1 this is not Parquet")
    fail(DATA, "import", "parquet", "rows.parquet", "log", *mapping, cwd=tmp_path, saying="rows.parquet")
    fail(USAGE, "import", "csv", "rows.parquet", "log", *mapping, cwd=tmp_path, saying="*.csv")
    (tmp_path / "empty").mkdir()
    fail(DATA, "import", "csv", "empty", "log", *mapping, cwd=tmp_path, saying="empty")
    write_parquet(tmp_path / "rows.parquet", ROWS)
    fail(USAGE, "import", "parquet", "rows.parquet", "log", cwd=tmp_path, saying="--mapping")
    (tmp_path / "mapping.toml").write_text(CSV)
    write_csv(tmp_path / "rows.csv", [("x", *row[1:]) for row in ROWS])
    fail(DATA, "import", "csv", "rows.csv", "log", *mapping, cwd=tmp_path, saying=["row 1", "impression_id"])


DOCUMENT = pathlib.Path(__file__).parents[1] / "docs/verbs/import.md"


def timeless(text):
    return re.sub(r"in [0-9.]+ s", "in X s", text)


@pytest.mark.parametrize("title", ["Parquet", "CSV", "JSON lines"])
def test_examples_of_the_document(tmp_path, title):
    """The section's files are written, its commands run, and their output is what it says."""
    section = re.split(r"^##+ ", DOCUMENT.read_text(), flags=re.MULTILINE)
    (text,) = (part for part in section if part.startswith(title + "\n"))
    files = re.findall(r"^`(\S+)`[^\n]*:\n```\w+\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    for name, content in files:
        (tmp_path / name).write_text(content)
    (console,) = re.findall(r"^```\n(\$.*?)^```", text, re.MULTILINE | re.DOTALL)
    paths = [pathlib.Path(BIN).parent, pathlib.Path(sys.executable).parent, os.environ["PATH"]]
    steps = re.findall(r"^\$ (.*)\n((?:[^$].*\n)*)", console, re.MULTILINE)
    assert len(files) >= 2 and any(command.startswith("onefold import") for command, _ in steps)
    for command, output in steps:
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False,
            env={**os.environ, "PATH": ":".join(map(str, paths))},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert timeless(done.stdout) == timeless(output)
