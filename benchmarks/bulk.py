"""Memory and rate of ``zoo predict`` over many texts, and the rate of ``transformers.pipeline`` on the same.

    python benchmarks/bulk.py --rows 5000000 --seconds 240
    python benchmarks/bulk.py --model none --rows 5000000 --seconds 300 --tasks
    python benchmarks/bulk.py --rows 0 --texts reviews.txt --tasks classification ner --rounds 3

Memory: a process predicts the rows of a CSV file into a folder of shards until the time is over, and says its peak
memory when the model is loaded, after 1% and 10% of the rows, and at the end. ``--model none`` is a model that costs
nothing, so that this is the memory of reading, checking and writing; ``--rows 0`` leaves this part out.

Rate: for each task a process predicts the same texts by several arms in turn, all with one thread, and counts the
processor time of each. ``zoo`` reads a file of texts and writes a CSV file; ``zoo onnx`` and ``zoo onnx-int8`` do so
with an export of the run; ``zoo bf16`` computes in bf16, the others in fp32. ``pipeline 16`` gives a list of texts to
``transformers.pipeline`` in batches of 16, ``pipeline iterator 16`` an iterator, as one must where texts do not fit
into memory, and ``pipeline sorted 16`` texts that were sorted by their length before, which it does not do itself, and
``pipeline sorted-bf16 16`` the same with a model loaded in bf16; its results stay in memory. Runs are trained for a
moment, on generated rows, which is enough to measure their speed.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from common import run_process

WORDS = "the a my our old new red big small late early train bus ticket order parcel price screen phone app is was has"
NAMED = ("train", "bus", "phone")
LABELS = ("travel", "shopping", "devices")
TASKS = ("classification", "ner")
ZOO = ("zoo", "zoo bf16", "zoo onnx", "zoo onnx-int8")
BATCHES = (1, 8, 16, 32, 64)
ORDERED = (f"pipeline {way} {size}" for way in ("sorted", "sorted-bf16") for size in (16, 32))
PIPELINE = (*(f"pipeline {size}" for size in BATCHES), "pipeline iterator 16", *ORDERED)
REFERENCE = "pipeline 16"


class TimeOverError(Exception):
    """The time is over."""


def texts(rows: int) -> Iterator[str]:
    """Texts of 4 to 24 words, the same in every process."""
    generator, words = random.Random(1), WORDS.split()
    for number in range(rows):
        yield " ".join(generator.choices(words, k=generator.randint(4, 24))) + f" {number}"


def write_csv(path: Path, lines: Iterator[str] | Sequence[str]) -> None:
    """A table of numbered texts."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "text"])
        table.writerows(enumerate(lines))


# memory


def peak() -> float:
    """The largest memory that this process has had, in MiB; what getrusage gives may be that of its parent."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def memory(folder: Path, rows: int, seconds: float) -> dict[str, Any]:
    """Peak memory on the way, and the rate, of predictions for ``folder/in.csv``."""
    import taskzoo
    from taskzoo.bulk.job import Inputs, Output
    from taskzoo.bulk.meter import Meter
    from taskzoo.bulk.part import Part
    from taskzoo.bulk.shards import ShardJob, predict_to_folder

    run = taskzoo.load(folder / "classification", precision="fp32")
    if (folder / "no model").exists():
        run.predict_rows = lambda rows, **_: [{"text": row["text"], "label": "a", "score": 1.0} for row in rows]  # type: ignore[method-assign]
    marks: dict[str, float] = {"loaded": peak()}
    began, cpu = time.monotonic(), time.process_time()

    class Watch(Meter):
        def update(self, done_rows: int, bad: int, done: float) -> None:
            super().update(done_rows, bad, done)
            for name, share in (("at 1%", 0.01), ("at 10%", 0.1)):
                if self.rows >= share * rows:
                    marks.setdefault(name, peak())
            if time.monotonic() - began > seconds:
                raise TimeOverError

    watch = Watch(shown=True)
    job = ShardJob(Inputs((str(folder / "in.csv"),)), Output(folder / "out"))
    with suppress(TimeOverError):
        predict_to_folder(run, job, Part(), watch)
    wall, used = time.monotonic() - began, time.process_time() - cpu
    marks["at the end"] = peak()
    return {"rows": watch.rows, "rows/s": watch.rows / wall, "rows/CPU s": watch.rows / used, "peak MiB": marks}


# rate


def rates(folder: Path, task: str, arms: Sequence[str], rounds: int) -> dict[str, Any]:
    """Rows per second of processor time for every arm in every round."""
    lines = (folder / "texts.txt").read_text(encoding="utf-8").splitlines()
    calls = {arm: (_zoo if arm in ZOO else _pipeline)(folder, task, arm, lines) for arm in arms}
    found: dict[str, list[float]] = {arm: [] for arm in arms}
    for number in range(rounds + 1):  # the first is to warm up, on fewer rows where that can be
        for arm, call in calls.items():
            began = time.process_time()
            rows = call(number > 0)
            if number:
                found[arm].append(rows / (time.process_time() - began))
                print(f"{task}, {arm}: {found[arm][-1]:.0f} rows/CPU s", file=sys.stderr, flush=True)
    return {"rows": len(lines), "rows/CPU s": found}


def _zoo(folder: Path, task: str, arm: str, lines: Sequence[str]) -> Callable[[bool], int]:
    import taskzoo
    from taskzoo.bulk.job import Inputs, Output, open_input, predict_to_file
    from taskzoo.bulk.meter import Meter
    from taskzoo.bulk.output_format import OutputFormat
    from taskzoo.bulk.predicting import Policy

    bf16 = arm == "zoo bf16"
    path = folder / task / ("" if bf16 else arm.removeprefix("zoo").strip())
    run = taskzoo.load(path, precision="bf16" if bf16 else "fp32")
    output = Output(folder / f"{task}.out.csv", OutputFormat("csv"))

    def call(measured: bool) -> int:
        if not measured:
            return len(run.predict(list(lines[:64])))
        source = open_input(run, Inputs((str(folder / "texts.txt"),)), tolerant=True)
        return predict_to_file(run, source, output, Policy(), Meter(shown=False)).rows

    return call


def _pipeline(folder: Path, task: str, arm: str, lines: Sequence[str]) -> Callable[[bool], int]:
    import torch
    import transformers

    *way, size = arm.split()[1:]
    model = {"model": str(folder / task / "model"), "device": "cpu", "trust_remote_code": True}
    model["dtype"] = torch.bfloat16 if way == ["sorted-bf16"] else torch.float32
    if task == "classification":
        predict = transformers.pipeline("text-classification", top_k=5, truncation=True, **model)
    else:
        predict = transformers.pipeline("token-classification", aggregation_strategy="simple", **model)
    given = sorted(lines, key=len) if "sorted" in arm else list(lines)

    def call(measured: bool) -> int:
        waiting = given if measured else given[:64]
        if way == ["iterator"]:
            return sum(1 for _ in predict((line for line in waiting), batch_size=int(size)))
        return len(predict(waiting, batch_size=int(size)))

    return call


# preparation


def train(folder: Path, task: str, model: str, arms: Sequence[str]) -> None:
    """A run in ``folder/task`` and the exports of it that ``arms`` need."""
    import taskzoo
    from taskzoo.export.export import ExportRequest, export_run

    lines = list(texts(128))
    if task == "ner":
        rows: list[dict[str, Any]] = [{"words": line.split()} for line in lines]
        for row in rows:
            row["tags"] = ["B-THING" if word in NAMED else "O" for word in row["words"]]
    else:
        rows = [{"text": line, "label": LABELS[number % 3]} for number, line in enumerate(lines)]
    settings = {"model": model, "method": "full", "max_steps": 10, "output": folder / task}
    taskzoo.finetune(task, train=rows, validation=rows[:32], test=rows[:32], **settings)
    for arm in arms:
        if "onnx" in arm:
            export_run(ExportRequest(folder / task, int8=arm.endswith("int8"), tolerance=1.0))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="minilm", help="none: one that costs nothing")
    parser.add_argument("--rows", type=int, default=300_000, help="of the measurement of memory")
    parser.add_argument("--seconds", type=float, default=100.0, help="of it at most")
    parser.add_argument("--threads", type=int, default=1, help="of it")
    parser.add_argument("--tasks", nargs="*", choices=TASKS, default=list(TASKS), help="whose rates are measured")
    parser.add_argument("--texts", type=Path, help="a text per line, instead of generated ones, to measure rates with")
    parser.add_argument("--rate-rows", type=int, default=1000, help="how many of them")
    parser.add_argument("--arms", nargs="+", choices=[*ZOO, *PIPELINE], default=["zoo", REFERENCE])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", choices=("memory", *TASKS), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one == "memory":
        print(json.dumps(memory(given.folder, given.rows, given.seconds)))
    elif given.one:
        print(json.dumps(rates(given.folder, given.one, given.arms, given.rounds)))
    else:
        _measure(given)


def _measure(given: argparse.Namespace) -> None:
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def child(one: str, threads: int, *words: str) -> None:
            os.environ["OMP_NUM_THREADS"] = str(threads)
            found[one] = run_process([sys.executable, __file__, "--one", one, "--folder", name, *words], one)

        os.environ["OMP_NUM_THREADS"] = str(given.threads)
        cheap = given.model == "none"
        for task in [*given.tasks, *(["classification"] if given.rows and "classification" not in given.tasks else [])]:
            train(folder, task, "minilm" if cheap else given.model, given.arms if task in given.tasks else ())
        if given.rows:
            (folder / "no model").touch() if cheap else None
            write_csv(folder / "in.csv", texts(given.rows))
            child("memory", given.threads, "--rows", str(given.rows), "--seconds", str(given.seconds))
        given_texts = given.texts.read_text(encoding="utf-8").splitlines() if given.texts else list(texts(10**4))
        (folder / "texts.txt").write_text("\n".join(given_texts[: given.rate_rows]) + "\n", encoding="utf-8")
        for task in given.tasks:
            child(task, 1, "--arms", *given.arms, "--rounds", str(given.rounds))
    print(json.dumps(found, indent=2))
    for task in given.tasks:
        _print_rates(task, found[task]["rows/CPU s"])


def _print_rates(task: str, measured: dict[str, list[float]]) -> None:
    """Rates, and how many times those of :data:`REFERENCE` they are, or of the first arm if that was not measured."""
    reference = REFERENCE if REFERENCE in measured else next(iter(measured))
    print(f"| {task} | rows per second of processor time | times {reference} |\n|---|---|---|")
    for arm, values in measured.items():
        pairs = [value / other for value, other in zip(values, measured[reference], strict=True)]
        print(f"| {arm} | {statistics.median(values):.0f} | {statistics.median(pairs):.2f} |")


if __name__ == "__main__":
    main()
