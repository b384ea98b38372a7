#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every sample of a folded table, joined in PySpark, is a sample of the plain table of the same log.

    join_table_test.py ONEFOLD

ONEFOLD is the program. Exit code 77 without PySpark or Java.
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

try:
    import pyspark
except ImportError:
    print("skipped: pyspark is not installed (.venv/bin/pip install pyspark)")
    sys.exit(77)
if not shutil.which("java"):
    print("skipped: no java on the PATH; Spark 4 needs Java 17 or newer")
    sys.exit(77)

from join_table import joined, manifest_of, payload, samples, session


def run(*command):
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)


def check_equal(found, expected, what):
    """The same rows, each as often."""
    found = found.select(expected.columns)
    only_found, only_expected = found.exceptAll(expected).count(), expected.exceptAll(found).count()
    assert (only_found, only_expected) == (0, 0), f"{what}: {only_found} too many, {only_expected} missing"


def main(onefold):
    with tempfile.TemporaryDirectory(prefix="onefold_pyspark_join_") as folder:
        folder = pathlib.Path(folder)
        run(onefold, "synth", folder / "logs", "--users", 30, "--days", 2)
        run(onefold, "build", folder / "logs", folder / "folded", "--row-group-samples", 300)
        window = ["--row-group-samples", 300, "--window", "history"]
        run(onefold, "build", folder / "logs", folder / "windowed", *window)
        run(onefold, "build", folder / "logs", folder / "plain", "--layout", "plain", "--partition", "none")
        spark = session()
        plain = spark.read.parquet(str(folder / "plain"))
        num_samples = manifest_of(folder / "folded")["num_samples"]
        assert plain.count() == num_samples > 0
        check_equal(joined(spark, folder / "folded"), plain, "joined samples")
        check_equal(joined(spark, folder / "windowed"), plain, "samples cut from windows")
        merged = payload(spark, folder / "windowed", "history").count()
        stored = payload(spark, folder / "folded", "history").count()
        assert stored * 5 < num_samples, f"{stored} histories for {num_samples} samples: not folded"
        assert merged * 2 < stored, f"{merged} payload rows of {stored} histories that slide: not merged"
        assert samples(spark, folder / "folded").where("dt = '2024-01-02'").count() > 0
        spark.stop()
        print(f"{num_samples} samples equal, Spark {pyspark.__version__}")


if __name__ == "__main__":
    main(*sys.argv[1:])
