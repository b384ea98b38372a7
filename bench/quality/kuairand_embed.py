#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What user embeddings earn on KuaiRand-Pure, public data with short timelines.

    bench/quality/kuairand_embed.py BUILD KUAIRAND [--out DIR] [--seeds N]

The upstream model trains on the requests before 2022-05-01 (UTC), the downstream model on the five days after
that and is evaluated on those from 2022-05-06 on. Embeddings are made every second day from 05-01 on, of events
before that day, and live from then. The downstream model is a transformer over the newest 50 videos, with and
without the embedding. Prints one table in Markdown and writes DIR/kuairand.json.
"""
import argparse
import json
import pathlib
import shutil
import statistics

import ablation_config as config
import embed_ablation as ablation

TRAIN_FROM, EVAL_FROM = "2022-05-01", "2022-05-06"
AS_OF = [config.day(TRAIN_FROM, 2 * i) for i in range(4)]
LABELS = ("click", "long_view")
MAPPING = pathlib.Path(__file__).resolve().parents[2] / "examples/timelines/kuairand.toml"

SLICES = """
[defaults]
id     = ["item", "author"]
window = ["full", "3d"]

[[slice]]
name     = "acted"
timeline = "explicit"

[[slice]]
name     = "seen"
timeline = "implicit"

[[slice]]
name        = "dwelt"
timeline    = "implicit"
watch_ratio = { min = 0.5 }

[[slice]]
name        = "swiped"
timeline    = "implicit"
watch_ratio = { max = 0.3 }
table_group = "{timeline}_{id}_negative"
"""

MODEL = """
[model]
dim = 32
labels = ["click", "long_view"]
[[table]]
name = "video"
rows = 8192
[[table]]
name = "author"
rows = 8192
[[table]]
name = "tag"
rows = 128
[[feature]]
name = "item_id"
table = "video"
[[feature]]
name = "author"
table = "author"
[[feature]]
name = "tag"
table = "tag"
"""

UPSTREAM = f"""
[data]
table = "table_upstream"
batch_size = 256
{MODEL}
[upstream]
timelines = "timelines"
slices = "slices.toml"
gap = "24h"
item_rows = 8192
author_rows = 8192
dim = 16
tokens = 8
encoder = "fsa"
outputs = 4
{config.TRAIN.format(epochs=1, seed=1)}
[checkpoint]
directory = "upstream"
every = 1000000
"""


def downstream(seed, embedding):
    return f"""
[data]
table = "table_train"
eval_table = "table_eval"
batch_size = 256
{'embeddings = "store"' if embedding else ""}
{MODEL}
[[feature]]
name = "history_video_id"
table = "video"
[[feature]]
name = "history_author"
table = "author"
[[block]]
type = "transformer"
group = "history"
features = ["history_video_id", "history_author"]
max_length = 50
{adapter(embedding)}
{config.TRAIN.format(epochs=1, seed=seed)}
"""


def adapter(embedding):
    return '[[embedding]]\nadapter = "linear"\noutputs = 4\n' if embedding else ""


def make_embeddings(runner, data):
    run = runner.run
    run("import", "kuairand", data, "logs")
    run("timeline", "build", data / "impressions.csv.zst", "timelines", "--mapping", MAPPING)
    run("build", "logs", "table_upstream", "--until", TRAIN_FROM)
    run("build", "logs", "table_train", "--from", TRAIN_FROM, "--until", EVAL_FROM)
    run("build", "logs", "table_eval", "--from", EVAL_FROM)
    runner.write("slices.toml", SLICES)
    run("train", runner.write("upstream.toml", UPSTREAM), "--threads", 1)
    for number, day in enumerate(AS_OF, 1):
        run("embed", "generate", "upstream", "timelines", "store", "--as-of", day, "--threads", 1)
        run("embed", "publish", "store", f"v{number:06}", "--at", day, "--force")


def evaluate(runner, seed, embedding):
    """{label: NE} at the end of a training."""
    name = f"down_{'embedding' if embedding else 'base'}_{seed}.toml"
    file = runner.write(name, downstream(seed, embedding))
    for line in reversed(runner.run("train", file, "--threads", 1).splitlines()):
        event = json.loads(line)
        if event["event"] == "eval":
            return {label: metrics["ne"] for label, metrics in zip(LABELS, event["labels"])}
    raise SystemExit("a training ended without an evaluation")


def markdown(results):
    """`results`: {label: {"base": [NE per seed], "embedding": [...]}}."""
    lines = ["| label | seeds | NE without (spread) | NE with embedding (spread) | difference, % | standard error |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    for label, runs in results.items():
        cells = [f"{statistics.mean(runs[name]):.4f} ({ablation.spread(runs[name]):.4f})"
                 for name in ("base", "embedding")]  # fmt: skip
        difference, error = ablation.gain(runs, "embedding")
        lines.append(f"| {label} | {len(runs['base'])} | {' | '.join(cells)} | {difference:+.2f} | {error:.2f} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("kuairand", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/kuairand"))
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    out = arguments.out.resolve()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    runner = ablation.Runner(arguments.build.resolve(), out, None)
    make_embeddings(runner, arguments.kuairand.resolve())
    results = {label: {"base": [], "embedding": []} for label in LABELS}
    for seed in range(1, arguments.seeds + 1):
        for name in ("base", "embedding"):
            for label, ne in evaluate(runner, seed, name == "embedding").items():
                results[label][name].append(ne)
                runner.say(f"seed {seed}, {name}: NE of {label} {ne:.4f}")
    (out / "kuairand.json").write_text(json.dumps(results, indent=2) + "\n")
    print(markdown(results))


if __name__ == "__main__":
    main()
