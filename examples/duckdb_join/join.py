#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A folded table in DuckDB: samples joined to a payload by its reference column. No Onefold here.

    python join.py TABLE [GROUP]

prints what a group's join looks like and whether its list's length goes with the first label.
"""
import json
import pathlib
import sys

import duckdb


def samples(table):
    """All samples of all partitions: FROM this."""
    return f"read_parquet('{table}/**/*.samples.parquet')"


def payload(table, group):
    """One row per distinct payload of a feature group: FROM this."""
    return f"read_parquet('{table}/**/*.{group}.parquet')"


def schema_of(table):
    return json.loads(pathlib.Path(table, "_onefold.json").read_text())["schema"]


def is_windowed(table, group):
    return group in schema_of(table).get("windowed_groups", [])


def joined(table, group):
    """Every sample with its group's lists. Refs are unique in the whole table, so one join does it
    for all files. Of a windowed group a sample's list is a part of the payload row's."""
    cut = ""
    if is_windowed(table, group):
        window = f's."{group}.start" + 1, s."{group}.start" + s."{group}.len"'
        names = [f["name"] for f in schema_of(table)["features"] if f.get("group") == group]
        cut = ", ".join(f'list_slice(p."{name}", {window}) AS "{name}"' for name in names)
        cut = f"REPLACE ({cut})"
    return (
        f"(SELECT s.*, p.* EXCLUDE (ref) {cut} FROM {samples(table)} s "
        f"JOIN {payload(table, group)} p ON s.\"{group}.ref\" = p.ref)"
    )


def main(table, group=None):
    schema = schema_of(table)
    group = group or next(f["group"] for f in schema["features"] if f["group"])
    feature = next(f["name"] for f in schema["features"] if f["group"] == group)
    label = schema["labels"][0]["name"]

    duckdb.sql(
        f"""SELECT (SELECT count(*) FROM {samples(table)}) AS samples,
                   (SELECT count(*) FROM {payload(table, group)}) AS payload_rows,
                   (SELECT sum(len({feature})) FROM {joined(table, group)}) AS values_of_all_samples,
                   (SELECT sum(len({feature})) FROM {payload(table, group)}) AS values_stored"""
    ).show()
    duckdb.sql(
        f"""SELECT session_id, item_id, {label}, len({feature}) AS length,
                   {feature}[-4:] AS newest
            FROM {joined(table, group)} ORDER BY session_id, time, item_id LIMIT 5"""
    ).show()
    # Aggregates over the lists themselves need no join: compute them once per payload row. How long a
    # window is stands with the sample.
    length = f's."{group}.len"' if is_windowed(table, group) else "l.length"
    duckdb.sql(
        f"""WITH lengths AS (SELECT ref, len({feature}) AS length FROM {payload(table, group)})
            SELECT quartile, min(length) AS shortest, max(length) AS longest,
                   count(*) AS samples, round(avg({label}), 4) AS {label}
            FROM (SELECT ntile(4) OVER (ORDER BY {length}) AS quartile, {length} AS length, {label}
                  FROM {samples(table)} s JOIN lengths l ON s."{group}.ref" = l.ref)
            GROUP BY quartile ORDER BY quartile"""
    ).show()


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(*sys.argv[1:])
