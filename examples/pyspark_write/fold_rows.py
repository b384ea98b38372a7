# SPDX-License-Identifier: Apache-2.0
"""What a Spark task does to write its part of a folded table: cut sorted rows into row groups, fold
each, write the files. pyarrow and numpy only; docs/table_format.md is the specification."""
import os
import pathlib

import numpy
import pyarrow
import pyarrow.parquet

KEYS = ("session_id", "user_id", "request_id", "item_id", "time")

REQUIRED_INT64 = pyarrow.field("", pyarrow.int64(), nullable=False)
FIELDS = {  # how a column of a kind is declared
    "key": REQUIRED_INT64,
    "ref": REQUIRED_INT64,
    "time": pyarrow.field("", pyarrow.timestamp("us", "UTC"), nullable=False),
    "label": pyarrow.field("", pyarrow.float32(), nullable=False),
    "dense": pyarrow.field("", pyarrow.float32(), nullable=False),
    "id": pyarrow.field("", pyarrow.int64()),
    "id_list": pyarrow.field(
        "", pyarrow.list_(pyarrow.field("element", pyarrow.int64(), nullable=False)), nullable=False
    ),
    "float_list": pyarrow.field(
        "", pyarrow.list_(pyarrow.field("element", pyarrow.float32(), nullable=False)), nullable=False
    ),
}


def groups_of(schema):
    """Feature groups in the order in which the features first name them."""
    return list(dict.fromkeys(f["group"] for f in schema["features"] if f["group"]))


def sample_fields(schema):
    """Declarations of a samples file's columns, in order."""
    kinds = {name: "time" if name == "time" else "key" for name in KEYS}
    kinds |= {label["name"]: "label" for label in schema["labels"]}
    kinds |= {f["name"]: f["kind"] for f in schema["features"] if not f["group"]}
    kinds |= {f"{group}.ref": "ref" for group in groups_of(schema)}
    return pyarrow.schema([FIELDS[kind].with_name(name) for name, kind in kinds.items()])


def payload_fields(schema, group):
    """Declarations of a payload file's columns, in order."""
    kinds = {"ref": "ref"} | {f["name"]: f["kind"] for f in schema["features"] if f["group"] == group}
    return pyarrow.schema([FIELDS[kind].with_name(name) for name, kind in kinds.items()])


def cut(rows, num_rows, is_last):
    """How many of the rows, sorted by day and session, make the next row group: whole sessions of one
    day, num_rows or less unless one session alone is larger. None: that depends on rows to come."""
    days, sessions = rows["dt"].to_numpy(), rows["session_id"].to_numpy()
    day_rows = numpy.count_nonzero(days == days[0])
    ends = numpy.flatnonzero((days[1:] != days[:-1]) | (sessions[1:] != sessions[:-1])) + 1
    if is_last:
        ends = numpy.append(ends, len(rows))
    ends = ends[ends <= day_rows]
    if len(ends) == 0 or not (is_last or day_rows < len(rows) or len(rows) > num_rows):
        return None
    fitting = ends[ends <= num_rows]
    return int(fitting[-1] if len(fitting) else ends[0])


def row_groups_of(batches, num_rows):
    """Tables of one day and about num_rows rows, cut at the borders of sessions."""
    pending = None
    for batch in batches:
        rows = pyarrow.Table.from_batches([batch])
        pending = rows if pending is None else pyarrow.concat_tables([pending, rows])
        while len(pending) and (end := cut(pending, num_rows, is_last=False)):
            yield pending.slice(0, end)
            pending = pending.slice(end)
    while pending is not None and len(pending):
        end = cut(pending, num_rows, is_last=True)
        yield pending.slice(0, end)
        pending = pending.slice(end)


def row_keys(column):
    """What two rows of a column are equal by: the bytes of a list, so that NaN is like NaN."""
    array = column.combine_chunks()
    if not pyarrow.types.is_list(array.type):
        return array.to_pylist()
    if array.null_count or array.values.null_count:
        raise ValueError("a null list, or a null in a list; the format has neither")
    offsets = array.offsets.to_numpy()
    values = array.values.to_numpy(zero_copy_only=False)
    width, raw = values.itemsize, values.tobytes()
    return [raw[begin * width : end * width] for begin, end in zip(offsets, offsets[1:])]


def fold(rows):
    """Distinct rows in first-seen order, as (where each stands first, the distinct row of each row)."""
    seen, first, inverse = {}, [], []
    for i, key in enumerate(zip(*(row_keys(rows[name]) for name in rows.column_names))):
        row = seen.setdefault(key, len(first))
        if row == len(first):
            first.append(i)
        inverse.append(row)
    return first, inverse


def num_list_values(rows):
    lists = [column for column in rows.columns if pyarrow.types.is_list(column.type)]
    scalars = [column for column in rows.columns if not pyarrow.types.is_list(column.type)]
    values = sum(int(pyarrow.compute.sum(pyarrow.compute.list_value_length(c)).as_py() or 0) for c in lists)
    return values + sum(len(column) - column.null_count for column in scalars)


class FileWriter:
    """One Parquet file under a temporary name, a row group a call, and its entry in the manifest."""

    def __init__(self, table, path, fields):
        self.path = path
        self.target = pathlib.Path(table, path)
        self.target.parent.mkdir(parents=True, exist_ok=True)
        self.temporary = self.target.with_name(f"_{self.target.name}.{os.getpid()}")
        self.fields = fields
        self.writer = pyarrow.parquet.ParquetWriter(
            self.temporary, fields, compression="zstd", write_page_checksum=True
        )
        self.row_group_rows = []

    def write(self, columns):
        rows = pyarrow.table([columns[field.name].cast(field.type) for field in self.fields], schema=self.fields)
        self.writer.write_table(rows, row_group_size=len(rows))
        self.row_group_rows.append(len(rows))

    def finish(self):
        self.writer.close()
        num_bytes = self.temporary.stat().st_size
        self.temporary.replace(self.target)
        rows = self.row_group_rows
        return {"path": self.path, "num_rows": sum(rows), "bytes": num_bytes, "row_group_rows": rows}


class PartWriter:
    """The files of one day. Its number makes its refs unique in the table."""

    def __init__(self, table, schema, day, number):
        self.schema, self.day, self.number = schema, day, number
        self.first_ref = number << 32
        stem = f"dt={day}/part-{number:05}"
        self.samples = FileWriter(table, f"{stem}.samples.parquet", sample_fields(schema))
        self.payloads = {
            group: FileWriter(table, f"{stem}.{group}.parquet", payload_fields(schema, group))
            for group in groups_of(schema)
        }
        self.next_ref = {group: self.first_ref for group in self.payloads}
        self.values = {group: [0, 0] for group in self.payloads}

    def write(self, rows):
        """One row group of every file: its samples refer to its payload rows only."""
        columns = {name: rows[name] for name in rows.column_names}
        for group, file in self.payloads.items():
            names = [f["name"] for f in self.schema["features"] if f["group"] == group]
            lists = rows.select(names)
            first, inverse = fold(lists)
            distinct = lists.take(pyarrow.array(first))
            refs = numpy.arange(len(first)) + self.next_ref[group]
            file.write({"ref": pyarrow.array(refs)} | {name: distinct[name] for name in names})
            columns[f"{group}.ref"] = pyarrow.array(refs[inverse])
            self.next_ref[group] += len(first)
            self.values[group][0] += num_list_values(lists)
            self.values[group][1] += num_list_values(distinct)
        self.samples.write(columns)

    def finish(self):
        """The part as the manifest lists it, and the list values before and after folding."""
        groups = [
            {"group": group, "first_ref": self.first_ref, **file.finish()}
            for group, file in self.payloads.items()
        ]
        part = {"partition": f"dt={self.day}", "groups": groups, "samples": self.samples.finish()}
        return part, self.values


def write_parts(batches, table, schema, numbers, row_group_rows):
    """Writes rows, sorted by day and session, and yields what each day's PartWriter.finish() says."""
    part = None
    for rows in row_groups_of(batches, row_group_rows):
        day = rows["dt"][0].as_py()
        if part is None or part.day != day:
            if part is not None:
                yield part.finish()
            part = PartWriter(table, schema, day, numbers[day])
        part.write(rows)
    if part is not None:
        yield part.finish()
