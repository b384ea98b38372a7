#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A reader of Onefold tables written from docs/table_format.md with pyarrow alone. No Onefold here.

    python read_table.py TABLE

says what the table's groups save and joins the first samples to their lists.
"""
import json
import pathlib
import sys
import typing

import numpy
import pyarrow
import pyarrow.compute
import pyarrow.parquet

FORMAT_VERSION = 2

KEYS = {"session_id": "key", "user_id": "key", "request_id": "key", "item_id": "key", "time": "time"}

TYPES = {  # what a column of a kind is in the files
    "key": pyarrow.int64(),
    "time": pyarrow.timestamp("us", "UTC"),
    "label": pyarrow.float32(),
    "ref": pyarrow.int64(),
    "dense": pyarrow.float32(),
    "id": pyarrow.int64(),
    "id_list": pyarrow.list_(pyarrow.int64()),
    "float_list": pyarrow.list_(pyarrow.float32()),
}


class BadTable(Exception):
    """The table is damaged, or not of this format; the message names the file."""


def check(condition, message):
    if not condition:
        raise BadTable(message)


class Lists(typing.NamedTuple):
    """A group's lists in a row group, as they are stored: sample i has those of payload row rows[i], or, of
    a windowed group, the values from starts[i] on, lengths[i] of them at most."""

    payload: pyarrow.Table
    rows: numpy.ndarray  # [samples]
    starts: numpy.ndarray = None  # [samples], windowed groups
    lengths: numpy.ndarray = None


def groups_of(manifest):
    """Groups with payload files: the schema's in the order in which the features first name them, or those
    of a table that was folded as it was."""
    if manifest["layout"] != "folded":
        return []
    if "source" in manifest:
        return manifest["source"]["groups"]
    return list(dict.fromkeys(f["group"] for f in manifest["schema"]["features"] if f["group"]))


def is_windowed(manifest, group):
    return group in manifest["schema"].get("windowed_groups", [])


def check_file(entry):
    path = pathlib.PurePosixPath(entry["path"])
    check(not path.is_absolute() and ".." not in path.parts, f"{path} leaves the table")
    check(sum(entry["row_group_rows"]) == entry["num_rows"], f"{path}: rows do not add up")


def read_manifest(table):
    path = pathlib.Path(table, "_onefold.json")
    check(path.exists(), f"{table}: no _onefold.json: not a table, or a build that did not finish")
    manifest = json.loads(path.read_text())
    check(manifest.get("format") == "onefold-table", f"{path}: not a table's manifest")
    version = manifest["format_version"]
    check(version <= FORMAT_VERSION, f"{path}: format version {version}, this reads {FORMAT_VERSION}")
    missing = manifest.get("source", {}).get("missing_keys")
    check(not missing, f"{path}: folded as it was, from files without the keys {missing}")
    groups = groups_of(manifest)
    for part in manifest["parts"]:
        samples = part["samples"]
        check([g["group"] for g in part["groups"]] == groups, f"{samples['path']}: other groups")
        for file in [samples, *part["groups"]]:
            check_file(file)
            aligned = len(file["row_group_rows"]) == len(samples["row_group_rows"])
            check(aligned, f"{file['path']}: its row groups are not aligned")
    rows = sum(part["samples"]["num_rows"] for part in manifest["parts"])
    check(rows == manifest["num_samples"], f"{path}: num_samples is not the rows of its parts")
    return manifest


def sample_columns(manifest):
    """{name: kind} of what a samples file holds: keys, labels, features, or the refs to them."""
    columns = dict(KEYS)
    columns |= {label["name"]: "label" for label in manifest["schema"]["labels"]}
    folded = manifest["layout"] == "folded"
    for feature in manifest["schema"]["features"]:
        if folded and feature["group"]:
            parts = ["ref", "start", "len"] if is_windowed(manifest, feature["group"]) else ["ref"]
            columns |= {f"{feature['group']}.{part}": "ref" for part in parts}
        else:
            columns[feature["name"]] = feature["kind"]
    return columns


def payload_columns(manifest, group):
    """{name: kind} of what a payload file holds."""
    features = [f for f in manifest["schema"]["features"] if f["group"] == group]
    return {"ref": "ref"} | {f["name"]: f["kind"] for f in features}


def open_file(table, entry):
    path = pathlib.Path(table, entry["path"])
    check(path.stat().st_size == entry["bytes"], f"{path}: not the size that the manifest says")
    file = pyarrow.parquet.ParquetFile(path, page_checksum_verification=True)
    metadata = file.metadata
    rows = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
    check(rows == entry["row_group_rows"], f"{path}: not the row groups that the manifest says")
    return file


def values_of(column, kind, where):
    """A column's values as the format has them: other writers may mark columns as nullable."""
    expected = TYPES[kind]
    if pyarrow.types.is_list(expected):
        is_list = pyarrow.types.is_list(column.type) or pyarrow.types.is_large_list(column.type)
        check(is_list and column.type.value_type == expected.value_type, f"{where}: not {expected}")
        column = pyarrow.compute.if_else(column.is_valid(), column, pyarrow.scalar([], column.type))
        return column.cast(expected)  # now no matter what the list calls its element
    check(column.type == expected, f"{where}: is {column.type}, not {expected}")
    if kind == "dense":
        return column.fill_null(float("nan"))
    check(kind == "id" or not column.null_count, f"{where}: a null")
    return column


def read_row_group(file, i, columns, path):
    table = file.read_row_group(i, columns=list(columns))
    check(set(columns) <= set(table.column_names), f"{path}: not all of {list(columns)}")
    values = [values_of(table[name], kind, f"{path}, '{name}'") for name, kind in columns.items()]
    return pyarrow.table(values, names=list(columns))


def rows_of(refs, first_ref, num_rows, what):
    """Refs as numbers of rows in their payload row group."""
    rows = refs.to_numpy() - first_ref
    check(((rows >= 0) & (rows < num_rows)).all(), f"{what}: a ref outside its row group")
    return rows


def windows_of(samples, group, payload, rows, is_whole, what):
    """Starts and lengths of a windowed group. A window lies in the longest list of its payload row."""
    starts, lengths = (samples[f"{group}.{part}"].to_numpy() for part in ("start", "len"))
    sizes = [pyarrow.compute.list_value_length(column).to_numpy() for column in payload.columns]
    inside = (starts >= 0) & (lengths >= 0)
    if is_whole:  # else the longest list may be of a column that is no feature
        inside &= starts + lengths <= numpy.max(sizes, axis=0)[rows]
    check(inside.all(), f"{what}: a window of group {group} outside its payload row")
    return starts, lengths


def row_groups(table):
    """Each row group as it is stored: (samples, {group: Lists}). Lists.rows is TorchRec's inverse indices,
    without hashing anything."""
    manifest = read_manifest(table)
    for part in manifest["parts"]:
        files = [(open_file(table, part["samples"]), part["samples"]["path"])]
        files += [(open_file(table, entry), entry["path"]) for entry in part["groups"]]
        first_refs = [entry["first_ref"] for entry in part["groups"]]
        for i in range(len(part["samples"]["row_group_rows"])):
            (samples_file, path), *payload_files = files
            samples = read_row_group(samples_file, i, sample_columns(manifest), path)
            payloads = {}
            for g, (file, payload_path) in enumerate(payload_files):
                group = part["groups"][g]["group"]
                columns = payload_columns(manifest, group)
                if len(columns) == 1:
                    continue  # folded as it was, and none of its columns is a feature
                payload = read_row_group(file, i, columns, payload_path)
                expected = numpy.arange(first_refs[g], first_refs[g] + len(payload))
                check((payload["ref"].to_numpy() == expected).all(), f"{payload_path}: its refs")
                rows = rows_of(samples[f"{group}.ref"], first_refs[g], len(payload), path)
                payload = payload.drop_columns("ref")
                windows = ()
                if is_windowed(manifest, group):
                    windows = windows_of(samples, group, payload, rows, "source" not in manifest, path)
                payloads[group] = Lists(payload, rows, *windows)
                samples = samples.select([n for n in samples.column_names if not n.startswith(f"{group}.")])
                first_refs[g] += len(payload)
            yield samples, payloads


def cut(column, lists):
    """Every sample's window of a payload column, without a loop over samples."""
    column = column.combine_chunks()
    offsets = column.offsets.to_numpy()
    sizes = numpy.diff(offsets)[lists.rows]  # a list that ends before the window gives what it has of it
    starts = numpy.minimum(lists.starts, sizes)
    lengths = numpy.minimum(lists.lengths, sizes - starts)
    ends = numpy.concatenate([[0], numpy.cumsum(lengths)])
    first = offsets[lists.rows] + starts
    indices = numpy.repeat(first - ends[:-1], lengths) + numpy.arange(ends[-1])
    values = column.values.take(pyarrow.array(indices))
    return pyarrow.ListArray.from_arrays(pyarrow.array(ends, pyarrow.int32()), values, column.type)


def expand(samples, payloads):
    """A row group with every sample's own lists, as the plain layout has them."""
    for lists in payloads.values():
        for name in lists.payload.column_names:
            column = lists.payload[name]
            windowed = lists.starts is not None
            taken = cut(column, lists) if windowed else column.take(pyarrow.array(lists.rows))
            samples = samples.append_column(name, taken)
    return samples


def read(table):
    """All samples of a table of either layout, columns as the plain layout has them."""
    columns = sample_columns(read_manifest(table) | {"layout": "plain"})
    parts = [expand(*row_group).select(list(columns)) for row_group in row_groups(table)]
    schema = pyarrow.schema([(name, TYPES[kind]) for name, kind in columns.items()])
    return pyarrow.concat_tables([schema.empty_table(), *parts])


def main(table):
    manifest = read_manifest(table)
    label = manifest["schema"]["labels"][0]["name"]
    num_samples, positive, stored = 0, 0.0, {}
    for samples, payloads in row_groups(table):
        num_samples += len(samples)
        positive += pyarrow.compute.sum(samples[label]).as_py() or 0.0
        for group, lists in payloads.items():
            stored[group] = stored.get(group, 0) + len(lists.payload)
    print(f"{num_samples} samples, mean {label} {positive / max(num_samples, 1):.4f}")
    for group, rows in stored.items():
        print(f"{group}: {num_samples} samples refer to {rows} rows ({num_samples / rows:.1f}x)")
    first = expand(*next(row_groups(table))).slice(0, 1).to_pylist()[0]
    for name, value in first.items():
        print(f"  {name:<20} {str(value)[:70]}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
