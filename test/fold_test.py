# SPDX-License-Identifier: Apache-2.0
"""`onefold fold` then `onefold unfold` is the identity: the same files, rows, order and types, as
DuckDB and Arrow see them. And the folded table stores a repeated row once."""
import json
import os
import pathlib
import random
import subprocess

import duckdb
import generated_columns
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from program import DATA, USAGE, fail, succeed

SHARED = pathlib.Path(os.environ.get("ONEFOLD_SHARED_DATA", ".")).resolve()
NUM_SCHEMAS = 200


def relation(path):
    # The reader puts the values of Hive directories into columns unless told not to.
    return f"read_parquet('{path}', hive_partitioning = false)"


def expect_same_rows(source, copy):
    """EXCEPT ALL both ways, position included: row i of one is row i of the other."""
    database = duckdb.connect(config={"threads": 1})
    types = [database.sql(f"DESCRIBE FROM {relation(path)}").fetchall() for path in (source, copy)]
    assert types[0] == types[1]
    numbered = [
        f"SELECT *, file_row_number AS position FROM "
        f"read_parquet('{path}', file_row_number = true, hive_partitioning = false)"
        for path in (source, copy)
    ]
    for a, b in (numbered, numbered[::-1]):
        assert database.sql(f"SELECT count(*) FROM ({a} EXCEPT ALL {b})").fetchall() == [(0,)]


def expect_same_file(source, copy):
    """Types and metadata as Arrow knows them, row groups, and every value."""
    a, b = pq.ParquetFile(source), pq.ParquetFile(copy)
    assert a.schema_arrow.equals(b.schema_arrow, check_metadata=True)
    groups = [
        [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] for file in (a, b)
    ]
    assert groups[0] == groups[1]
    # As text where not equal: for equals() NaN is not NaN.
    for x, y in zip(a.read().columns, b.read().columns):
        assert x.equals(y) or str(x.to_pylist()) == str(y.to_pylist())


def expect_identity(place, *options):
    """Folds place/source to place/table and that to place/copy. Returns what fold reported."""
    report = json.loads(succeed("fold", "source", "table", *options, "--json", cwd=place))
    succeed("unfold", "table", "copy", cwd=place)
    expect_same_files(place)
    return report


def expect_same_files(place):
    names = [
        sorted(str(path.relative_to(place / name)) for path in (place / name).rglob("*.parquet"))
        for name in ("source", "copy")
    ]
    assert names[0] == names[1] and names[0]
    for name in names[0]:
        expect_same_file(place / "source" / name, place / "copy" / name)
        expect_same_rows(place / "source" / name, place / "copy" / name)


def write(path, columns, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path, **options)


def test_repeats_that_are_not_adjacent_are_found(tmp_path):
    a, b = [1, 2, 3, 4], [5, None, 6]
    write(tmp_path / "source/x.parquet", {"id": range(6), "seen": [a, b, a, None, [], a]})
    report = expect_identity(tmp_path, "--group", "history=seen")
    assert [group["unique"] for group in report["groups"]] == [4]
    table = pq.read_table(tmp_path / "table/part-00000.samples.parquet")
    assert table["history.ref"].to_pylist() == [0, 1, 0, 2, 3, 0]
    payload = pq.read_table(tmp_path / "table/part-00000.history.parquet")
    assert payload["seen"].to_pylist() == [a, b, None, []]


def test_columns_that_change_together_are_folded_together(tmp_path):
    draw = random.Random(1)
    viewed = [[draw.randrange(9999) for _ in range(50)] for _ in range(40)]
    tags = [[f"tag {draw.randrange(99)}" for _ in range(9)] for _ in range(7)]
    rows = range(2000)
    columns = {
        "session": [i // 50 for i in rows],
        "viewed": [viewed[i // 50] for i in rows],
        "dwell": [[v / 7 for v in viewed[i // 50]] for i in rows],
        "tags": [tags[i % 7] for i in rows],
        "own": [[i, i + 1, i * 3] * 5 for i in rows],
    }
    write(tmp_path / "source/x.parquet", columns, row_group_size=900)
    report = expect_identity(tmp_path, "--session", "session")
    chosen = {tuple(group["columns"]): group["unique"] for group in report["groups"]}
    # 40 sessions in three row groups of which two end within a session's rows.
    assert chosen == {("viewed", "dwell"): 40, ("tags",): 21}
    summary = json.loads(succeed("table", "show", "table", "--json", cwd=tmp_path))
    assert summary["num_sessions"] == 40 and summary["num_samples"] == 2000
    assert report["table_bytes"] < report["source_bytes"]
    # Any engine joins samples to payloads.
    names = {tuple(group["columns"]): group["group"] for group in report["groups"]}
    group = names["viewed", "dwell"]
    joined = duckdb.sql(
        f"""SELECT viewed FROM '{tmp_path}/table/*.samples.parquet' samples
            JOIN '{tmp_path}/table/*.{group}.parquet' payload ON samples."{group}.ref" = payload.ref
            ORDER BY own"""
    )
    assert [row[0] for row in joined.fetchall()] == columns["viewed"]


def test_a_directory_keeps_its_files_and_partitions(tmp_path):
    for day in (1, 2):
        for part in ("a", "b.snappy"):
            lists = [[day, i % 3] * 20 for i in range(100)]
            path = tmp_path / f"source/dt=2024-01-0{day}/part-{part}.parquet"
            write(path, {"x": range(100), "l": lists})
    (tmp_path / "source/_SUCCESS").touch()
    expect_identity(tmp_path)
    duckdb.sql(f"SET threads = 1; FROM '{tmp_path}/table/*/*.samples.parquet'")  # opens
    succeed("table", "verify", "table", cwd=tmp_path)


def test_files_without_rows(tmp_path):
    schema = pa.schema([("x", pa.int32()), ("l", pa.list_(pa.int64()))])
    write(tmp_path / "source/a.parquet", schema.empty_table().to_pydict() | {})
    pq.write_table(schema.empty_table(), tmp_path / "source/a.parquet")
    with pq.ParquetWriter(tmp_path / "source/b.parquet", schema):
        pass  # no row group
    pq.write_table(
        pa.table({"x": [1], "l": [[1, 2]]}, schema=schema), tmp_path / "source/c.parquet"
    )
    expect_identity(tmp_path, "--group", "g=l")
    succeed("table", "verify", "table", cwd=tmp_path)


def test_what_duckdb_writes(tmp_path):
    (tmp_path / "source").mkdir()
    duckdb.sql(
        f"""COPY (SELECT i, (i // 9)::DECIMAL(18, 4) AS price, i::HUGEINT::VARCHAR AS text,
              TIMESTAMPTZ '2024-01-01 00:00:00+00' + INTERVAL (i) MINUTE AS at,
              TIME '07:00:00' AS t, DATE '1600-02-29' AS d, i::UTINYINT AS small, uuid() AS u,
              [[i // 9, NULL], NULL, []] AS nested, {{'a': i // 9, 'b': ['x', NULL]}} AS struct,
              MAP {{i // 9: 'v'}} AS map, repeat('long text ', 20) AS long, 'x'::BLOB AS blob
            FROM range(200) r(i)) TO '{tmp_path}/source/x.parquet' (ROW_GROUP_SIZE 100)"""
    )
    report = expect_identity(tmp_path)
    assert sum(len(group["columns"]) for group in report["groups"]) >= 3
    expect_identity_of_named_groups(tmp_path)


def expect_identity_of_named_groups(place):
    for name in ("table", "copy"):
        for path in sorted((place / name).rglob("*"), reverse=True):
            path.unlink()
        (place / name).rmdir()
    expect_identity(place, "--group", "a=nested,price,u", "--group", "b=struct,map,at,blob,small,d")


def test_what_spark_writes(tmp_path):
    """INT96 timestamps, no Arrow schema, Spark's key-value metadata."""
    at = pa.array([10**9 * i for i in range(100)], pa.timestamp("us"))
    schema = pa.schema(
        [("at", pa.timestamp("us")), ("l", pa.list_(pa.int32()))],
        metadata={"org.apache.spark.version": "3.5.0"},
    )
    columns = pa.table({"at": at, "l": [[i // 10] * 30 for i in range(100)]}, schema=schema)
    (tmp_path / "source").mkdir()
    options = {"use_deprecated_int96_timestamps": True, "store_schema": False}
    pq.write_table(columns, tmp_path / "source/x.parquet", flavor="spark", **options)
    expect_identity(tmp_path)
    copy = pq.ParquetFile(tmp_path / "copy/x.parquet")
    assert copy.schema.column(0).physical_type == "INT96"
    far = pa.table({"at": pa.array([-(10**17)], pa.timestamp("us"))})
    (tmp_path / "far").mkdir()
    pq.write_table(far, tmp_path / "far/x.parquet", **options)
    fail(DATA, "fold", "far", "far_table", cwd=tmp_path, saying=("'at'", "INT96", "1677"))


def test_generated_schemas(tmp_path):
    """Each has columns of its own; all types, nested to a depth of three."""
    lines = []
    for seed in range(NUM_SCHEMAS):
        place = tmp_path / str(seed)
        generated_columns.write(place / "source", seed)
        groups = generated_columns.groups(place / "source", seed)
        lines.append("\t".join([f"{place}/source", f"{place}/table", f"{place}/copy", *groups]))
    subprocess.run([os.environ["ONEFOLD_FOLD_MANY"]], input="\n".join(lines), text=True, check=True)
    for seed in range(NUM_SCHEMAS):
        expect_same_files(tmp_path / str(seed))


@pytest.mark.skipif(not (SHARED / "ebnerd_demo").is_dir(), reason=f"no EB-NeRD below {SHARED}")
def test_ebnerd_joined_with_its_history(tmp_path):
    (tmp_path / "source").mkdir()
    split = SHARED / "ebnerd_demo/train"
    duckdb.sql(
        f"""COPY (SELECT * FROM '{split}/behaviors.parquet' JOIN '{split}/history.parquet'
              USING (user_id) ORDER BY session_id, impression_time, impression_id LIMIT 3000)
            TO '{tmp_path}/source/x.parquet' (ROW_GROUP_SIZE 2048)"""
    )
    report = expect_identity(tmp_path, "--session", "session_id")
    histories = {"impression_time_fixed", "scroll_percentage_fixed", "article_id_fixed"}
    assert any(histories <= set(group["columns"]) for group in report["groups"])
    assert report["source_bytes"] > 2 * report["table_bytes"]
    succeed("table", "verify", "table", cwd=tmp_path)


@pytest.mark.skipif(not (SHARED / "kuairand_pure").is_dir(), reason=f"no KuaiRand below {SHARED}")
def test_kuairand(tmp_path):
    (tmp_path / "source").mkdir()
    data = SHARED / "kuairand_pure"
    ids = "string_split({0}, ' ')::BIGINT[]"
    duckdb.sql(
        f"""COPY (SELECT i.*, {ids.format('h.watch_seq')} AS watched, h.like_seq
              FROM '{data}/impressions.csv.zst' i
              JOIN read_csv('{data}/user_history.csv.zst') h USING (user_id)
              ORDER BY i.user_id, i.time_ms, i.video_id LIMIT 10000)
            TO '{tmp_path}/source/x.parquet' (ROW_GROUP_SIZE 4096)"""
    )
    report = expect_identity(tmp_path)
    assert any("watched" in group["columns"] for group in report["groups"])
    succeed("table", "verify", "table", cwd=tmp_path)


def test_a_built_table_unfolds(tmp_path):
    synth = ("--users", 20, "--items", 50, "--list-length", 5, "--sessions-per-user", 2)
    succeed("synth", "log", *synth, cwd=tmp_path)
    succeed("build", "log", "table", "--partition", "none", cwd=tmp_path)
    succeed("build", "log", "plain", "--partition", "none", "--layout", "plain", cwd=tmp_path)
    succeed("unfold", "table", "copy", cwd=tmp_path)
    expect_same_rows(*sorted(tmp_path.glob("*/part-00000.parquet")))


def trainable(num_rows=300):
    return pa.table(
        {
            "session_id": pa.array([i // 30 for i in range(num_rows)], pa.int64()),
            "user_id": pa.array([i // 30 for i in range(num_rows)], pa.int64()),
            "request_id": pa.array([i // 3 for i in range(num_rows)], pa.int64()),
            "item_id": pa.array([i % 17 for i in range(num_rows)], pa.int64()),
            "time": pa.array([i * 10**6 for i in range(num_rows)], pa.timestamp("us", "UTC")),
            "click": pa.array([float(i % 5 == 0) for i in range(num_rows)], pa.float32()),
            "viewed": pa.array([[i // 30] * 20 for i in range(num_rows)], pa.list_(pa.int64())),
            "note": [{"any": i // 30} for i in range(num_rows)],
        }
    )


CONFIG = """
[data]
table = "table"
batch_size = 64
[model]
dim = 8
bottom = [8]
top = [8]
[[table]]
name = "items"
rows = 100
[[feature]]
name = "viewed"
table = "items"
[train]
max_steps = 2
threads = 1
[checkpoint]
directory = "checkpoints"
"""


def test_a_table_with_the_keys_can_be_inspected_and_trained_on(tmp_path):
    (tmp_path / "source").mkdir()
    pq.write_table(trainable(), tmp_path / "source/x.parquet")
    report = expect_identity(tmp_path, "--label", "click", "--group", "h=viewed,note")
    assert report["missing_keys"] == []
    report = json.loads(succeed("inspect", "table", "--json", cwd=tmp_path))
    assert (report["samples"], report["sessions"], report["positives"]) == (300, 10, 60)
    assert {f["name"]: f["group"] for f in report["features"]} == {"viewed": "h"}
    (tmp_path / "train.toml").write_text(CONFIG)
    last = json.loads(succeed("train", "train.toml", cwd=tmp_path).splitlines()[-1])
    assert (last["event"], last["steps"]) == ("done", 2)
    succeed("table", "verify", "table", cwd=tmp_path)


def test_errors(tmp_path):
    (tmp_path / "source").mkdir()
    fail(DATA, "fold", "nowhere", "t", cwd=tmp_path, saying="nowhere")
    fail(DATA, "fold", "source", "t", cwd=tmp_path, saying="no *.parquet")
    write(tmp_path / "source/x.parquet", {"l": [[1], [1]], "x": [1, 2]})
    fail(DATA, "fold", "source", "t", "--group", "g=y", cwd=tmp_path, saying=("'y'", "l, x"))
    fail(USAGE, "fold", "source", "t", "--group", "l", cwd=tmp_path, saying="NAME=COLUMN")
    fail(USAGE, "fold", "source", "t", "--group", "samples=l", cwd=tmp_path, saying="samples")
    fail(USAGE, "fold", "source", "t", "--group", "x=l", cwd=tmp_path, saying="'x'")
    fail(USAGE, "fold", "source", "t", "--group", "a=l", "--group", "b=l", cwd=tmp_path)
    fail(USAGE, "fold", "source", "source", cwd=tmp_path, saying="source")
    fail(DATA, "fold", "source", "t", "--session", "s", cwd=tmp_path, saying="'s'")
    fail(DATA, "unfold", "source", "t", cwd=tmp_path, saying="_onefold.json")
    write(tmp_path / "source/y.parquet", {"l": [[1], [1]], "x": ["1", "2"]})
    fail(DATA, "fold", "source", "t", cwd=tmp_path, saying=("y.parquet", "'x'", "int64", "string"))
    (tmp_path / "source/y.parquet").unlink()
    succeed("fold", "source", "t", cwd=tmp_path)
    fail(USAGE, "fold", "t", "u", cwd=tmp_path, saying="table already")
    fail(USAGE, "unfold", "t", "source", cwd=tmp_path, saying="source")
    fail(DATA, "inspect", "t", cwd=tmp_path, saying=("session_id", "unfold"))
    data = (tmp_path / "source/x.parquet").read_bytes()
    (tmp_path / "source/x.parquet").write_bytes(data[:-9])
    fail(DATA, "fold", "source", "t", cwd=tmp_path, saying="x.parquet")


def test_verify_names_the_file_that_is_damaged(tmp_path):
    write(tmp_path / "source/x.parquet", {"l": [[1] * 9, [2] * 9] * 30, "x": list(range(60))})
    succeed("fold", "source", "t", "--group", "g=l", cwd=tmp_path)
    assert "no problems" in succeed("table", "verify", "t", cwd=tmp_path)
    payload = tmp_path / "t/part-00000.g.parquet"
    data = bytearray(payload.read_bytes())
    data[len(data) // 3] ^= 4
    payload.write_bytes(data)
    fail(DATA, "table", "verify", "t", cwd=tmp_path, saying="part-00000.g.parquet")
