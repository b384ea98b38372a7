# SPDX-License-Identifier: Apache-2.0
"""Real news impressions, from the files as published to a trained model. The counts were taken from
the Parquet files with another engine. Skipped where the data is not."""
import json
import os
import pathlib

import pytest
from program import succeed
from training import expect_same_training, losses, train

DATA = pathlib.Path(os.environ.get("ONEFOLD_SHARED_DATA", "."), "ebnerd_demo").resolve()

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"the EB-NeRD demo bundle (recsys.eb.dk) is not at {DATA}"
)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    root = tmp_path_factory.mktemp("ebnerd")
    arguments = ("import", "ebnerd", DATA, "log", "--split", "train", "--json")
    (root / "import.json").write_text(succeed(*arguments, cwd=root))
    succeed("build", "log", "table", cwd=root)
    return root


def test_counts(place):
    imported = json.loads((place / "import.json").read_text())
    assert (imported["requests"], imported["clicks"]) == (24724, 24888)
    report = json.loads(succeed("inspect", "table", "--json", cwd=place))
    counts = {name: report[name] for name in ("samples", "positives", "sessions", "users")}
    assert counts == {"samples": 278139, "positives": 24888, "sessions": 12944, "users": 1590}
    # 59 of the clicks are on an article that was clicked already in the same impression: two
    # events, one positive sample.
    assert report["labels"]["click"] == {"positive_samples": 24888 - 59, "events": 24888}


def test_history_is_stored_once(place):
    report = json.loads(succeed("inspect", "table", "--json", cwd=place))
    (history,) = [group for group in report["groups"] if group["name"] == "history"]
    assert history["sample_values"] >= 21 * history["stored_values"]


CONFIG = """
[data]
table = "table"
holdout = 0.1
batch_size = 512

[model]
dim = 16
bottom = [32]
top = [32]

[[table]]
name = "articles"
rows = 20000

[[feature]]
name = "item_id"
table = "articles"

[[feature]]
name = "history_article_id"
table = "articles"

[[block]]
type = "transformer"
group = "history"
features = ["history_article_id"]
floats = ["history_read_time"]
max_length = 20

[train]
max_steps = 12
threads = 1
log_every = 1
eval_batches = 4
"""


def test_dedup_does_not_change_training(place):
    (place / "train.toml").write_text(CONFIG)
    on, off = (train("train.toml", "--dedup", dedup, cwd=place) for dedup in ("on", "off"))
    expect_same_training(on, off)
    assert losses(on)[-1] < losses(on)[0]
