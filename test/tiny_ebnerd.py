# SPDX-License-Identifier: Apache-2.0
"""Writes a data set of EB-NeRD's shape, small enough to break in many ways."""
import datetime
import random

import pyarrow as pa
import pyarrow.parquet as pq

START = datetime.datetime(2023, 5, 18, 7)


def behaviors(num_rows=40, num_users=5):
    draw = random.Random(7)
    shown = [draw.sample(range(1000, 1030), draw.randint(1, 6)) for _ in range(num_rows)]
    clicked = [draw.sample(articles, 1) if draw.random() < 0.5 else [] for articles in shown]
    return {
        "impression_id": pa.array(range(num_rows), pa.uint32()),
        "article_id": pa.array([draw.choice([None, 1001]) for _ in range(num_rows)], pa.int32()),
        "impression_time": pa.array(
            [START + datetime.timedelta(minutes=i) for i in range(num_rows)], pa.timestamp("us")
        ),
        "read_time": pa.array([draw.uniform(0, 60) for _ in range(num_rows)], pa.float32()),
        "scroll_percentage": pa.array([None] * num_rows, pa.float32()),
        "device_type": pa.array([draw.randint(1, 3) for _ in range(num_rows)], pa.int8()),
        "article_ids_inview": pa.array(shown, pa.list_(pa.int32())),
        "article_ids_clicked": pa.array(clicked, pa.list_(pa.int32())),
        "user_id": pa.array([i % num_users for i in range(num_rows)], pa.uint32()),
        "is_sso_user": pa.array([False] * num_rows),
        "gender": pa.array([None] * num_rows, pa.int8()),
        "postcode": pa.array([None] * num_rows, pa.int8()),
        "age": pa.array([None] * num_rows, pa.int8()),
        "is_subscriber": pa.array([i % 2 == 0 for i in range(num_rows)]),
        "session_id": pa.array([i // 20 * 100 + i % num_users for i in range(num_rows)], pa.uint32()),
        "next_read_time": pa.array([None] * num_rows, pa.float32()),
        "next_scroll_percentage": pa.array([None] * num_rows, pa.float32()),
    }


def history(num_users=5):
    lengths = range(3, 3 + num_users)
    times = [[START - datetime.timedelta(days=d) for d in range(n, 0, -1)] for n in lengths]
    return {
        "user_id": pa.array(range(num_users), pa.uint32()),
        "impression_time_fixed": pa.array(times, pa.list_(pa.timestamp("us"))),
        "scroll_percentage_fixed": pa.array([[50.0] * n for n in lengths], pa.list_(pa.float32())),
        "article_id_fixed": pa.array([range(n) for n in lengths], pa.list_(pa.int32())),
        "read_time_fixed": pa.array([[9.0] * n for n in lengths], pa.list_(pa.float32())),
    }


def write(directory, **replaced):
    """Writes directory/train/*.parquet; `replaced` columns take the place of those of that name,
    None leaves a column out."""
    split = directory / "train"
    split.mkdir(parents=True)
    for name, columns in (("behaviors", behaviors()), ("history", history())):
        columns.update({key: value for key, value in replaced.items() if key in columns})
        kept = {key: value for key, value in columns.items() if value is not None}
        pq.write_table(pa.table(kept), split / f"{name}.parquet")
    return directory
