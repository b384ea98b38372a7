#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A folded table in PySpark: samples joined to their payload by its reference column. No Onefold here.

    python join_table.py TABLE [GROUP]

prints what the group's join looks like, and click rates by the length of its lists.
"""
import json
import os
import pathlib
import sys

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F


def session() -> SparkSession:
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
    return spark


def manifest_of(table):
    return json.loads(pathlib.Path(table, "_onefold.json").read_text())


def files(spark, table, kind) -> DataFrame:
    """All samples, or all payload rows of a group. Partition directories become columns (dt, hr)."""
    return spark.read.option("pathGlobFilter", f"*.{kind}.parquet").parquet(str(table))


def samples(spark, table) -> DataFrame:
    return files(spark, table, "samples")


def is_windowed(table, group):
    return group in manifest_of(table)["schema"].get("windowed_groups", [])


def payload(spark, table, group) -> DataFrame:
    """One row per distinct row of a feature group and row group, without the partition columns."""
    features = [f["name"] for f in manifest_of(table)["schema"]["features"] if f["group"] == group]
    return files(spark, table, group).select("ref", *features)


def join_group(rows, lists, group, windowed) -> DataFrame:
    """`rows` with the lists of their payload row, or of a windowed group their part of it. The names of
    the columns that refer have a dot in them: mind the backticks."""
    features = [name for name in lists.columns if name != "ref"]
    own = [f"`{name}`" for name in rows.columns if not name.startswith(f"{group}.")]
    both = rows.join(lists, rows[f"`{group}.ref`"] == lists["ref"])
    if not windowed:
        return both.select(*own, *features)
    start, length = (F.col(f"`{group}.{part}`").cast("int") for part in ("start", "len"))
    return both.select(*own, *[F.slice(name, start + 1, length).alias(name) for name in features])


def joined(spark, table) -> DataFrame:
    """Every sample with the lists of all groups. Refs are unique in the whole table, so one join
    a group does it for all files."""
    rows = samples(spark, table)
    for group in dict.fromkeys(f["group"] for f in manifest_of(table)["schema"]["features"]):
        if group:
            rows = join_group(rows, payload(spark, table, group), group, is_windowed(table, group))
    return rows


def lengths(spark, table, group, feature) -> DataFrame:
    """Every sample with the `length` of its list. Aggregates over lists need no wide join: they are
    computed once per payload row. A window has its length beside its ref."""
    rows = samples(spark, table)
    if is_windowed(table, group):
        return rows.withColumn("length", F.col(f"`{group}.len`"))
    lists = payload(spark, table, group).select("ref", F.size(feature).alias("length"))
    return rows.join(lists, rows[f"`{group}.ref`"] == lists["ref"])


def main(table, group=None):
    schema = manifest_of(table)["schema"]
    group = group or next(f["group"] for f in schema["features"] if f["group"])
    feature = next(f["name"] for f in schema["features"] if f["group"] == group)
    label = schema["labels"][0]["name"]
    spark = session()
    joined(spark, table).select("session_id", "item_id", label, feature).show(5)
    values = (F.floor(F.col("length") / 100) * 100).alias("values_from")
    lengths(spark, table, group, feature).groupBy(values).agg(
        F.count("*").alias("samples"), F.round(F.avg(label), 4).alias(label)
    ).orderBy("values_from").show()
    spark.stop()


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(*sys.argv[1:])
