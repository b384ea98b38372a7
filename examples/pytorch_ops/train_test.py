#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs train.py for a few steps: same loss folded and not, and it falls."""
import pathlib
import re
import subprocess
import sys


def main():
    command = [sys.executable, pathlib.Path(__file__).with_name("train.py"), "--steps", "8"]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "1024 samples, 64 unique user rows" in out, out
    losses = [tuple(map(float, pair)) for pair in re.findall(r"loss ([\d.]+) -> ([\d.]+)", out)]
    assert len(losses) == 2 and losses[0] == losses[1], out
    assert losses[0][1] < losses[0][0] - 0.05, out
    assert float(re.search(r"at most (\S+);", out).group(1)) < 1e-6, out


if __name__ == "__main__":
    main()
