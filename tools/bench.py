#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run the benchmarks of a build and sum up what they claim.

    tools/bench.py BUILD [NAME ...]     programs in BUILD/bench and bench/*/*_bench.py, all or those named

Each program prints its own table. Those that compare write build/bench/<name>.json, a list of
{claim, ours, other, unit, ratio, aim, holds, machine}; the summary at the end is made from these.
Exit code 1 when a program fails: a benchmark that computes a wrong answer fails.
"""
import json
import pathlib
import subprocess
import sys


def run(programs, build, out):
    failed = []
    for program in programs:
        print(f"== {program.stem} ==", flush=True)
        command = [sys.executable, program, build] if program.suffix == ".py" else [program]
        if subprocess.run(command, cwd=out.parent.parent).returncode != 0:
            failed.append(program.stem)
    return failed


def summary(out):
    lines = []
    for path in sorted(out.glob("*.json")):
        for entry in json.loads(path.read_text()):
            mark = "holds" if entry["holds"] else "falls short"
            lines.append(f"{entry['claim']:<60} {entry['ratio']:>8.2f}  aim {entry['aim']}  {mark}")
    return lines


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    build = pathlib.Path(sys.argv[1]).resolve()
    names = set(sys.argv[2:])
    scripts = pathlib.Path(__file__).resolve().parent.parent.glob("bench/*/*_bench.py")
    programs = sorted(p for p in (build / "bench").glob("*") if p.is_file()) + sorted(scripts)
    if names:
        programs = [p for p in programs if p.stem in names]
    if not programs:
        sys.exit(f"bench: no programs in {build / 'bench'}; run make bench")
    out = pathlib.Path("build/bench").resolve()
    out.mkdir(parents=True, exist_ok=True)
    failed = run(programs, build, out)
    print("== claims ==")
    print("\n".join(summary(out)) or "none recorded")
    if failed:
        sys.exit(f"bench: failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
