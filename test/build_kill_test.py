# SPDX-License-Identifier: Apache-2.0
"""`onefold build`, killed with SIGKILL at 200 random moments: the table is the old one or the new one, each
complete, and the next build succeeds. SIGINT and SIGTERM end it without leaving anything behind."""
import hashlib
import os
import pathlib
import signal
import subprocess
import time

import pytest
from program import BIN, Killer, succeed

BUILD_ONCE = os.environ.get("ONEFOLD_BUILD_ONCE", "build_once")
KILLS = 200


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Two logs of a few hundred requests."""
    root = tmp_path_factory.mktemp("build")
    for seed in (1, 2):
        succeed("synth", f"log{seed}", "--users", 40, "--list-length", 20, "--days", 2, "--seed", seed, cwd=root)
    return root


def build_once(*arguments, cwd):
    done = subprocess.run([BUILD_ONCE, *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def digest(table):
    """Of all files and their names."""
    whole = hashlib.sha256()
    for path in sorted(pathlib.Path(table).rglob("*")):
        if path.is_file():
            whole.update(str(path.relative_to(table)).encode() + b"\0" + path.read_bytes())
    return whole.hexdigest()


def leftovers(place):
    return [path.name for path in place.iterdir() if "staging" in path.name or "spill" in path.name]


def test_sigkill(place):
    digests = {}
    for seed in (1, 2):
        begin = time.monotonic()
        build_once(f"log{seed}", "table", cwd=place)
        seconds = time.monotonic() - begin
        digests[seed] = digest(place / "table")
    assert digests[1] != digests[2]
    killer = Killer(seconds, seed=1)
    there = 2
    replaced = 0
    for kill in range(KILLS):
        new = 3 - there
        killer.kill([BUILD_ONCE, f"log{new}", "table"], place)
        build_once("table", cwd=place)  # verify
        found = digest(place / "table")
        assert found in (digests[there], digests[new])
        if found == digests[new]:
            there = new
            replaced += 1
        else:
            killer.seconds *= 1.02  # the machine may be slower now
        if kill % 20 == 0:
            build_once(f"log{new}", "table", cwd=place)
            there = new
            assert digest(place / "table") == digests[new]
            assert not leftovers(place)
    assert killer.running >= KILLS // 2
    assert replaced >= 1
    succeed("build", "log1", "table", "--row-group-samples", 256, cwd=place)
    assert digest(place / "table") == digests[1]  # the program's own build is the same
    succeed("table", "verify", "table", cwd=place)
    assert not leftovers(place)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(place, number):
    succeed("build", "log1", "interrupted", cwd=place)
    before = digest(place / "interrupted")
    for _ in range(20):  # a build that ends before the signal reaches it shows nothing: again
        process = subprocess.Popen([BIN, "build", "log2", "interrupted", "--row-group-samples", "1"], cwd=place,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)  # fmt: skip
        while process.poll() is None and not leftovers(place):
            time.sleep(0.001)
        process.send_signal(number)
        _, words = process.communicate()
        if process.returncode != 0:
            break
        succeed("build", "log1", "interrupted", cwd=place)
    assert process.returncode == 1
    assert "interrupted" in words
    assert digest(place / "interrupted") == before
    assert not leftovers(place)
