#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The reader of this folder gives, from a folded table, the samples of the plain table of the same log.

    read_table_test.py ONEFOLD

ONEFOLD is the program. Plain tables are read by pyarrow itself, so that nothing is compared with itself.
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pyarrow.compute
import pyarrow.parquet

from read_table import BadTable, read, read_manifest, row_groups


def run(*command):
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)


def in_order(table):
    """By the order of a session's samples; what is equal in it keeps the order of the files."""
    keys = [(name, "ascending") for name in ("session_id", "time", "request_id")]
    return table.take(pyarrow.compute.sort_indices(table, sort_keys=keys))


def bits(table):
    """Everything in it as text: a NaN equals itself, and 0.0 is not -0.0."""
    return {name: [repr(value) for value in table[name].to_pylist()] for name in table.column_names}


def check_equal(found, expected, what):
    assert found.column_names == expected.column_names, f"{what}: columns {found.column_names}"
    found, expected = bits(in_order(found)), bits(in_order(expected))
    for name in expected:
        assert found[name] == expected[name], f"{what}: column {name} differs"


def check_refused(table, edit, mention):
    """After `edit` of the manifest of a copy, reading says `mention`."""
    copy = table.parent / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(table, copy)
    manifest = read_manifest(copy)
    edit(manifest)
    (copy / "_onefold.json").write_text(json.dumps(manifest))
    try:
        read(copy)
    except BadTable as error:
        assert mention in str(error), f"'{error}' does not say '{mention}'"
    else:
        raise AssertionError(f"nothing says '{mention}'")


def check_errors(table):
    def shift_ref(manifest):
        manifest["parts"][0]["groups"][0]["first_ref"] += 1

    def newer(manifest):
        manifest["format_version"] = 99

    def larger(manifest):
        manifest["parts"][0]["samples"]["bytes"] += 1

    def outside(manifest):
        manifest["parts"][0]["samples"]["path"] = "../elsewhere.parquet"

    check_refused(table, shift_ref, "its refs")
    check_refused(table, newer, "format version 99")
    check_refused(table, larger, "not the size")
    check_refused(table, outside, "leaves the table")


def check_windows(table):
    """A window that leaves its payload row is damage."""
    path = next(table.rglob("*.samples.parquet"))
    entry = next(p["samples"] for p in read_manifest(table)["parts"] if path.match(p["samples"]["path"]))
    columns = pyarrow.parquet.read_table(path)
    longer = pyarrow.compute.add(columns["history.len"], 1000)
    index = columns.column_names.index("history.len")
    columns = columns.set_column(index, columns.schema.field(index), longer)
    with pyarrow.parquet.ParquetWriter(path, columns.schema) as writer:
        first = 0
        for rows in entry["row_group_rows"]:
            writer.write_table(columns.slice(first, rows), rows)
            first += rows

    def other_size(manifest):
        for part in manifest["parts"]:
            if part["samples"]["path"] == entry["path"]:
                part["samples"]["bytes"] = path.stat().st_size

    check_refused(table, other_size, "a window of group history")


def stored(table):
    """Payload rows of the histories."""
    return sum(len(payloads["history"].payload) for _, payloads in row_groups(table))


def main(onefold):
    with tempfile.TemporaryDirectory(prefix="onefold_pyarrow_") as folder:
        folder = pathlib.Path(folder)
        logs = folder / "logs"
        run(onefold, "synth", logs, "--users", 40, "--days", 3)
        run(onefold, "build", logs, folder / "plain", "--layout", "plain", "--partition", "none")
        plain = pyarrow.parquet.read_table(folder / "plain" / "part-00000.parquet")
        tables = {
            "folded": ["--row-group-samples", 300],
            "by arrival": ["--order", "arrival", "--partition", "hour"],
            "plain by day": ["--layout", "plain"],
            "windowed": ["--row-group-samples", 300, "--window", "history"],
        }
        for name, options in tables.items():
            table = folder / name.replace(" ", "_")
            run(onefold, "build", logs, table, *options)
            check_equal(read(table).select(plain.column_names), plain, name)
        lists = ",".join(name for name in plain.column_names if name.startswith("history_"))
        options = ["--window", f"history={lists}", "--label", "click"]
        run(onefold, "fold", folder / "plain" / "part-00000.parquet", folder / "as_it_was", *options)
        check_equal(read(folder / "as_it_was").select(plain.column_names), plain, "folded as it was")
        exact = stored(folder / "folded")
        assert exact * 5 < len(plain), f"{exact} histories for {len(plain)} samples: not folded"
        assert stored(folder / "windowed") * 2 < exact, "histories that slide are not merged"
        check_errors(folder / "folded")
        check_windows(folder / "windowed")
        print(f"{len(plain)} samples equal in {len(tables)} tables")


if __name__ == "__main__":
    main(*sys.argv[1:])
