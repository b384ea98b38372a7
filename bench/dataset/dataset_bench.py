#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `onefold fold` saves and what it costs, on generated samples: 16 a session, 40 lists of the user
in four groups that change now and then within a session, 20 features of the item.

    bench/dataset/dataset_bench.py BUILD [--sessions N]

Compared, all zstd level 3 with the same row groups: the samples in order of arrival, the same sorted by
session, and those folded. Then histories that grow: items and times of one user's events in every row, a few
more in each, of which the newest are kept; folded with --window and without. Before anything is timed,
unfolding must give back the file. Prints a table and writes build/bench/dataset_bench.json.
"""
import argparse
import json
import pathlib
import platform
import shutil
import subprocess
import tempfile
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

SAMPLES, LENGTH, GROUPS, LISTS, ITEM_FEATURES = 16, 20, 4, 10, 20
CHANGES = 0.05  # of a group, from one sample of a session to the next
ROW_GROUP = 16_384
ARRIVAL_AIM = 8
GROWN_ROWS = 64  # of a user
# Events in the first row of a user, later ones grow up to 100 more, then slide; and the order of the rows.
GROWN = ((100, "by user"), (1000, "by user"), (1000, "by arrival"))
WINDOW_AIM = 2


def list_columns(draw, num_samples):
    """Each list is a window of what its user saw, which moves by one when its group changes."""
    first = np.arange(num_samples) % SAMPLES == 0
    session = np.arange(num_samples) // SAMPLES
    columns = {}
    for group in range(GROUPS):
        moves = (draw.random(num_samples) < CHANGES) & ~first
        position = np.cumsum(moves)
        position -= position[session * SAMPLES]
        for number in range(LISTS):
            # Popular ids are drawn more often, as item ids are.
            seen = (draw.random((session[-1] + 1, LENGTH + SAMPLES)) ** 3 * 1e6).astype(np.int64)
            windows = np.lib.stride_tricks.sliding_window_view(seen, LENGTH, axis=1)
            values = windows[session, position].reshape(-1)
            offsets = np.arange(num_samples + 1, dtype=np.int32) * LENGTH
            columns[f"user_{group}_{number}"] = pa.ListArray.from_arrays(offsets, values)
    return columns


def samples(num_sessions):
    draw = np.random.default_rng(1)
    num_samples = num_sessions * SAMPLES
    columns = {
        "session_id": np.arange(num_samples) // SAMPLES,
        "label": (draw.random(num_samples) < 0.1).astype(np.float32),
    }
    columns |= list_columns(draw, num_samples)
    for number in range(ITEM_FEATURES):
        columns[f"item_{number}"] = (draw.random(num_samples) ** 3 * 1e5).astype(np.int64)
    return pa.table(columns)


def grown_histories(num_users, events, order):
    draw = np.random.default_rng(3)
    steps = draw.integers(1, 4, (num_users, GROWN_ROWS))
    ends = events + np.cumsum(steps, axis=1)
    begins = np.maximum(0, ends - events - 100)
    seen = int(ends.max())
    items = (draw.random((num_users, seen)) ** 3 * 1e6).astype(np.int64)
    times = 1_700_000_000 + np.cumsum(draw.exponential(3600, (num_users, seen)), axis=1).astype(np.int64)
    lengths = (ends - begins).reshape(-1)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    first = (np.arange(num_users)[:, None] * seen + begins).reshape(-1)
    index = np.repeat(first - offsets[:-1], lengths) + np.arange(offsets[-1])
    columns = {"user": np.repeat(np.arange(num_users), GROWN_ROWS)}
    for name, values in {"items": items, "times": times}.items():
        columns[name] = pa.ListArray.from_arrays(offsets, values.reshape(-1)[index])
    columns["label"] = (draw.random(len(lengths)) < 0.1).astype(np.float32)
    table = pa.table(columns)
    if order == "by user":
        return table
    return table.take(np.arange(len(lengths)).reshape(num_users, GROWN_ROWS).T.reshape(-1))


def measure_windows(onefold, place, num_users, events, order):
    """Bytes and seconds of grown histories, folded without and with --window."""
    table = grown_histories(num_users, events, order)
    figures = {"lists": f"histories of {events} events that grow, {order}"}
    figures |= {"rows": table.num_rows, "value_bytes": table.nbytes}
    figures["source"] = write(table, place / "grown.parquet")
    for name, options in {"exact": [], "window": ["--window", "items,times", "--user", "user"]}.items():
        command = ["fold", place / "grown.parquet", place / name, *options, "--json"]
        figures[name] = json.loads(run(onefold, *command)[1])["table_bytes"]
        shutil.rmtree(place / f"{name}_copy", ignore_errors=True)
        run(onefold, "unfold", place / name, place / f"{name}_copy")
        if not pq.read_table(place / f"{name}_copy/grown.parquet").equals(table):
            raise SystemExit(f"dataset_bench: unfolding ({name}) gave other rows")
        figures[f"{name}_s"] = best(lambda command=command: run(onefold, *command)[0])

        def unfold(name=name):
            shutil.rmtree(place / f"{name}_copy")
            return run(onefold, "unfold", place / name, place / f"{name}_copy")[0]

        figures[f"{name}_unfold_s"] = best(unfold)
    return figures


def print_windows(figures):
    print(f"{figures['lists']}: {figures['rows']} rows, {figures['value_bytes']} bytes of values, "
          f"{figures['source']} in Parquet")
    for name in ("exact", "window"):
        words = "with --window" if name == "window" else "without"
        print(f"  fold {words:<14} {figures[name]:>12} bytes ({figures['source'] / figures[name]:.1f}x)  "
              f"fold {figures[f'{name}_s']:.2f} s  unfold {figures[f'{name}_unfold_s']:.2f} s")


def write(table, path):
    pq.write_table(table, path, compression="zstd", compression_level=3, row_group_size=ROW_GROUP)
    return path.stat().st_size


def run(onefold, *arguments):
    start = time.perf_counter()
    done = subprocess.run([onefold, *map(str, arguments)], capture_output=True, text=True, check=True)
    return time.perf_counter() - start, done.stdout


def best(runs):
    return min(runs() for _ in range(3))


def measure(onefold, place, num_sessions):
    table = samples(num_sessions)
    figures = {"rows": table.num_rows, "value_bytes": table.nbytes}
    figures["sorted"] = write(table, place / "sorted.parquet")
    shuffled = table.take(np.random.default_rng(2).permutation(table.num_rows))
    figures["arrival"] = write(shuffled, place / "arrival.parquet")
    del shuffled

    def fold():
        return run(onefold, "fold", place / "sorted.parquet", place / "table", "--json")

    def unfold():
        shutil.rmtree(place / "copy", ignore_errors=True)
        return run(onefold, "unfold", place / "table", place / "copy")

    report = json.loads(fold()[1])
    unfold()
    if not pq.read_table(place / "copy/sorted.parquet").equals(table):
        raise SystemExit("dataset_bench: unfolding gave other rows")
    figures["folded"] = report["table_bytes"]
    figures["groups"] = [len(group["columns"]) for group in report["groups"]]
    figures["stored"] = stored(onefold, place)
    figures["fold_s"] = best(lambda: fold()[0])
    figures["unfold_s"] = best(lambda: unfold()[0])
    figures["rewrite_s"] = best(lambda: rewrite(place))
    return figures


def stored(onefold, place):
    """Which columns bound the folded size."""
    columns = json.loads(run(onefold, "table", "show", place / "table", "--json")[1])["columns"]
    kinds = {"user lists": "user_", "item features": "item_"}
    bytes_of = {kind: sum(c["bytes"] for c in columns if c["name"].startswith(prefix))
                for kind, prefix in kinds.items()}
    return bytes_of | {"refs and others": sum(c["bytes"] for c in columns) - sum(bytes_of.values())}


def bounded_by(figures, ratio):
    """For a size that falls short of arrival order / `ratio`: how far, and by which columns."""
    aim = figures["arrival"] / ratio
    if figures["folded"] <= aim:
        return []
    kinds = sorted(figures["stored"].items(), key=lambda kind: -kind[1])
    lines = [f"falls short: {ratio}x would be {aim:.0f} bytes, folded is {figures['folded'] - aim:.0f} above"]
    for kind, size in kinds:
        lines.append(f"  {kind}: {size} bytes, alone {figures['arrival'] / size:.1f}x below arrival order")
    return lines


def rewrite(place):
    """The floor: read and write the same file with Arrow alone."""
    start = time.perf_counter()
    write(pq.read_table(place / "sorted.parquet"), place / "rewritten.parquet")
    return time.perf_counter() - start


def claim(words, ours, other, unit, ratio, aim):
    machine = platform.processor() or platform.machine()
    return {"claim": words, "ours": ours, "other": other, "unit": unit, "ratio": ratio, "aim": aim,
            "holds": ratio >= aim, "machine": machine}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--sessions", type=int, default=4096)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        onefold, place = arguments.build.resolve() / "onefold", pathlib.Path(place)
        figures = measure(onefold, place, arguments.sessions)
        grown = [measure_windows(onefold, place, max(1, arguments.sessions * 12 // events), events, order)
                 for events, order in GROWN]
    rows = figures["rows"]
    print(f"{rows} samples, {figures['value_bytes']} bytes of values, groups of {figures['groups']} columns")
    for name in ("arrival", "sorted", "folded"):
        print(f"{name:<10} {figures[name]:>12} bytes  {figures[name] / rows:8.1f} a sample")
    for kind, count in figures["stored"].items():
        print(f"  folded: {kind:<16} {count:>12} bytes")
    print("\n".join(bounded_by(figures, ARRIVAL_AIM)) or "all aims of size hold")
    for name in ("fold", "unfold", "rewrite"):
        seconds = figures[name + "_s"]
        print(f"{name:<10} {seconds:12.2f} s      {rows / seconds:8.0f} samples/s")
    for lists in grown:
        print_windows(lists)
    folded = figures["folded"]
    claims = [
        claim("fold: bytes, arrival order / folded", folded, figures["arrival"], "bytes",
              figures["arrival"] / folded, ARRIVAL_AIM),
        claim("fold: bytes, sorted by session / folded", folded, figures["sorted"], "bytes",
              figures["sorted"] / folded, 1),
        claim("fold: time, Arrow reads and writes the file / fold", figures["fold_s"],
              figures["rewrite_s"], "s", figures["rewrite_s"] / figures["fold_s"], 1),
    ]
    claims += [
        claim(f"fold: bytes of {lists['lists']}, without / with --window", lists["window"],
              lists["exact"], "bytes", lists["exact"] / lists["window"], WINDOW_AIM)
        for lists in grown
    ]
    out = pathlib.Path("build/bench")
    out.mkdir(parents=True, exist_ok=True)
    (out / "dataset_bench.json").write_text(json.dumps(claims, indent=2) + "\n")


if __name__ == "__main__":
    main()
