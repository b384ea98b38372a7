#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`onefold build` against DuckDB: the same rows sorted by session and time and written as Parquet, with
two threads and the same memory limit, on data four times that limit.

    bench/table/build_bench.py BUILD [--memory MIB] [--candidates N] [--rows N]

DuckDB reads the joined rows, one per sample, as Parquet in order of arrival, and writes them with
COPY (... ORDER BY session_id, time). Onefold reads what a service writes: the feature log, one record per
request, and the event log, which it still has to join; it writes a folded table. With the default of one
candidate per request both read every list once per sample, so both have the same data: four times the
limit of values in memory. With more candidates a log holds a list once per request; the log is then what
has four times the limit, and the rows of DuckDB have more.

When DuckDB runs out of memory at the limit it is given the first double of it that suffices, which the output
says; Onefold keeps the limit.

Checked before any figure is printed: rows, and a checksum of every column and list over the joined folded
table, the same in both. Prints a table and writes build/bench/build_bench.json.
"""
import argparse
import json
import pathlib
import platform
import subprocess
import sys
import tempfile

import duckdb

MIB = 1 << 20
THREADS = 2
ROW_GROUP = 16_384
RUNS = 2  # of each, in turn; the faster one counts

# Runs in a process of its own, so that the peak is DuckDB's.
DUCKDB = """
import sys, time, duckdb
rows, out, spill, memory, threads, row_group = sys.argv[1:]
start = time.perf_counter()
db = duckdb.connect()
db.execute(f"SET memory_limit = '{memory}MiB'; SET threads = {threads}; SET temp_directory = '{spill}'")
db.execute(f"COPY (SELECT * FROM read_parquet('{rows}/*.parquet') ORDER BY session_id, time) "
           f"TO '{out}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3, ROW_GROUP_SIZE {row_group})")
seconds = time.perf_counter() - start
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(seconds, peak * 1024)
"""


def onefold(binary, *arguments):
    done = subprocess.run([binary, *map(str, arguments), "--json"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"build_bench: onefold {arguments[0]}: {done.stderr}")
    return json.loads(done.stdout)


def make_data(binary, place, rows, candidates):
    counts = onefold(binary, "synth", place / "log", "--users", rows // 80, "--candidates", candidates,
                     "--samples-per-session", 16)  # fmt: skip
    onefold(binary, "build", place / "log", place / "rows", "--layout", "plain", "--order", "arrival",
            "--partition", "none")  # fmt: skip
    return counts


def run_duckdb(place, memory):
    """With that limit or, when it runs out of memory, the first double of it that it finishes with."""
    for given in (memory, 2 * memory, 4 * memory, 8 * memory):
        seconds_and_peak = try_duckdb(place, given)
        if seconds_and_peak:
            return seconds_and_peak | {"given": given}
    sys.exit(f"build_bench: DuckDB ran out of memory at {given} MiB")


def try_duckdb(place, memory):
    (place / "sorted.parquet").unlink(missing_ok=True)
    done = subprocess.run([sys.executable, "-c", DUCKDB, place / "rows", place / "sorted.parquet",
                           place / "spill", str(memory), str(THREADS), str(ROW_GROUP)],
                          capture_output=True, text=True, check=False)  # fmt: skip
    if "Out of Memory" in done.stderr:
        return None
    if done.returncode != 0:
        sys.exit(f"build_bench: DuckDB: {done.stderr.strip().splitlines()[-1]}")
    seconds, peak = done.stdout.split()[-2:]  # after a progress bar, when it takes long
    return {"seconds": float(seconds), "peak_memory": int(peak)}


def run_onefold(binary, place, memory):
    return onefold(binary, "build", place / "log", place / "table", "--partition", "none",
                   "--memory", f"{memory}MiB", "--threads", THREADS)  # fmt: skip


def checksum(db, relation):
    """Rows, and the sum over them of a hash of each column, whatever the order."""
    names = sorted(name for name, *_ in db.execute(f"DESCRIBE {relation}").fetchall())
    sums = ", ".join(f'sum(hash("{name}")::HUGEINT)' for name in names)
    row = "hash(" + ", ".join(f'"{name}"' for name in names) + ")"
    return names, db.execute(f"SELECT count(*), sum({row}::HUGEINT), {sums} FROM {relation}").fetchone()


def check(place):
    """Both tables have the rows that were read, and Onefold's are in order. Returns their number."""
    db = duckdb.connect()
    manifest = json.loads((place / "table" / "_onefold.json").read_text())
    groups = list(dict.fromkeys(f["group"] for f in manifest["schema"]["features"] if f["group"]))
    joins = "".join(
        f" JOIN read_parquet('{place}/table/*.{group}.parquet') {group} ON {group}.ref = s.\"{group}.ref\""
        for group in groups
    )
    without = ", ".join(f'"{group}.ref"' for group in groups)
    payloads = "".join(f", {group}.* EXCLUDE (ref)" for group in groups)
    samples = f"read_parquet('{place}/table/*.samples.parquet')"
    db.execute(f"CREATE VIEW ours AS SELECT s.* EXCLUDE ({without}){payloads} FROM {samples} s{joins}")
    db.execute(f"CREATE VIEW rows AS SELECT * FROM read_parquet('{place}/rows/*.parquet')")
    db.execute(f"CREATE VIEW theirs AS SELECT * FROM read_parquet('{place}/sorted.parquet')")
    expected = checksum(db, "rows")
    for other in ("ours", "theirs"):
        if checksum(db, other) != expected:
            sys.exit(f"build_bench: {other} are not the rows that were read")
    out_of_order = db.execute(
        f"SELECT count(*) FROM (SELECT session_id, time, lag((session_id, time)) OVER (ORDER BY file_row_number)"
        f" AS previous FROM read_parquet('{place}/table/*.samples.parquet', file_row_number = true))"
        f" WHERE previous > (session_id, time)"
    ).fetchone()[0]
    if out_of_order:
        sys.exit(f"build_bench: {out_of_order} samples are out of order")
    return expected[1][0]


def claim(words, ours, other, unit, ratio, aim):
    machine = platform.processor() or platform.machine()
    return {"claim": words, "ours": ours, "other": other, "unit": unit, "ratio": ratio, "aim": aim,
            "holds": ratio >= aim, "machine": machine}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--memory", type=int, default=384, help="the limit, in MiB")
    parser.add_argument("--candidates", type=int, default=1, help="per request")
    parser.add_argument("--rows", type=int, default=0, help="about; 0: four times the limit")
    parser.add_argument("--place", help="where to put the data; else a temporary directory")
    arguments = parser.parse_args()
    binary = arguments.build.resolve() / "onefold"
    # A request of generated data has about 4.2 kB of values.
    rows = arguments.rows or 4 * arguments.memory * MIB // 4200 * arguments.candidates
    with tempfile.TemporaryDirectory(dir=arguments.place) as directory:
        place = pathlib.Path(directory)
        make_data(binary, place, rows, arguments.candidates)
        ours, theirs = [], []
        for _ in range(RUNS):
            ours.append(run_onefold(binary, place, arguments.memory))
            theirs.append(run_duckdb(place, theirs[-1]["given"] if theirs else arguments.memory))
        num_rows = check(place)
        bytes_of = {name: sum(f.stat().st_size for f in (place / name).rglob("*") if f.is_file())
                    for name in ("log", "rows", "table")}  # fmt: skip
        bytes_of["sorted"] = (place / "sorted.parquet").stat().st_size
    our, their = (min(runs, key=lambda run: run["seconds"]) for runs in (ours, theirs))
    limit = arguments.memory * MIB
    print(f"{num_rows} rows, {arguments.candidates} to a request; limit {arguments.memory} MiB; onefold spilled "
          f"{our['spilled_bytes'] / MIB:.0f} MiB ({our['spilled_bytes'] / limit:.1f}x the limit)")
    if their["given"] > arguments.memory:
        print(f"DuckDB ran out of memory at {their['given'] // 2} MiB and was given {their['given']} MiB")
    for name, run, read, written in (("onefold", our, "log", "table"), ("DuckDB", their, "rows", "sorted")):
        print(f"{name:<8} {run['seconds']:8.2f} s {num_rows / run['seconds']:10.0f} rows/s   peak "
              f"{run['peak_memory'] / MIB:6.0f} MiB   reads {bytes_of[read] / MIB:7.0f} MiB, writes "
              f"{bytes_of[written] / MIB:7.0f} MiB")
    what = f"build, {arguments.candidates} a request, data 4x the limit"
    claims = [
        claim(f"{what}: rows/s / DuckDB's", num_rows / our["seconds"], num_rows / their["seconds"], "rows/s",
              their["seconds"] / our["seconds"], 1.5),
        claim(f"{what}: (limit + 20 %) / peak memory", our["peak_memory"], limit * 1.2, "bytes",
              limit * 1.2 / our["peak_memory"], 1),
    ]
    out = pathlib.Path("build/bench")
    out.mkdir(parents=True, exist_ok=True)
    (out / "build_bench.json").write_text(json.dumps(claims, indent=2) + "\n")


if __name__ == "__main__":
    main()
