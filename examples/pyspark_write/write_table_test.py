#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A table that PySpark wrote is sound, has exactly the rows it was given, and trains.

    write_table_test.py ONEFOLD

ONEFOLD is the program. Exit code 77 without PySpark, pandas or Java.
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

try:
    import pandas  # mapInArrow wants it
    import pyspark
except ImportError as error:
    print(f"skipped: {error.name} is not installed (.venv/bin/pip install pyspark 'pandas<3')")
    sys.exit(77)
if not shutil.which("java"):
    print("skipped: no java on the PATH; Spark 4 needs Java 17 or newer")
    sys.exit(77)

import duckdb
import pyarrow
from pyspark.sql import functions as F

import fold_rows
from write_table import session, write

GROUPS = {
    "history": ["history_item_id", "history_topic", "history_dwell"],
    "list_0": ["user_list_0"],
    "list_1": ["user_list_1"],
}

TRAIN = """
[data]
table = "TABLE"
batch_size = 64
[train]
max_steps = 5
[model]
dim = 4
[[table]]
name = "item"
rows = 4096
[[feature]]
name = "item_id"
table = "item"
[[feature]]
name = "history_item_id"
table = "item"
[[block]]
type = "pool"
group = "history"
features = ["history_item_id"]
"""


def run(*command):
    done = subprocess.run([str(word) for word in command], text=True, stdout=subprocess.PIPE)
    assert done.returncode == 0, done.stdout
    return done.stdout


def awkward(plain):
    """The samples of a log, and among them what real ones have: empty lists, NaN, missing ids."""
    empty = F.col("user_id") % 5 == 0
    for name in GROUPS["history"]:
        plain = plain.withColumn(name, F.when(empty, F.expr(f"slice({name}, 1, 0)")).otherwise(F.col(name)))
    nan = F.transform("history_dwell", lambda x: F.when(x > 100, F.lit(float("nan"))).otherwise(x).cast("float"))
    country = F.when(F.col("user_id") % 7 != 0, F.col("country"))
    activity = F.when(F.col("user_id") % 3 == 0, F.lit(float("nan"))).otherwise(F.col("activity")).cast("float")
    return plain.withColumns({"history_dwell": nan, "country": country, "activity": activity})


def check_rows(table, source, columns):
    """DuckDB's EXCEPT both ways: the joined table is the source."""
    joins = " ".join(
        f"JOIN read_parquet('{table}/**/*.{g}.parquet') {g} ON s.\"{g}.ref\" = {g}.ref" for g in GROUPS
    )
    found = f"SELECT {columns} FROM read_parquet('{table}/**/*.samples.parquet') s {joins}"
    expected = f"SELECT {columns} FROM read_parquet('{source}/*.parquet')"
    for a, b, what in [(found, expected, "too many"), (expected, found, "missing")]:
        rows = duckdb.sql(f"SELECT count(*) FROM ({a} EXCEPT ALL {b})").fetchall()[0][0]
        assert rows == 0, f"{rows} rows {what}"


def check_order(table):
    """In every samples file sessions lie side by side, in time."""
    disorder = duckdb.sql(
        f"""SELECT count(*) FROM (
              SELECT session_id, time,
                     lag((session_id, time)) OVER (PARTITION BY filename ORDER BY file_row_number) AS before
              FROM read_parquet('{table}/**/*.samples.parquet', filename = true, file_row_number = true))
            WHERE before > (session_id, time)"""
    ).fetchall()[0][0]
    assert disorder == 0, f"{disorder} samples stand after a later one"


def check_cut():
    """Row groups end where sessions and days do, whatever batches the rows come in."""
    sessions = [1] * 3 + [2] * 2 + [3] * 9 + [4] + [4] * 2 + [5]
    days = ["a"] * 15 + ["b"] * 3
    rows = pyarrow.table({"dt": days, "session_id": sessions})
    for batch_rows in range(1, 19):
        batches = rows.to_batches(max_chunksize=batch_rows)
        lengths = [len(group) for group in fold_rows.row_groups_of(batches, 5)]
        assert lengths == [5, 9, 1, 3], f"batches of {batch_rows}: {lengths}"


def main(onefold):
    check_cut()
    with tempfile.TemporaryDirectory(prefix="onefold_pyspark_write_") as folder:
        folder = pathlib.Path(folder)
        run(onefold, "synth", folder / "logs", "--users", 40, "--days", 2)
        run(onefold, "build", folder / "logs", folder / "plain", "--layout", "plain", "--partition", "none")
        spark = session()
        source = awkward(spark.read.parquet(str(folder / "plain")))
        source.write.parquet(str(folder / "source"))
        source = spark.read.parquet(str(folder / "source"))
        table = folder / "table"
        manifest = write(source, table, ["click"], GROUPS, user=["country", "activity"], row_group_rows=400)
        spark.stop()

        report = json.loads(run(onefold, "table", "verify", table, "--json"))
        assert report["problems"] == [] and report["samples"] == manifest["num_samples"] > 0, report
        assert report["row_groups"] > len(manifest["parts"]) >= 2, report
        assert report["unused_rows"] == 0, report
        check_rows(table, folder / "source", ", ".join(source.columns))
        check_order(table)
        for stats in manifest["group_stats"]:
            assert stats["unique"] * 5 < stats["samples"], f"hardly folded: {stats}"
        (folder / "train.toml").write_text(TRAIN.replace("TABLE", str(table)))
        steps = run(onefold, "train", folder / "train.toml", "--threads", 1)
        assert '"event":"done"' in steps and '"steps":5' in steps, steps
        print(f"{manifest['num_samples']} samples equal, Spark {pyspark.__version__}")


if __name__ == "__main__":
    main(*sys.argv[1:])
