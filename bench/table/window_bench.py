#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What windowed groups save on long histories that grow by a few events between samples.

    bench/table/window_bench.py BUILD [--values N]

Users have 100 samples in 10 sessions, and each sample carries the user's whole history of items and times, of
1,000 to 70,000 events. The same rows as Parquet, zstd level 3, sorted by session, and as a table built with
`--window history`. Every sample's lists are read back with pyarrow, from payload, start and length, and
compared with the rows before a figure is printed. Writes build/bench/window_bench.json.
"""
import argparse
import json
import pathlib
import platform
import shutil
import subprocess
import tempfile

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

SAMPLES, SESSIONS = 100, 10
LENGTHS = (1_000, 5_000, 20_000, 70_000)

MAPPING = """
[columns]
user = "user"
item = "item"
time = { column = "time", unit = "s" }
request = "request"
session = "session"
[labels]
click = "click"
[[feature]]
column = "items"
kind = "id_list"
scope = "user"
group = "history"
[[feature]]
column = "times"
kind = "id_list"
scope = "user"
group = "history"
[[group]]
name = "history"
window = true
"""


def rows(length, num_users):
    """Sorted by session, as the table is; session ids are random, so a user's sessions lie anywhere."""
    draw = np.random.default_rng(length)
    columns = {name: [] for name in ("session", "user", "request", "item", "time", "click", "items", "times")}
    for user in range(num_users):
        grows = np.cumsum(draw.integers(0, 7, SAMPLES))  # 3 events a sample
        events = length + grows[-1]
        items = (draw.random(events) ** 3 * 1e6).astype(np.int64)
        times = np.cumsum(draw.integers(1, 3600, events))
        sessions = np.sort(draw.integers(0, 2**40, SESSIONS))
        draw.shuffle(sessions)
        for sample in range(SAMPLES):
            end = length + grows[sample]
            columns["session"].append(sessions[sample * SESSIONS // SAMPLES])
            columns["user"].append(user)
            columns["request"].append(user * SAMPLES + sample)
            columns["item"].append(int(draw.integers(0, 1000)))
            columns["time"].append(int(times[end - 1]) + sample)
            columns["click"].append(int(draw.random() < 0.1))
            columns["items"].append(items[:end])
            columns["times"].append(times[:end])
    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    return table.sort_by([("session", "ascending"), ("time", "ascending")])


def run(onefold, *arguments):
    done = subprocess.run([onefold, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"window_bench: onefold {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


def check(table, place):
    """Each sample's lists, cut from its payload row by another program than the one that stored them."""
    samples = pa.concat_tables(pq.read_table(f) for f in sorted(place.glob("*.samples.parquet")))
    payload = pa.concat_tables(pq.read_table(f) for f in sorted(place.glob("*.history.parquet")))
    row_of = {ref: i for i, ref in enumerate(payload["ref"].to_pylist())}
    refs = [samples["history." + name].to_numpy() for name in ("ref", "start", "len")]
    original = {request: i for i, request in enumerate(table["request"].to_pylist())}
    for name in ("items", "times"):
        stored, expected = payload[name].combine_chunks(), table[name].combine_chunks()
        for request, ref, start, size in zip(samples["request_id"].to_pylist(), *refs):
            cut = stored[row_of[ref]].values.slice(start, size)
            if not cut.equals(expected[original[request]].values):
                raise SystemExit(f"window_bench: request {request} has other {name}")
    if samples.num_rows != table.num_rows:
        raise SystemExit("window_bench: samples are missing")


def measure(onefold, place, length, num_users):
    table = rows(length, num_users)
    pq.write_table(table, place / "rows.parquet", compression="zstd", compression_level=3)
    # One more distinct list than the longest is nothing: the values that any storage must keep.
    distinct = sum(max(len(row.values) for row in table["items"].filter(pc.equal(table["user"], user)))
                   for user in range(num_users)) * 2 * 8
    (place / "mapping.toml").write_text(MAPPING)
    run(onefold, "import", "parquet", place / "rows.parquet", place / "log", "--mapping", place / "mapping.toml")
    built = json.loads(run(onefold, "build", place / "log", place / "table", "--partition", "none", "--json"))
    check(table, place / "table")
    values = sum(len(row.values) for row in table["items"]) * 2
    return {"length": length, "users": num_users, "values": values, "distinct_bytes": distinct,
            "sorted": (place / "rows.parquet").stat().st_size, "windowed": built["table_bytes"],
            "build_s": built["seconds"]}


def claims(figures):
    machine = f"{platform.machine()}, CPU"
    longest, shortest = figures[-1], figures[0]
    smaller = longest["sorted"] / longest["windowed"]
    per_value = [1e9 * f["build_s"] / f["values"] for f in figures]
    return [
        {"claim": "windowed bytes, 70,000 events, against sorted Parquet", "ours": longest["windowed"],
         "other": longest["sorted"], "unit": "bytes", "ratio": smaller, "aim": 50, "holds": smaller >= 50,
         "machine": machine},
        {"claim": "build time an event, 70,000 against 1,000 events", "ours": per_value[-1],
         "other": per_value[0], "unit": "ns", "ratio": per_value[-1] / per_value[0], "aim": 1.25,
         "holds": per_value[-1] <= 1.25 * per_value[0], "machine": machine},
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--values", type=int, default=14_000_000, help="items of each table, 14 million")
    arguments = parser.parse_args()
    onefold = pathlib.Path(arguments.build).resolve() / "onefold"
    figures = []
    print(f"{'events':>8}{'users':>7}{'sorted':>14}{'windowed':>12}{'ratio':>8}{'x distinct':>12}{'build':>9}"
          f"{'ns/value':>10}")
    for length in LENGTHS:
        with tempfile.TemporaryDirectory(prefix="onefold-window-") as directory:
            place = pathlib.Path(directory)
            f = measure(onefold, place, length, max(1, arguments.values // (SAMPLES * length)))
        figures.append(f)
        print(f"{length:>8,}{f['users']:>7}{f['sorted']:>14,}{f['windowed']:>12,}{f['sorted'] / f['windowed']:>7.1f}x"
              f"{f['windowed'] / f['distinct_bytes']:>12.2f}{f['build_s']:>8.2f}s"
              f"{1e9 * f['build_s'] / f['values']:>10.1f}", flush=True)
    out = pathlib.Path("build/bench")
    out.mkdir(parents=True, exist_ok=True)
    (out / "window_bench.json").write_text(json.dumps(claims(figures), indent=1) + "\n")


if __name__ == "__main__":
    main()
