#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every sample of a folded table has, joined in DuckDB, exactly the lists it had in the source.

    join_test.py ONEFOLD [EBNERD]

ONEFOLD is the program; EBNERD the unpacked EB-NeRD folder. Synthetic logs are compared with the
plain layout; EB-NeRD, where it is there, with the published files. Exit code 77 without DuckDB.
"""
import pathlib
import subprocess
import sys
import tempfile

try:
    import duckdb
except ImportError:
    print("skipped: duckdb is not installed")
    sys.exit(77)

from join import joined, payload, samples


def run(*command):
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)


def count(query):
    return duckdb.sql(f"SELECT count(*) FROM ({query})").fetchall()[0][0]


def expect_equal(a, b, what):
    """Both queries return the same rows, each as often."""
    only_a, only_b = count(f"{a} EXCEPT ALL {b}"), count(f"{b} EXCEPT ALL {a}")
    assert (only_a, only_b) == (0, 0), f"{what}: {only_a} rows only left, {only_b} only right"
    assert count(a) > 0, f"{what}: nothing to compare"


def expect_unique_refs(table, group):
    rows = count(f"FROM {payload(table, group)}")
    assert rows == count(f"SELECT DISTINCT ref FROM {payload(table, group)}"), f"{group}: ref repeats"
    assert count(f"FROM {joined(table, group)}") == count(f"FROM {samples(table)}"), (
        f"{group}: a sample without payload"
    )


def check_synth(onefold, folder):
    run(onefold, "synth", folder / "logs", "--users", 60, "--days", 3)
    run(onefold, "build", folder / "logs", folder / "folded", "--row-group-samples", 500)
    run(onefold, "build", folder / "logs", folder / "windowed", "--row-group-samples", 500, "--window", "history")
    run(onefold, "build", folder / "logs", folder / "plain", "--layout", "plain", "--partition", "none")
    plain = f"read_parquet('{folder}/plain/*.parquet')"
    keys = "session_id, user_id, request_id, item_id, epoch_us(time), click, country, activity, item_topic"
    groups = {
        "history": "history_item_id, history_topic, history_dwell",
        "list_0": "user_list_0",
        "list_1": "user_list_1",
    }
    for layout in ("folded", "windowed"):
        for group, features in groups.items():
            expect_unique_refs(folder / layout, group)
            expect_equal(
                f"SELECT {keys}, {features} FROM {joined(folder / layout, group)}",
                f"SELECT {keys}, {features} FROM {plain}",
                f"synth, {layout}, {group}",
            )
    print(f"synth: {count(f'FROM {plain}')} samples equal in all layouts, {len(groups)} groups")


def check_ebnerd(onefold, data, folder):
    run(onefold, "import", "ebnerd", data, folder / "logs", "--split", "train")
    run(onefold, "build", folder / "logs", folder / "table")
    table = folder / "table"
    split = 10_000_000_000  # the importer numbers requests and sessions of the train split from here
    expect_unique_refs(table, "history")

    # Every sample: keys, label and features, against one row per impression and article in view.
    expect_equal(
        f"""SELECT session_id, user_id, request_id, item_id, epoch_us(time), click::BOOLEAN,
                   device_type, gender, age, postcode, page_article_id,
                   is_sso_user::BOOLEAN, is_subscriber::BOOLEAN
            FROM {samples(table)}""",
        f"""SELECT {split} + session_id, user_id, {split} + row, item, epoch_us(impression_time),
                   list_contains(clicked, item), device_type, gender, age, postcode, article_id,
                   is_sso_user, is_subscriber
            FROM (SELECT *, file_row_number AS row, unnest(article_ids_inview) AS item,
                         article_ids_clicked AS clicked
                  FROM read_parquet('{data}/train/behaviors.parquet', file_row_number = true))""",
        "EB-NeRD samples",
    )
    # Every sample's history. It is the user's, so comparing each (user, payload) that some sample
    # joins covers all samples without writing 288 events for each of them.
    used = f'(SELECT DISTINCT user_id, "history.ref" AS ref FROM {samples(table)})'
    published = f"read_parquet('{data}/train/history.parquet')"
    float_list = "list_transform({}, lambda x: coalesce(x, 'NaN')::FLOAT)"
    expect_equal(
        f"""SELECT user_id, ref, history_article_id, history_time, history_read_time, history_scroll
            FROM {used} JOIN {payload(table, "history")} USING (ref)""",
        f"""SELECT user_id, ref, article_id_fixed::BIGINT[],
                   list_transform(impression_time_fixed, lambda t: epoch(t)::BIGINT),
                   {float_list.format("read_time_fixed")},
                   {float_list.format("scroll_percentage_fixed")}
            FROM {used} JOIN {published} USING (user_id)""",
        "EB-NeRD histories",
    )
    print(f"EB-NeRD: {count(f'FROM {samples(table)}')} samples have their published history")


def main(onefold, data=None):
    with tempfile.TemporaryDirectory(prefix="onefold_duckdb_") as folder:
        folder = pathlib.Path(folder)
        check_synth(onefold, folder / "synth")
        if data and pathlib.Path(data, "train", "behaviors.parquet").exists():
            check_ebnerd(onefold, data, folder / "ebnerd")
        else:
            print("EB-NeRD is not there; synthetic data only")


if __name__ == "__main__":
    main(*sys.argv[1:])
