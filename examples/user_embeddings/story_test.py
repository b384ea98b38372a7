#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every command of README.md in order, on fewer users, and checks what they say.

    story_test.py ONEFOLD
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

FEWER = "--users 60 --mean-events 300 --min-events 100 --max-events 2000"


def commands(page):
    found = [line[2:] for line in page.read_text().splitlines() if line.startswith("$ ")]
    assert sum("--users 1000" in command for command in found) == 1
    return [command.replace("--users 1000", FEWER) for command in found]


def run(command, place, onefold):
    path = f"{onefold.parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], cwd=place, text=True, capture_output=True,
        env={**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    # `head` may end before onefold does.
    if done.returncode not in (0, 141):
        sys.exit(f"$ {command}\n{done.stdout}{done.stderr}")
    return done.stdout


def main():
    onefold = pathlib.Path(sys.argv[1]).resolve()
    here = pathlib.Path(__file__).resolve().parent
    with tempfile.TemporaryDirectory() as root:
        place = pathlib.Path(root, "story")
        shutil.copytree(here, place)
        said = [(command, run(command, place, onefold)) for command in commands(here / "README.md")]
    by_words = lambda *words: [out for command, out in said if all(word in command for word in words)]
    assert "v000001 is live" in by_words("publish", "04-20")[0]
    assert "over v000001" in by_words("changed-since")[0]
    assert "coverage 100.00 %" in by_words("publish", "04-24")[0]
    assert "v000002 live" in by_words("versions")[0]
    assert "user_embedding" in by_words("build", "04-20", "--embeddings")[0]
    for name in ("without.toml", "with.toml"):
        (out,) = by_words("train", name)
        ne = [float(line.split(":")[1]) for line in out.splitlines() if "ne" in line]
        assert len(ne) == 1 and 0.5 < ne[0] < 1.5, out
    assert "v000001 is live in users again" in by_words("rollback")[0]
    print(f"{len(said)} commands ran")


if __name__ == "__main__":
    main()
