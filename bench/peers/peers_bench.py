#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Our CPU ops beside FBGEMM's and TorchRec's, in one process, on the same tensors.

    bench/peers/peers_bench.py BUILD [--quick]

The peers live in an environment of their own, build/peers-venv, which bench/peers/setup makes; where it
is missing the comparison is skipped with a message. Every pair of answers is compared before it is timed.
Prints a table and writes build/bench/peers_bench.json.
"""
import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEERS = ROOT / "build/peers-venv/bin/python"
OUT = pathlib.Path("build/bench/peers_bench.json")


def write(claims):
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(claims, indent=2) + "\n")


def skip(why):
    print(f"TorchRec, FBGEMM    skipped: {why}")
    write([])


def again_among_the_peers(build, quick):
    """This script with the peers' Python and our package from the build tree."""
    if not (build / "python/onefold/libonefold_ops.so").exists():
        sys.exit(f"peers_bench: no Python package in {build}; cmake --build {build} --target onefold_python")
    environment = {**os.environ, "PYTHONPATH": str(build / "python"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [PEERS, __file__, build, "--here", *(["--quick"] if quick else [])]
    return subprocess.run(command, env=environment, check=False).returncode


def median_seconds(ours, other, seconds):
    """Both medians, taken in turns so that a disturbance meets both; at least five runs each."""
    times = [], []
    for run in (ours, other):
        run()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[0]) < 5:
        for run, into in zip((ours, other), times):
            start = time.perf_counter()
            run()
            into.append(time.perf_counter() - start)
    return [statistics.median(each) for each in times]


def compare(case, seconds):
    import torch

    torch.testing.assert_close(case.ours(), case.other(), rtol=1e-4, atol=1e-5)
    ours, other = median_seconds(case.time_ours or case.ours, case.other, seconds)
    ratio = other / ours
    print(f"{case.name:<66} {1e3 * ours:8.2f} ms {1e3 * other:8.2f} ms {ratio:6.2f}x  aim {case.aim}", flush=True)
    return {"claim": case.name, "ours": 1e3 * ours, "other": 1e3 * other, "unit": "ms", "ratio": ratio,
            "aim": case.aim, "holds": ratio >= case.aim,
            "machine": f"{platform.machine()}, {torch.get_num_threads()} threads"}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--quick", action="store_true", help="little data: that it runs, not how fast")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not arguments.here:
        if not PEERS.exists():
            return skip("no build/peers-venv; run bench/peers/setup")
        return again_among_the_peers(arguments.build.resolve(), arguments.quick)
    try:
        import cases
    except ImportError as error:
        return skip(f"{error}; run bench/peers/setup again")
    print(f"{'':<66} {'ours':>11} {'theirs':>11}")
    claims = [compare(case, 0.0 if arguments.quick else 1.5) for case in cases.all_cases(arguments.quick)]
    if not arguments.quick:
        write(claims)


if __name__ == "__main__":
    sys.exit(main())
