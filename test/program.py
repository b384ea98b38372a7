# SPDX-License-Identifier: Apache-2.0
"""How the tests run the onefold program, and what must hold whenever it fails."""
import contextlib
import os
import pathlib
import random
import subprocess

BIN = os.environ.get("ONEFOLD_BIN", "onefold")

USAGE = 2  # exit code: the command line or the configuration is at fault
DATA = 1  # exit code: the data is


def run(*arguments, cwd, **environment):
    """Runs onefold with a TMPDIR of its own inside `cwd`, so that leftovers there are seen, too."""
    temporary = pathlib.Path(cwd, "tmpdir")
    temporary.mkdir(exist_ok=True)
    return subprocess.run(
        [BIN, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "TMPDIR": str(temporary), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def succeed(*arguments, cwd, **environment):
    """As run(), and it must succeed. Returns what it printed."""
    done = run(*arguments, cwd=cwd, **environment)
    assert done.returncode == 0, f"onefold {' '.join(map(str, arguments))}\n{done.stderr}"
    return done.stdout


class Killer:
    """Kills runs at random moments of the `seconds` that one takes. They become fewer when a run ends before:
    the machine is faster now than when it was measured. Whether it is slower the caller knows."""

    def __init__(self, seconds, seed):
        self.seconds = seconds
        self.running = 0  # runs that were hit before their end
        self._random = random.Random(seed)

    def kill(self, command, cwd):
        process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=self._random.uniform(0, self.seconds))
            self.seconds *= 0.9
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            self.running += 1


def snapshot(directory):
    """Everything below `directory`: {relative path: bytes, or None for a directory}."""
    root = pathlib.Path(directory)
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else None
        for path in root.rglob("*")
    }


@contextlib.contextmanager
def unchanged(directory):
    """Nothing below `directory` may appear, change or go away: no half-written destination, no
    *.tmp, no staging directory."""
    pathlib.Path(directory, "tmpdir").mkdir(exist_ok=True)
    before = snapshot(directory)
    yield
    after = snapshot(directory)
    assert sorted(after) == sorted(before)
    changed = [path for path in before if before[path] != after[path]]
    assert not changed


def fail(code, *arguments, cwd, saying=()):
    """Runs onefold, which must fail with `code` and one line on stderr that has all words of
    `saying`, and leave everything below `cwd` as it was."""
    with unchanged(cwd):
        done = run(*arguments, cwd=cwd)
    what = f"onefold {' '.join(map(str, arguments))}\n{done.stderr}"
    assert done.returncode == code, what
    assert done.stderr.startswith("onefold: "), what
    assert done.stderr.count("\n") == 1 and done.stderr.endswith("\n"), what
    for crash in ("internal error", "terminate", "what()", "check failed", "Traceback"):
        assert crash not in done.stderr, what
    for word in [saying] if isinstance(saying, str) else saying:
        assert word in done.stderr, what
    return done.stderr
