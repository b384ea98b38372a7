#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What sharding a log by session saves against sharding it by request, as most loggers do (RecD O1).

    bench/table/log_bench.py BUILD [--users N]

The same generated requests (traffic.py) are logged twice at the same zstd level: by session and by request.
Both logs must hold the same requests. Prints a table and writes build/bench/log.json.
"""
import argparse
import json
import pathlib
import platform
import tempfile

import pyarrow as pa
from traffic import write_log

SHARDS = (8, 64)
AIM = 1.5


def feature_bytes(logs):
    return sum(path.stat().st_size for path in (logs / "feature").rglob("*.arrow"))


def requests(logs):
    """All blocks of the feature log as one table, by request."""
    blocks = []
    for path in sorted((logs / "feature").rglob("*.arrow")):
        with pa.memory_map(str(path)) as file, pa.ipc.open_stream(file) as stream:
            blocks += stream.read_all().to_batches()
    return pa.Table.from_batches(blocks).sort_by("request_id")


def measure(onefold, place, users):
    figures = {}
    for shards in SHARDS:
        logs = {by: write_log(onefold, place / f"{by}_{shards}", users, by, shards)
                for by in ("session", "request")}
        figures[shards] = {by: feature_bytes(path) for by, path in logs.items()}
        tables = {by: requests(path) for by, path in logs.items()}
        if not tables["session"].equals(tables["request"]):
            raise SystemExit("log_bench: the two logs hold other requests")
        figures["requests"] = tables["session"].num_rows
        figures["raw"] = tables["session"].nbytes
    return figures


def claim(figures, shards):
    by = figures[shards]
    ratio = by["request"] / by["session"]
    return {"claim": f"log: bytes, by request / by session, {shards} shards", "ours": by["session"],
            "other": by["request"], "unit": "bytes", "ratio": ratio, "aim": AIM, "holds": ratio >= AIM,
            "machine": platform.processor() or platform.machine()}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--users", type=int, default=1000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        figures = measure(arguments.build.resolve() / "onefold", pathlib.Path(place), arguments.users)
    print(f"{figures['requests']} requests, {figures['raw']} bytes of values")
    for shards in SHARDS:
        session, request = figures[shards]["session"], figures[shards]["request"]
        print(f"{shards:>3} shards  by request {request:>12} bytes  by session {session:>12} bytes  "
              f"{request / session:5.2f}x")  # fmt: skip
    out = pathlib.Path("build/bench")
    out.mkdir(parents=True, exist_ok=True)
    claims = [claim(figures, shards) for shards in SHARDS]
    (out / "log.json").write_text(json.dumps(claims, indent=2) + "\n")


if __name__ == "__main__":
    main()
