#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a table saves against the same rows in Parquet, for a mix of 40 lists of the user and 20 features of
the item, 16 samples a session (traffic.py).

    bench/table/table_bench.py BUILD [--users N]

Compared, all zstd level 3 with row groups of 16,384 samples: the samples in order of arrival, by time, and sorted
by session, the table that stores every distinct list once, and the one that stores lists as windows. Every
list is cut from the tables with pyarrow and compared with the rows before a figure is printed. Prints a table,
says which columns bound a size that falls short, and writes build/bench/table.json.

A busy ranker serves a row group's samples in less time than a session takes, so that a session's samples come to
lie in different ones: order of arrival is the rows shuffled. "By time" is the order of the few users that are
generated here.
"""
import argparse
import json
import pathlib
import platform
import subprocess
import tempfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from traffic import GROUPS, USER_LISTS, write_log

ROW_GROUP = 16_384
ARRIVAL_AIM, SORTED_AIM = 8, 1


def run(onefold, *arguments):
    done = subprocess.run([onefold, *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"table_bench: onefold {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


def build(onefold, logs, table, *arguments):
    out = run(onefold, "build", logs, table, "--partition", "none", "--json", *arguments)
    return json.loads(out)["table_bytes"]


def read(table, kind):
    return pa.concat_tables(pq.read_table(path) for path in sorted(table.glob(f"*.{kind}.parquet")))


def write(rows, path):
    pq.write_table(rows, path, compression="zstd", compression_level=3, row_group_size=ROW_GROUP)
    return path.stat().st_size


def cut(samples, payload, group, name):
    """The lists of a feature, [samples], cut from the payload."""
    row_of = np.empty(payload["ref"].to_numpy().max() + 1, np.int64)
    row_of[payload["ref"].to_numpy()] = np.arange(payload.num_rows)
    lists = payload[name].combine_chunks()
    rows = row_of[samples[f"{group}.ref"].to_numpy()]
    offsets = lists.offsets.to_numpy()
    start, length = offsets[rows], offsets[rows + 1] - offsets[rows]
    if f"{group}.start" in samples.column_names:
        start = start + samples[f"{group}.start"].to_numpy()
        length = samples[f"{group}.len"].to_numpy()
    bounds = np.concatenate([[0], np.cumsum(length)])
    places = np.repeat(start - bounds[:-1], length) + np.arange(bounds[-1])
    return pa.LargeListArray.from_arrays(bounds, lists.values.take(pa.array(places)))


def check(rows, table):
    samples = read(table, "samples")
    if samples.num_rows != rows.num_rows:
        raise SystemExit("table_bench: samples are missing")
    for number, name in enumerate(USER_LISTS):
        group = GROUPS[number * len(GROUPS) // len(USER_LISTS)]
        expected = rows[name].combine_chunks().cast(pa.large_list(pa.int64()))
        if not cut(samples, read(table, group), group, name).equals(expected):
            raise SystemExit(f"table_bench: {name} has other lists")


def stored(onefold, table):
    """Bytes by what the columns hold."""
    columns = json.loads(run(onefold, "table", "show", table, "--json"))["columns"]
    kinds = {"user lists": 0, "item features": 0, "refs and windows": 0, "keys and label": 0}
    for column in columns:
        kind = "keys and label"
        if column["name"] in USER_LISTS:
            kind = "user lists"
        elif column["name"].startswith("item_") and column["name"] != "item_id":
            kind = "item features"
        elif column["name"] == "ref" or column["name"].split(".")[0] in GROUPS:
            kind = "refs and windows"
        kinds[kind] += column["bytes"]
    return kinds


def measure(onefold, place, users):
    logs = write_log(onefold, place / "logs", users)
    build(onefold, logs, place / "plain", "--layout", "plain")
    rows = pa.concat_tables(pq.read_table(path) for path in sorted((place / "plain").glob("*.parquet")))
    sizes = {"sorted": write(rows, place / "sorted.parquet"),
             "by time": write(rows.sort_by([("time", "ascending"), ("request_id", "ascending")]),
                              place / "by_time.parquet"),
             "arrival": write(rows.take(np.random.default_rng(1).permutation(rows.num_rows)),
                              place / "arrival.parquet"),
             "folded": build(onefold, logs, place / "folded")}
    windows = [argument for group in GROUPS for argument in ("--window", group)]
    sizes["windowed"] = build(onefold, logs, place / "windowed", *windows)
    for table in ("folded", "windowed"):
        check(rows, place / table)
    columns = {table: stored(onefold, place / table) for table in ("folded", "windowed")}
    return {"rows": rows.num_rows, "sizes": sizes, "columns": columns}


def claims(sizes):
    machine = platform.processor() or platform.machine()
    found = []
    for table in ("folded", "windowed"):
        for other, aim in (("arrival", ARRIVAL_AIM), ("sorted", SORTED_AIM)):
            ratio = sizes[other] / sizes[table]
            found.append({"claim": f"table: bytes, {other} Parquet / {table}", "ours": sizes[table],
                          "other": sizes[other], "unit": "bytes", "ratio": ratio, "aim": aim,
                          "holds": ratio >= aim, "machine": machine})
    return found


def print_bound(sizes, columns, table):
    print(f"{table}: {sizes['arrival'] / sizes[table]:.2f}x below order of arrival, "
          f"{sizes['sorted'] / sizes[table]:.2f}x below sorted; its columns")
    for kind, size in sorted(columns.items(), key=lambda item: -item[1]):
        print(f"  {kind:<18}{size:>12,} bytes, {100 * size / sizes[table]:5.1f} %")
    if sizes["arrival"] < ARRIVAL_AIM * sizes[table]:
        kind = max(columns, key=columns.get)
        alone = sizes["arrival"] / columns[kind]
        print(f"  falls short of {ARRIVAL_AIM}x: bounded by {kind}, which alone are {alone:.2f}x")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--users", type=int, default=1000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        figures = measure(arguments.build.resolve() / "onefold", pathlib.Path(place), arguments.users)
    sizes = figures["sizes"]
    for name, size in sizes.items():
        print(f"{name:<10}{size:>14,} bytes {size / figures['rows']:8.1f} a sample")
    for table, columns in figures["columns"].items():
        print_bound(sizes, columns, table)
    out = pathlib.Path("build/bench")
    out.mkdir(parents=True, exist_ok=True)
    (out / "table.json").write_text(json.dumps(claims(sizes), indent=2) + "\n")


if __name__ == "__main__":
    main()
