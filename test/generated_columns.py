# SPDX-License-Identifier: Apache-2.0
"""Random columns of every type that Parquet files hold, with rows that repeat."""
import datetime
import decimal
import random

import pyarrow as pa
import pyarrow.parquet as pq

START = datetime.datetime(1969, 12, 30)


def scalar_types(draw):
    digits = draw.randint(1, 38)
    return [
        pa.bool_(),
        pa.int8(),
        pa.uint16(),
        pa.int32(),
        pa.uint32(),
        pa.int64(),
        pa.uint64(),
        pa.float16(),
        pa.float32(),
        pa.float64(),
        pa.string(),
        pa.large_string(),
        pa.binary(),
        pa.binary(5),
        pa.decimal128(digits, draw.randint(0, digits)),
        pa.date32(),
        pa.time32("ms"),
        pa.time64("us"),
        pa.timestamp("ms"),
        pa.timestamp("us", "Europe/Copenhagen"),
        pa.timestamp("ns"),
        pa.duration("us"),
        pa.dictionary(pa.int32(), pa.string()),
        pa.null(),
    ]


def random_type(draw, depth):
    kind = draw.choice(["scalar"] * 3 + ["list", "list", "large", "fixed", "struct", "map"])
    if depth == 0 or kind == "scalar":
        types = scalar_types(draw)
        # Below lists Arrow itself reads dictionaries as strings, or not at all.
        return draw.choice(types if depth == 3 else [t for t in types if t.id not in NOT_NESTED])
    inner = random_type(draw, depth - 1)
    if kind == "list":
        return pa.list_(pa.field("element", inner, nullable=draw.random() < 0.7))
    if kind == "large":
        return pa.large_list(pa.field("element", inner))
    if kind == "fixed":
        return pa.list_(pa.field("element", inner), draw.randint(1, 3))
    if kind == "map":
        return pa.map_(draw.choice([pa.string(), pa.int32()]), inner)
    return pa.struct([("a", inner), pa.field("b", random_type(draw, depth - 1))])


NOT_NESTED = {pa.null().id, pa.dictionary(pa.int32(), pa.string()).id}


def number(draw, kind):
    bits = kind.bit_width
    if pa.types.is_unsigned_integer(kind):
        return draw.choice([0, 2**bits - 1, draw.randrange(2**bits)])
    return draw.choice([0, -(2 ** (bits - 1)), draw.randrange(2 ** (bits - 1))])


def value(draw, kind, nullable=True):
    if pa.types.is_null(kind) or (nullable and draw.random() < 0.15):
        return None
    if pa.types.is_boolean(kind):
        return draw.random() < 0.5
    if pa.types.is_integer(kind):
        return number(draw, kind)
    if pa.types.is_floating(kind):
        return draw.choice([0.0, -0.0, float("nan"), float("inf"), draw.randint(-99, 99) / 4])
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return draw.choice(["", "æøå \0 text", "x" * draw.randint(0, 90)])
    if pa.types.is_dictionary(kind):
        return draw.choice(["red", "green", ""])
    if pa.types.is_fixed_size_binary(kind):
        return draw.randbytes(kind.byte_width)
    if pa.types.is_binary(kind):
        return draw.randbytes(draw.randint(0, 20))
    if pa.types.is_decimal(kind):
        unscaled = draw.randrange(10**kind.precision) * draw.choice([-1, 1])
        return decimal.Decimal(unscaled).scaleb(-kind.scale, decimal.Context(prec=76))
    if pa.types.is_date(kind):
        return (START + datetime.timedelta(days=draw.randint(-9999, 9999))).date()
    if pa.types.is_time(kind):
        return datetime.time(draw.randint(0, 23), draw.randint(0, 59))
    if pa.types.is_timestamp(kind):
        return START + datetime.timedelta(milliseconds=draw.randint(0, 10**9))
    if pa.types.is_duration(kind):
        return datetime.timedelta(microseconds=draw.randint(-(10**9), 10**9))
    return nested_value(draw, kind)


def nested_value(draw, kind):
    if pa.types.is_struct(kind):
        return {kind.field(i).name: value(draw, kind.field(i).type) for i in range(2)}
    if pa.types.is_map(kind):
        keys = {value(draw, kind.key_type, nullable=False) for _ in range(draw.randint(0, 3))}
        return [(key, value(draw, kind.item_type)) for key in keys]
    length = draw.randint(0, 5)
    if pa.types.is_fixed_size_list(kind):
        length = kind.list_size
    nullable = kind.value_field.nullable
    return [value(draw, kind.value_type, nullable) for _ in range(length)]


def column(draw, kind, num_rows, nullable):
    """Some distinct values, each again and again: side by side, and coming back."""
    distinct = [value(draw, kind, nullable) for _ in range(draw.randint(1, 12))]
    picked = []
    while len(picked) < num_rows:
        picked += [draw.choice(distinct)] * draw.randint(1, 5)
    if kind.id == pa.dictionary(pa.int32(), pa.string()).id:
        return pa.array(picked[:num_rows], pa.string()).dictionary_encode()
    return pa.array(picked[:num_rows], kind)


def write(directory, seed):
    """One or two files of the same columns, written in one of several ways."""
    draw = random.Random(seed)
    directory.mkdir(parents=True)
    fields = []
    for i in range(draw.randint(1, 6)):
        name = f"c{i}" if draw.random() < 0.8 else f"c.{i} æ"
        kind = random_type(draw, 3)
        fields.append(pa.field(name, kind, draw.random() < 0.8 or pa.types.is_null(kind)))
    metadata = draw.choice([None, {"made by": "a test"}])
    schema = pa.schema(fields, metadata=metadata)
    options = {
        "row_group_size": draw.choice([7, 50, 1000]),
        "use_dictionary": draw.random() < 0.5,
        "compression": draw.choice(["none", "snappy", "zstd", "gzip"]),
        "data_page_version": draw.choice(["1.0", "2.0"]),
        "store_schema": draw.random() < 0.7,
        "use_compliant_nested_type": draw.random() < 0.7,
        "store_decimal_as_integer": draw.random() < 0.3,
    }
    for i in range(draw.choice([1, 1, 2])):
        num_rows = draw.choice([0, 1, 60, 90])
        arrays = [column(draw, field.type, num_rows, field.nullable) for field in fields]
        pq.write_table(pa.table(arrays, schema=schema), directory / f"{i}.parquet", **options)


def groups(directory, seed):
    """What --group says of some of the columns, two groups at most; or none: fold chooses."""
    draw = random.Random(seed + 1)
    names = pq.read_schema(directory / "0.parquet").names
    draw.shuffle(names)
    cut = draw.randint(0, len(names))
    parts = [part for part in (names[:cut], names[cut:-1]) if part]
    if draw.random() < 0.3 or not parts:
        return []
    return [f"g{i}={','.join(part)}" for i, part in enumerate(parts)]
