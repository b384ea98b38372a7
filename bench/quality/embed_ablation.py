#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What user embeddings earn, and what each choice in making them is worth.

    bench/quality/embed_ablation.py BUILD [--out DIR] [--quick]

Generated users with 1,000 to 70,000 events, a planted long-term taste and a present interest that drifts
(onefold synth --events). The upstream model trains on the first days of the ranking log; embeddings are
generated every second day from there on; the downstream model, a transformer over the newest 200 events,
trains on the days after that and is evaluated on the last ones, always with the embedding that was live.
Prints one table in Markdown, and writes DIR/ablation.json and build/bench/embed_ablation.json.
"""
import argparse
import concurrent.futures
import json
import math
import pathlib
import platform
import shutil
import statistics
import subprocess
import threading

import ablation_config as config

ENCODERS = ("fsa", "lce", "mlp", "transformer", "funnel")
AGES = (0, 2, 4, 6, 8)
FORMATS = ("fp32", "int4", "int8", "fp16")


class Sizes:
    def __init__(self, quick):
        self.users = 40 if quick else 2000
        self.synth = []
        if quick:
            self.synth = ["--mean-events", "200", "--min-events", "100", "--max-events", "1000"]
        self.sessions = 4 if quick else 12
        self.seeds = (1, 2) if quick else (1, 2, 3, 4, 5)
        self.some, self.few = ((1,), (1,)) if quick else ((1, 2, 3), (1, 2))
        # Of 120 days from 2024-01-01 the last 24 are ranked: upstream 10, downstream 10, evaluation 4.
        self.upstream_from, self.train_from = "2024-04-06", "2024-04-16"
        self.eval_from, self.end = "2024-04-26", "2024-04-30"
        self.as_of = [config.day(self.train_from, 2 * i) for i in range(7)]


class Runner:
    """onefold, in one directory; two runs at a time, of one thread each."""

    def __init__(self, build, root, sizes):
        self.onefold, self.root, self.sizes = build / "onefold", root, sizes
        self.lock = threading.Lock()

    def run(self, *arguments):
        done = subprocess.run(
            [self.onefold, *map(str, arguments)], cwd=self.root, text=True, capture_output=True,
            env={"OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        if done.returncode != 0:
            raise SystemExit(f"onefold {' '.join(map(str, arguments))}\n{done.stderr}")
        return done.stdout

    def say(self, text):
        with self.lock:
            print(text, flush=True)

    def write(self, name, text):
        (self.root / name).write_text(text)
        return name

    def evaluate(self, *arguments):
        """The click metrics at the end of a training."""
        for line in reversed(self.run("train", *arguments, "--threads", "1").splitlines()):
            event = json.loads(line)
            if event["event"] == "eval":
                return event["labels"][0]["ne"]
        raise SystemExit("a training ended without an evaluation")

    def make_data(self):
        sizes = self.sizes
        self.run("synth", "logs", "--events", "events", "--users", sizes.users, "--ranking-days", 24,
                 "--sessions-per-user", sizes.sessions, *sizes.synth)  # fmt: skip
        self.run("timeline", "build", "events", "timelines", "--mapping", "events/mapping.toml")
        for name, begin, end in (("upstream", sizes.upstream_from, sizes.train_from),
                                 ("train", sizes.train_from, sizes.eval_from),
                                 ("eval", sizes.eval_from, sizes.end)):  # fmt: skip
            self.run("build", "logs", f"table_{name}", "--from", begin, "--until", end)
        self.write("slices.toml", config.SLICES)

    def make_store(self, name, formats=("int4",), max_events=35_000, **choices):
        """Trains an upstream model and publishes its embeddings, live from the time they are of."""
        checkpoint = f"upstream_{name}"
        text = config.upstream("table_upstream", checkpoint, max_events=max_events, **choices)
        self.run("train", self.write(f"{checkpoint}.toml", text), "--threads", "1")
        for form in formats:
            store = f"store_{name}" if form == "int4" else f"store_{name}_{form}"
            for day in self.sizes.as_of:
                self.run("embed", "generate", checkpoint, "timelines", store, "--as-of", day,
                         "--format", form, "--threads", "1")  # fmt: skip
            self.publish(store, 0)
        self.say(f"upstream {name}")

    def publish(self, store, age):
        for number, day in enumerate(self.sizes.as_of, 1):
            self.run("embed", "publish", store, f"v{number:06}", "--at", config.day(day, age), "--force")

    def aged(self, store, age):
        """The same versions, each live `age` days late."""
        if age == 0:
            return store
        older = f"{store}_age{age}"
        shutil.copytree(self.root / store, self.root / older)
        state = self.root / older / "_store.json"
        state.write_text(json.dumps({**json.loads(state.read_text()), "live": []}))
        self.publish(older, age)
        return older

    def downstream_file(self, name, store, **choices):
        text = config.downstream("table_train", "table_eval", **choices)
        if store is not None:
            text = text.replace("[data]\n", f'[data]\nembeddings = "{store}"\n')
        return self.write(f"{name}.toml", text)

    def downstream(self, label, store=None, adapter=None, seed=1, keep=False):
        name = f"down_{label}_{seed}"
        file = self.downstream_file(name, store, adapter=adapter, seed=seed)
        ne = self.evaluate(file, *(["--checkpoint", name] if keep else []))
        self.say(f"downstream {label} seed {seed}: NE {ne:.4f}")
        return ne

    def again(self, label, store, seed):
        """The model that downstream(keep=True) trained, evaluated with the embeddings of `store`."""
        name = f"down_{label}_{seed}"
        file = self.downstream_file(f"{name}_{store}", store, adapter="linear", seed=seed)
        return self.evaluate(file, "--checkpoint", name, "--resume")


def upstream_jobs(quick):
    """{name: choices} of every upstream model."""
    jobs = {"main": {"formats": FORMATS[:2] if quick else FORMATS}, "nogap": {"gap": "0h"},
            "cap2000": {"max_events": 1000}, "fsa_dims": {"axis": "dims"}}  # fmt: skip
    if quick:
        return jobs
    jobs["cap200"] = {"max_events": 100}
    for encoder in ENCODERS:
        for axis in ("tokens", "dims"):
            if (encoder, axis) != ("fsa", "tokens"):
                jobs[f"{encoder}_{axis}"] = {"encoder": encoder, "axis": axis}
    jobs["fsa_mixer"] = {"mixer": "dims"}
    return jobs


def run_all(runner, quick):
    sizes = runner.sizes
    runner.make_data()
    jobs = upstream_jobs(quick)
    results = {}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        made = {name: pool.submit(runner.make_store, name, **choices) for name, choices in jobs.items()}
        for future in made.values():
            future.result()
        pending = []

        def add(label, seeds, store=None, adapter=None, keep=False):
            for seed in seeds:
                pending.append((label, pool.submit(runner.downstream, label, store, adapter, seed, keep)))

        add("base", sizes.seeds)
        add("main", sizes.seeds, "store_main", "linear", keep=True)
        add("cap2000", sizes.seeds, "store_cap2000", "linear")
        add("nogap", sizes.some, "store_nogap", "linear", keep=True)
        add("fp32", sizes.few, "store_main_fp32", "linear", keep=True)
        for adapter in ("none",) if quick else ("none", "gate", "prepend"):
            add(adapter, sizes.few, "store_main", adapter)
        for name in jobs:
            if name not in ("main", "nogap", "cap2000"):
                add(name, sizes.few, f"store_{name}", "linear")
        for label, future in pending:
            results.setdefault(label, []).append(future.result())
        for label, store in (("main", "store_main"), ("nogap", "store_nogap")):
            for age in AGES:
                older = runner.aged(store, age)
                runs = [pool.submit(runner.again, label, older, seed) for seed in sizes.some]
                results[f"{label} age {age}"] = [run.result() for run in runs]
        for form in jobs["main"]["formats"]:
            store = "store_main" if form == "int4" else f"store_main_{form}"
            results[f"fp32 model, {form}"] = [runner.again("fp32", store, seed) for seed in sizes.few]
    return results


def spread(values):
    return statistics.stdev(values) if len(values) > 1 else math.nan


def gain(results, label, against="base"):
    """Mean paired difference of NE in per cent of the base's, and its standard error."""
    pairs = list(zip(results[label], results[against]))
    differences = [100 * (ours - theirs) / theirs for ours, theirs in pairs]
    error = spread(differences) / math.sqrt(len(differences))
    return statistics.mean(differences), error


def markdown(results, sizes):
    lines = ["| downstream model | seeds | NE | spread of seeds | against base, % | standard error |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    names = {
        "base": "newest 200 events, no embedding",
        "main": "+ embedding: fsa, token-wise, gap 24 h, cap 70,000, int4, linear",
        "cap2000": "cap 2,000", "cap200": "cap 200", "nogap": "no gap",
        "fsa_mixer": "mixer: dims", "none": "adapter none (no projection)",
        "gate": "adapter gate", "prepend": "adapter prepend", "fp32": "fp32",
    }  # fmt: skip
    for label in [key for key in results if " " not in key]:
        name = names.get(label, label.replace("_dims", ", dim-wise").replace("_tokens", ", token-wise"))
        values = results[label]
        difference, error = (0, 0) if label == "base" else gain(results, label)
        lines.append(f"| {name} | {len(values)} | {statistics.mean(values):.4f} | {spread(values):.4f} | "
                     f"{difference:+.2f} | {error:.2f} |")  # fmt: skip
    lines += ["", "| age of the embedding, days | " + " | ".join(map(str, AGES)) + " |",
              "|---|" + "---|" * len(AGES)]  # fmt: skip
    for label, name in (("main", "gap 24 h, % against base"), ("nogap", "no gap, % against base")):
        cells = [f"{gain(results, f'{label} age {age}')[0]:+.2f}" for age in AGES]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += ["", "| one downstream model, trained on fp32 | NE with these embeddings | against fp32, % |",
              "|---|---|---|"]  # fmt: skip
    for form in FORMATS:
        label = f"fp32 model, {form}"
        if label not in results:
            continue
        lines.append(f"| {form} | {statistics.mean(results[label]):.5f} | "
                     f"{gain(results, label, 'fp32 model, fp32')[0]:+.4f} |")  # fmt: skip
    return "\n".join(lines)


def claims(results):
    def claim(text, ours, other, holds, aim):
        return {"claim": text, "ours": ours, "other": other, "unit": "NE", "ratio": ours / other,
                "aim": aim, "holds": bool(holds), "machine": platform.machine()}  # fmt: skip

    mean = {label: statistics.mean(values) for label, values in results.items()}
    difference, error = gain(results, "main")
    more, more_error = gain(results, "main", "cap2000")
    faded = mean["main age 8"] - mean["main age 0"]
    faded_without = mean["nogap age 8"] - mean["nogap age 0"]
    quantised = mean["fp32 model, int4"] / mean["fp32 model, fp32"]
    return [
        claim("embedding joins: NE / base", mean["main"], mean["base"], difference < -3 * error,
              "below by 3 standard errors"),
        claim("cap 70,000: NE / cap 2,000", mean["main"], mean["cap2000"], more < -3 * more_error,
              "below by 3 standard errors"),
        claim("8 days old with the gap: NE / fresh", mean["main age 8"], mean["main age 0"],
              faded < faded_without, "rises less than without the gap"),
        claim("8 days old without the gap: NE / with", mean["nogap age 8"], mean["main age 8"],
              mean["nogap age 8"] > mean["main age 8"], "> 1"),
        claim("linear adapter: NE / no projection", mean["main"], mean["none"],
              mean["main"] < mean["none"], "< 1"),
        claim("int4: NE / fp32", mean["fp32 model, int4"], mean["fp32 model, fp32"],
              quantised <= 1.0002, "<= 1.0002"),
        claim("token-wise fsa: NE / dim-wise", mean["main"], mean["fsa_dims"],
              mean["main"] < mean["fsa_dims"], "< 1"),
    ]  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/ablation"))
    parser.add_argument("--quick", action="store_true", help="small sizes, to try the program")
    arguments = parser.parse_args()
    out = arguments.out.resolve()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    sizes = Sizes(arguments.quick)
    runner = Runner(arguments.build.resolve(), out, sizes)
    results = run_all(runner, arguments.quick)
    (out / "ablation.json").write_text(json.dumps(results, indent=2) + "\n")
    print(markdown(results, sizes))
    if not arguments.quick:
        bench = pathlib.Path("build/bench")
        bench.mkdir(parents=True, exist_ok=True)
        (bench / "embed_ablation.json").write_text(json.dumps(claims(results), indent=2) + "\n")
    for claim in claims(results):
        print(f"{claim['claim']:<45} {claim['ratio']:.4f}  aim {claim['aim']}: "
              f"{'holds' if claim['holds'] else 'falls short'}")  # fmt: skip


if __name__ == "__main__":
    main()
