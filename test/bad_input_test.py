# SPDX-License-Identifier: Apache-2.0
"""Every wrong input gives one line that says what is wrong, the right exit code, and no change on
disk (program.fail checks all three)."""
import json
import shutil
import signal
import subprocess
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tiny_ebnerd
from program import BIN, DATA, USAGE, fail, snapshot, succeed

TINY_LOG = ("--users", 20, "--items", 50, "--list-length", 5, "--sessions-per-user", 2)

CONFIG = """
[data]
table = "table"
holdout = 0.2
batch_size = 64

[model]
dim = 8
bottom = [8]
top = [8]

[[table]]
name = "items"
rows = 100

[[feature]]
name = "history_item_id"
table = "items"

[[feature]]
name = "item_id"
table = "items"

[train]
max_steps = 2
threads = 1

[checkpoint]
directory = "checkpoints"
"""


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A log and a table of it, made once; tests get copies that they may break."""
    root = tmp_path_factory.mktemp("made")
    succeed("synth", "log", *TINY_LOG, cwd=root)
    succeed("build", "log", "table", cwd=root)
    return root


@pytest.fixture
def place(made, tmp_path):
    """An empty directory with a log, a table and a training configuration."""
    for name in ("log", "table"):
        shutil.copytree(made / name, tmp_path / name)
    (tmp_path / "train.toml").write_text(CONFIG)
    return tmp_path


def cut(path, keep=0.6):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])


def edit_json(path, **values):
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def occupy(place, kind):
    """Puts something that is not ours at place/taken."""
    if kind == "file":
        (place / "taken").write_text("a letter")
    else:
        (place / "taken").mkdir()
        (place / "taken" / "letter.txt").write_text("a letter")
    return "taken"


OCCUPIED = pytest.mark.parametrize("kind", ["file", "directory"])


# The command line


def test_unknown_verb(tmp_path):
    fail(USAGE, "biuld", "log", "table", cwd=tmp_path, saying="biuld")


@pytest.mark.parametrize("verb", ["synth", "build", "inspect", "train"])
def test_missing_arguments(tmp_path, verb):
    fail(USAGE, verb, cwd=tmp_path)


@pytest.mark.parametrize(
    "arguments",
    [("synth", "log"), ("build", "log", "new"), ("inspect", "table"), ("train", "x.toml"), ("demo",)],
)
def test_unknown_option(tmp_path, arguments):
    fail(USAGE, *arguments, "--no-such-option", cwd=tmp_path, saying="--no-such-option")


# import


def test_import_of_nothing(tmp_path):
    fail(USAGE, "import", cwd=tmp_path)
    fail(USAGE, "import", "netflix", "data", "log", cwd=tmp_path)
    fail(DATA, "import", "ebnerd", "data", "log", cwd=tmp_path, saying="data")


def test_import_words(tmp_path):
    tiny_ebnerd.write(tmp_path / "data")
    fail(USAGE, "import", "ebnerd", "data", "log", "--split", "test", cwd=tmp_path, saying="test")
    fail(USAGE, "import", "ebnerd", "data", "log", "--shard-by", "user", cwd=tmp_path, saying="user")
    fail(USAGE, "import", "ebnerd", "data", "log", "--shards", 0, cwd=tmp_path)


def test_import_of_a_missing_split(tmp_path):
    tiny_ebnerd.write(tmp_path / "data")
    arguments = ("import", "ebnerd", "data", "log", "--split", "validation")
    fail(DATA, *arguments, cwd=tmp_path, saying="validation")


@pytest.mark.parametrize("name", ["behaviors", "history"])
@pytest.mark.parametrize("keep", [0, 0.5, 0.99])
def test_import_of_a_truncated_file(tmp_path, name, keep):
    tiny_ebnerd.write(tmp_path / "data")
    cut(tmp_path / "data" / "train" / f"{name}.parquet", keep)
    fail(DATA, "import", "ebnerd", "data", "log", cwd=tmp_path, saying=f"{name}.parquet")


@pytest.mark.parametrize(
    "column, values",
    [
        ("article_ids_inview", pa.array([["a"]] * 40)),
        ("article_ids_clicked", pa.array([1] * 40)),
        ("session_id", pa.array(["s"] * 40)),
        ("impression_time", pa.array([True] * 40)),
        ("article_id_fixed", pa.array(["a"] * 5)),
        ("read_time_fixed", pa.array([["a"]] * 5)),
        ("session_id", None),
        ("article_id_fixed", None),
    ],
)
def test_import_of_a_wrong_column(tmp_path, column, values):
    tiny_ebnerd.write(tmp_path / "data", **{column: values})
    fail(DATA, "import", "ebnerd", "data", "log", cwd=tmp_path, saying=column)


@OCCUPIED
def test_import_replaces_nothing_foreign(tmp_path, kind):
    tiny_ebnerd.write(tmp_path / "data")
    taken = occupy(tmp_path, kind)
    fail(USAGE, "import", "ebnerd", "data", taken, cwd=tmp_path, saying=taken)


def test_failed_import_keeps_the_older_log(place):
    tiny_ebnerd.write(place / "data", session_id=None)
    fail(DATA, "import", "ebnerd", "data", "log", cwd=place)


# synth


@OCCUPIED
def test_synth_replaces_nothing_foreign(tmp_path, kind):
    taken = occupy(tmp_path, kind)
    fail(USAGE, "synth", taken, *TINY_LOG, cwd=tmp_path, saying=taken)


@pytest.mark.parametrize(
    "option, value",
    [
        ("--users", 0),
        ("--users", "many"),
        ("--change-probability", 2),
        ("--candidates", -1),
        ("--shard-by", "user"),
        ("--shards", 0),
        ("--zstd-level", 99),
    ],
)
def test_synth_options(tmp_path, option, value):
    fail(USAGE, "synth", "log", option, value, cwd=tmp_path)


# build


def test_build_of_no_log(place):
    fail(DATA, "build", "nowhere", "new", cwd=place, saying="nowhere")
    fail(DATA, "build", "table", "new", cwd=place, saying="table")  # a directory, but no log
    fail(DATA, "build", "train.toml", "new", cwd=place, saying="train.toml")


@pytest.mark.parametrize(
    "option, value",
    [
        ("--layout", "folder"),
        ("--order", "user"),
        ("--partition", "week"),
        ("--row-group-samples", 0),
        ("--row-group-samples", "all"),
        ("--zstd-level", 0),
        ("--late-after", -1),
        ("--spill-dir", "nowhere"),
    ],
)
def test_build_options(place, option, value):
    fail(USAGE, "build", "log", "new", option, value, cwd=place)
    fail(USAGE, "build", "log", "table", option, value, cwd=place)  # an older table stays


@OCCUPIED
def test_build_replaces_nothing_foreign(place, kind):
    taken = occupy(place, kind)
    fail(USAGE, "build", "log", taken, cwd=place, saying=taken)


def test_build_does_not_replace_its_log(place):
    fail(USAGE, "build", "log", "log", cwd=place, saying="log")


def test_build_of_a_newer_log(place):
    edit_json(place / "log" / "_log.json", format_version=99)
    fail(DATA, "build", "log", "new", cwd=place, saying=["99", "_log.json"])


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "onefold-log"}'])
def test_build_of_a_broken_log(place, text):
    (place / "log" / "_log.json").write_text(text)
    fail(DATA, "build", "log", "table", cwd=place, saying="_log.json")


# inspect


def test_inspect_of_nothing(tmp_path):
    fail(DATA, "inspect", "nowhere", cwd=tmp_path, saying="nowhere")
    fail(DATA, "inspect", "nowhere.parquet", "--session", "s", cwd=tmp_path, saying="nowhere.parquet")
    (tmp_path / "empty").mkdir()
    fail(DATA, "inspect", "empty", "--session", "s", cwd=tmp_path, saying="empty")


def parquet(path, **columns):
    pq.write_table(pa.table(columns), path)


def test_inspect_columns_of_parquet(tmp_path):
    parquet(tmp_path / "a.parquet", sid=[1, 1, 2], tags=[[1], [1], []])
    fail(USAGE, "inspect", "a.parquet", cwd=tmp_path, saying="--session")
    # A column that is not there is named, with those that are.
    fail(DATA, "inspect", "a.parquet", "--session", "sdi", cwd=tmp_path, saying=["sdi", "sid"])
    session = ("inspect", "a.parquet", "--session", "sid")
    fail(DATA, *session, "--user", "uid", cwd=tmp_path, saying="uid")
    fail(USAGE, *session, "--batch-size", 0, cwd=tmp_path)


def test_inspect_column_of_the_wrong_type(tmp_path):
    parquet(tmp_path / "a.parquet", sid=[[1], [1], [2]], time=["x", "y", "z"], id=[1, 2, 3])
    fail(DATA, "inspect", "a.parquet", "--session", "sid", cwd=tmp_path, saying="sid")
    session = ("inspect", "a.parquet", "--session", "id")
    fail(DATA, *session, "--time", "time", cwd=tmp_path, saying="time")
    fail(DATA, *session, "--label", "time", cwd=tmp_path, saying="time")


@pytest.mark.parametrize("keep", [0, 0.5, 0.99])
def test_inspect_of_a_truncated_file(tmp_path, keep):
    parquet(tmp_path / "a.parquet", sid=list(range(1000)))
    cut(tmp_path / "a.parquet", keep)
    fail(DATA, "inspect", "a.parquet", "--session", "sid", cwd=tmp_path, saying="a.parquet")


def test_inspect_of_text(tmp_path):
    (tmp_path / "a.parquet").write_text("a letter")
    fail(DATA, "inspect", "a.parquet", "--session", "sid", cwd=tmp_path, saying="a.parquet")


def table_files(place):
    return [place / "table" / name for name in snapshot(place / "table") if name.endswith(".parquet")]


# What is wrong with a table, and a word of the message. Inspect and train say the same.
def newer_table(place):
    edit_json(place / "table" / "_onefold.json", format_version=99)
    return "99"


def broken_manifest(place):
    cut(place / "table" / "_onefold.json")
    return "_onefold.json"


def lost_manifest(place):
    (place / "table" / "_onefold.json").unlink()
    return "table"


def lost_files(place):
    for file in table_files(place):
        file.unlink()
    return ".parquet"


def truncated_files(place):
    for file in table_files(place):
        cut(file)
    return ".parquet"


BROKEN_TABLE = pytest.mark.parametrize(
    "break_table", [newer_table, broken_manifest, lost_manifest, lost_files, truncated_files]
)


@BROKEN_TABLE
def test_inspect_of_a_broken_table(place, break_table):
    word = break_table(place)
    # Without its manifest a table is a directory of Parquet files, and those need a column.
    code = USAGE if break_table is lost_manifest else DATA
    fail(code, "inspect", "table", cwd=place, saying=word)


# train


@BROKEN_TABLE
def test_train_on_a_broken_table(place, break_table):
    word = break_table(place)
    fail(DATA, "train", "train.toml", cwd=place, saying=word)


def test_train_on_nothing(place):
    fail(DATA, "train", "nowhere.toml", cwd=place, saying="nowhere.toml")
    shutil.rmtree(place / "table")
    fail(DATA, "train", "train.toml", cwd=place, saying="table")


@pytest.mark.parametrize("option, value, words", [("--threads", "-1", "0 or more"), ("--batch-size", 0, "1 or more")])
def test_train_numbers(place, option, value, words):
    fail(USAGE, "train", "train.toml", option, value, cwd=place, saying=[option, words])


def test_train_on_an_empty_table(place):
    """A wrong --from must not end as a model that has seen nothing."""
    succeed("build", "log", "table", "--from", "2099-01-01", cwd=place)
    fail(DATA, "train", "train.toml", cwd=place, saying=["train.toml", "no samples"])


def test_a_verb_without_its_part(tmp_path):
    fail(USAGE, "import", cwd=tmp_path, saying="import needs one of: ebnerd, kuairand, parquet, csv, jsonl")


def test_train_looks_for_its_checkpoints_first(place):
    """And not when the training is done."""
    (place / "checkpoints").write_text("a letter")
    fail(DATA, "train", "train.toml", cwd=place, saying="checkpoints")


def test_train_dedup_is_on_or_off(place):
    fail(USAGE, "train", "train.toml", "--dedup", "maybe", cwd=place, saying=["--dedup", "maybe"])


@pytest.mark.parametrize(
    "old, new, words",
    [
        ("batch_size", "batch_sise", ["train.toml:5", "batch_sise", "batch_size"]),  # suggests
        ("[model]", "[modle]", ["modle", "model"]),
        ("dim = 8", "dim = 'eight'", ["train.toml:8", "dim"]),
        ("dim = 8", "dim = ", ["train.toml:8"]),
        ("bottom = [8]", "bottom = [[8]]", ["bottom"]),
        ("rows = 100", "rows = 0", ["items"]),
        ("batch_size = 64", "batch_size = 0", ["batch_size"]),
        ("holdout = 0.2", "holdout = 2.0", ["holdout"]),
        ("[[feature]]", "[feature]", ["feature"]),
        ('name = "items"', 'nam = "items"', ["nam"]),
        ("threads = 1", "threads = -1", ["threads"]),
        ("threads = 1", "threads = 3000000000", ["threads", "1024"]),
        ("batch_size = 64", "batch_size = 64\nprefetch_batches = 5000000000", ["prefetch_batches", "1024"]),
    ],
)
def test_train_configuration(place, old, new, words):
    config = place / "train.toml"
    config.write_text(CONFIG.replace(old, new, 1))
    fail(USAGE, "train", "train.toml", cwd=place, saying=words)


@pytest.mark.parametrize(
    "old, new, word",
    [
        ('"history_item_id"', '"history_item_di"', "history_item_di"),
        ('table = "items"', 'table = "itmes"', "itmes"),
        ('"history_item_id"', '"history_dwell"', "history_dwell"),  # floats are not looked up
    ],
)
def test_train_names_must_fit_the_table(place, old, new, word):
    config = place / "train.toml"
    config.write_text(CONFIG.replace(old, new, 1))
    fail(DATA, "train", "train.toml", cwd=place, saying=word)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(tmp_path, number):
    """What was begun is removed, and the program ends by the signal, as shells want it."""
    process = subprocess.Popen([BIN, "synth", "log", "--users", "100000"], cwd=tmp_path,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
    while process.poll() is None and not any(tmp_path.glob("log.staging-*/_log.json")):
        time.sleep(0.001)
    process.send_signal(number)
    assert process.communicate() == ("", "onefold: interrupted\n")
    assert process.returncode == -number
    assert not any(tmp_path.iterdir())


# embed


@pytest.mark.parametrize("threads", [-1, 5000])
def test_embed_generate_threads(tmp_path, threads):
    fail(USAGE, "embed", "generate", "upstream", "timelines", "store", "--threads", threads, cwd=tmp_path,
         saying=[str(threads), "0 to 1024"])  # fmt: skip


# demo


def test_demo(tmp_path):
    fail(DATA, "demo", "--data", "nowhere", cwd=tmp_path, saying="nowhere")
    fail(USAGE, "demo", "--steps", 0, cwd=tmp_path)
    tiny_ebnerd.write(tmp_path / "data")
    cut(tmp_path / "data" / "train" / "behaviors.parquet")
    fail(DATA, "demo", "--data", "data", cwd=tmp_path, saying="behaviors.parquet")
