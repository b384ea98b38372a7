#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a folded Onefold table from PySpark: one partition a day, sessions side by side, every
distinct set of lists stored once per row group. No Onefold here.

    python write_table.py SRC DST --label click --group history=viewed,dwell [--group ...] [--user country]

SRC is Parquet with the keys session_id, user_id, request_id, item_id and time, labels and features.
DST must not exist. `onefold table verify DST` then checks it, `onefold train` reads it.
"""
import argparse
import json
import os
import pathlib
import shutil
import sys

import pyarrow
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import fold_rows

KINDS = {"bigint": "id", "float": "dense", "array<bigint>": "id_list", "array<float>": "float_list"}


def session():
    """A small local Spark, of this Python."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", 4)
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.driver.host", "localhost")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    spark.sparkContext.addPyFile(fold_rows.__file__)  # tasks import it
    return spark


def table_schema(samples: DataFrame, labels, groups, user=()):
    """`schema` of the manifest: kinds from the column types, groups from the caller."""
    group_of = {column: group for group, columns in groups.items() for column in columns}
    features = []
    for name, kind in samples.dtypes:
        if name in (*fold_rows.KEYS, *labels, "dt"):
            continue
        if kind not in KINDS:
            raise ValueError(f"column '{name}' is {kind}; cast it to one of {', '.join(KINDS)}")
        scope = "user" if name in group_of or name in user else "item"
        features.append(
            {"name": name, "kind": KINDS[kind], "scope": scope, "group": group_of.get(name, "")}
        )
    absent = set(group_of) - {f["name"] for f in features}
    if absent:
        raise ValueError(f"no column {', '.join(sorted(absent))}")
    return {"features": features, "labels": [{"name": n, "action": n, "value": False} for n in labels]}


def group_stats(schema, parts, values, num_samples):
    """What folding saved, for the manifest."""
    stats = []
    for g, group in enumerate(fold_rows.groups_of(schema)):
        stats.append(
            {
                "group": group,
                "samples": num_samples,
                "unique": sum(part["groups"][g]["num_rows"] for part in parts),
                "sample_values": sum(v[group][0] for v in values),
                "unique_values": sum(v[group][1] for v in values),
            }
        )
    return stats


def write_files(samples: DataFrame, table, schema, row_group_rows):
    """Parquet files below `table`; [(part, list values)] in the order of days."""
    days = sorted(row.dt for row in samples.select("dt").distinct().collect())
    numbers = {day: number for number, day in enumerate(days)}

    def write_task(batches):
        written = fold_rows.write_parts(batches, table, schema, numbers, row_group_rows)
        lines = [json.dumps(part) for part in written]
        yield pyarrow.record_batch([pyarrow.array(lines, pyarrow.string())], names=["written"])

    order = ["dt", "session_id", "time", "request_id", "item_id"]
    rows = samples.repartition("dt").sortWithinPartitions(*order).mapInArrow(write_task, "written string")
    written = [json.loads(row.written) for row in rows.collect()]
    return sorted(written, key=lambda entry: entry[0]["partition"])


def write(samples: DataFrame, table, labels, groups, user=(), row_group_rows=16384):
    """Writes `samples` as the folded table `table`, a directory that does not exist yet."""
    table = pathlib.Path(table)
    if table.exists():
        raise ValueError(f"{table} exists")
    staging = table.with_name(f".{table.name}.staging")
    shutil.rmtree(staging, ignore_errors=True)
    samples = samples.withColumn("dt", F.date_format("time", "yyyy-MM-dd"))
    schema = table_schema(samples, labels, groups, user)
    written = write_files(samples, str(staging), schema, row_group_rows)
    parts, values = [part for part, _ in written], [values for _, values in written]
    num_samples = sum(part["samples"]["num_rows"] for part in parts)
    manifest = {
        "format": "onefold-table",
        "format_version": 1,
        "layout": "folded",
        "schema": schema,
        "num_samples": num_samples,
        "num_sessions": samples.select("session_id").distinct().count(),
        "parts": parts,
        "group_stats": group_stats(schema, parts, values, num_samples),
    }
    # Last: a directory without it is no table. Then all appears under its name in one step.
    (staging / "_onefold.json").write_text(json.dumps(manifest, indent=1))
    staging.rename(table)
    return manifest


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("SRC")
    parser.add_argument("DST")
    parser.add_argument("--label", action="append", required=True)
    parser.add_argument("--group", action="append", default=[], metavar="NAME=COLUMN,COLUMN")
    parser.add_argument("--user", action="append", default=[], help="a user's feature in no group")
    flags = parser.parse_args()
    groups = {name: columns.split(",") for name, columns in (g.split("=", 1) for g in flags.group)}
    manifest = write(session().read.parquet(flags.SRC), flags.DST, flags.label, groups, flags.user)
    for stats in manifest["group_stats"]:
        factor = stats["samples"] / max(stats["unique"], 1)
        print(f"{stats['group']}: {stats['samples']} samples -> {stats['unique']} rows ({factor:.1f}x)")


if __name__ == "__main__":
    main()
