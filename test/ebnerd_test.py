# SPDX-License-Identifier: Apache-2.0
"""Real news impressions, from the files as published to a trained model. The counts were taken from
the Parquet files with another engine. Skipped where the data is not."""
import json
import os
import pathlib

import pytest
from program import succeed

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
    # 59 of the clicks are on an article that was clicked already in the same impression: one
    # positive sample each, not two.
    assert counts == {"samples": 278139, "positives": 24888 - 59, "sessions": 12944, "users": 1590}


def test_history_is_stored_once(place):
    report = json.loads(succeed("inspect", "table", "--json", cwd=place))
    (history,) = [group for group in report["groups"] if group["name"] == "history"]
    assert history["sample_values"] >= 21 * history["stored_values"]
