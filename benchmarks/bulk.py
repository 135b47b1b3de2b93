"""Memory and rate of ``zoo predict`` over many short texts, and the rate of ``transformers.pipeline`` on the same.

    python benchmarks/bulk.py --model minilm --rows 300000 --seconds 100

A classifier is trained for a moment on generated rows, which is enough to measure its speed. Then a process predicts
the rows of a CSV file into a folder of shards until the time is over, and says its peak memory after 1% and 10% of the
rows and at the end; another gives the same texts to ``transformers.pipeline`` in batches of 16 for half as long. Both
have the same number of threads, one after the other.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from common import run_process

WORDS = "the a my our old new red big small late early train bus ticket order parcel price screen phone app is was has"
CHUNK = 500  # texts that the pipeline gets at once: an iterator is far slower there
LABELS = ("travel", "shopping", "devices")


class TimeOverError(Exception):
    """The time is over."""


def texts(rows: int) -> Iterator[str]:
    """Texts of 4 to 24 words, the same in every process."""
    generator, words = random.Random(1), WORDS.split()
    for number in range(rows):
        yield " ".join(generator.choices(words, k=generator.randint(4, 24))) + f" {number}"


def peak() -> float:
    """The largest memory that this process has had, in MiB; what getrusage gives may be that of its parent."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def rates(rows: int, began: float, cpu: float) -> dict[str, float]:
    """Rows by the clock, and by the time of all threads on the processor, which other programs hardly change."""
    seconds, used = time.monotonic() - began, time.process_time() - cpu
    return {"rows": rows, "rows/s": rows / seconds, "rows/CPU s": rows / used}


def zoo(folder: Path, rows: int, seconds: float) -> dict[str, Any]:
    """Peak memory on the way, and the rate, of Task Zoo."""
    import taskzoo
    from taskzoo.bulk.job import Inputs, Output
    from taskzoo.bulk.meter import Meter
    from taskzoo.bulk.part import Part
    from taskzoo.bulk.shards import ShardJob, predict_to_folder

    run = taskzoo.load(folder / "run", precision="fp32")
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
    return {**rates(watch.rows, began, cpu), "peak MiB": {**marks, "at the end": peak()}}


def pipeline(folder: Path, rows: int, seconds: float) -> dict[str, Any]:
    """The rate of the pipeline with batches of 16, the model loaded by plain transformers."""
    import transformers

    where = {"model": str(folder / "run" / "model"), "device": "cpu", "trust_remote_code": True}
    classify = transformers.pipeline("text-classification", top_k=5, **where)
    began, cpu, done = time.monotonic(), time.process_time(), 0
    waiting = texts(rows)
    while chunk := list(islice(waiting, CHUNK)):
        done += len(classify(chunk, batch_size=16, truncation=True))
        if time.monotonic() - began > seconds:
            break
    return {**rates(done, began, cpu), "peak MiB": {"at the end": peak()}}


def prepare(folder: Path, model: str, rows: int) -> None:
    """A trained run and the file of texts."""
    import taskzoo

    train = [{"text": text, "label": LABELS[number % 3]} for number, text in enumerate(texts(60))]
    splits = {"train": train, "validation": [], "test": []}
    taskzoo.finetune("classification", model=model, output=folder / "run", max_steps=1, method="full", **splits)
    with (folder / "in.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "text"])
        table.writerows(enumerate(texts(rows)))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--seconds", type=float, default=100.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--one", choices=("zoo", "pipeline"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        figures = {"zoo": zoo, "pipeline": pipeline}[given.one](given.folder, given.rows, given.seconds)
        print(json.dumps(figures))
        return
    os.environ["OMP_NUM_THREADS"] = str(given.threads)
    with tempfile.TemporaryDirectory() as name:
        prepare(Path(name), given.model, given.rows)
        found = {}
        for arm, seconds in (("zoo", given.seconds), ("pipeline", given.seconds / 2)):
            words = ["--one", arm, "--folder", name, "--rows", str(given.rows), "--seconds", str(seconds)]
            found[arm] = run_process([sys.executable, __file__, *words], arm)
    print(json.dumps(found, indent=2))
    for name in ("rows/s", "rows/CPU s"):
        print(f"zoo / pipeline in {name}: {found['zoo'][name] / found['pipeline'][name]:.2f}")


if __name__ == "__main__":
    main()
