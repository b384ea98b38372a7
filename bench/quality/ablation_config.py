# SPDX-License-Identifier: Apache-2.0
"""The data, slices and models that embed_ablation compares."""
import datetime

SLICES = """
[defaults]
id     = ["topic", "author"]
window = ["full", "7d"]

[[slice]]
name     = "liked"
timeline = "explicit"
action   = "like"

[[slice]]
name     = "engaged"
timeline = "explicit"
action   = [["comment", "share", "save", "follow", "profile_visit"]]

[[slice]]
name     = "seen"
timeline = "implicit"

[[slice]]
name        = "dwelt"
timeline    = "implicit"
watch_ratio = [{ min = 0.5 }, { min = 0.8 }]

[[slice]]
name        = "swiped"
timeline    = "implicit"
watch_ratio = { max = 0.3 }
table_group = "{timeline}_{id}_negative"
"""

TABLES = """
[[table]]
name = "author"
rows = 4096
[[table]]
name = "topic"
rows = 512
[[feature]]
name = "item_author"
table = "author"
[[feature]]
name = "item_topic"
table = "topic"
"""

TRAIN = """
[train]
epochs = {epochs}
seed = {seed}
learning_rate = 0.002
table_learning_rate = 0.05
log_every = 1000000
"""

DIM, TOKENS = 32, 16


def upstream(table, checkpoint, *, encoder="fsa", axis="tokens", mixer="tokens", gap="24h",
             max_events=35_000, epochs=2, seed=1):  # fmt: skip
    """The upstream model: candidate against user embedding, three tasks."""
    return f"""
[data]
table = "{table}"
batch_size = 256
[model]
dim = 32
labels = ["click", "like"]
mse_labels = ["watch_time"]
mse_weight = 0.1
{TABLES}
[upstream]
timelines = "timelines"
slices = "slices.toml"
gap = "{gap}"
max_explicit = {max_events}
max_implicit = {max_events}
author_rows = 4096
topic_rows = 512
dim = {DIM}
tokens = {TOKENS}
encoder = "{encoder}"
axis = "{axis}"
mixer = "{mixer}"
outputs = 4
{TRAIN.format(epochs=epochs, seed=seed)}
[checkpoint]
directory = "{checkpoint}"
every = 1000000
"""


def downstream(table, eval_table, *, adapter=None, seed=1, epochs=2):
    """A ranking model that attends to the newest 200 events, with or without the embedding."""
    embedding = ""
    if adapter is not None:
        embedding = f'[[embedding]]\nadapter = "{adapter}"\n'
        if adapter in ("linear", "gate"):
            embedding += "outputs = 4\n"
        if adapter == "prepend":
            embedding += 'into = "transformer_history"\n'
    return f"""
[data]
table = "{table}"
eval_table = "{eval_table}"
batch_size = 256
[model]
dim = 32
labels = ["click"]
{TABLES}
[[feature]]
name = "history_author"
table = "author"
[[feature]]
name = "history_topic"
table = "topic"
[[block]]
type = "transformer"
group = "history"
features = ["history_author", "history_topic"]
floats = ["history_watch_time"]
max_length = 200
{embedding}
{TRAIN.format(epochs=epochs, seed=seed)}
"""


def day(first, count):
    return (datetime.date.fromisoformat(first) + datetime.timedelta(days=count)).isoformat()
