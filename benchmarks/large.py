"""Memory and time of training on more rows than one would hold in memory, on generated rows.

    python benchmarks/large.py --rows 200000 --set on_disk=false
    python benchmarks/large.py --rows 10000000 --steps 200 --starts 2

Writes a CSV file of short texts with one of eight labels and a tiny encoder with a vocabulary of their words, then runs
``zoo run classification`` on them for a number of steps, ``--starts`` times; the cache is empty at the first start.

Every second the memory of the process and its workers is read from ``/proc``: ``anonymous`` is what it needs,
``mapped`` what it has mapped of files, which the system takes back when others need it. What processes share is counted
once. The time to the first step is from the start of the process to the first line of ``history.jsonl``.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

WORDS = "the a my our old new red big small late early train bus ticket order parcel price screen phone app is was has"
LABELS = ("travel", "shopping", "devices", "food", "sport", "weather", "music", "work")
EVERY = 1.0


def write_rows(path: Path, rows: int, seed: int = 1) -> None:
    """Texts of 5 to 13 words, no two alike; a word says the label in nine of ten."""
    generator, words = random.Random(seed), WORDS.split()
    with path.open("w", encoding="utf-8") as file:
        file.write("text,label\n")
        for number in range(rows):
            label = generator.choice(LABELS)
            told = label if generator.random() < 0.9 else generator.choice(LABELS)
            text = " ".join([*generator.choices(words, k=generator.randint(3, 10)), told, str(number)])
            file.write(f"{text},{label}\n")


def write_model(folder: Path) -> None:
    """A BERT of two layers that are 32 wide, with a word-piece vocabulary of the texts."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    pieces = [*"0123456789", *(f"##{digit}" for digit in "0123456789")]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS.split(), *LABELS, *pieces]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(dict.fromkeys(vocabulary)), encoding="utf-8")
    tokenizer = BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=64)
    tokenizer.save_pretrained(folder)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    BertModel(BertConfig(vocab_size=len(tokenizer), max_position_embeddings=64, **shape)).save_pretrained(folder)


def memory(process: int) -> tuple[int, int]:
    """``(anonymous, mapped)`` MiB of a process and its children; what several have in common is counted once."""
    anonymous = mapped = 0
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        of = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines[1:])}
        anonymous, mapped = of.get("Pss_Anon", 0) // 1024, of.get("Pss_File", 0) // 1024
        for task in Path(f"/proc/{process}/task").iterdir():
            for child in (task / "children").read_text().split():
                one, other = memory(int(child))
                anonymous, mapped = anonymous + one, mapped + other
    except (OSError, ValueError):
        pass
    return anonymous, mapped


def start(command: list[str], output: Path, environment: dict[str, str]) -> dict[str, Any]:
    """Run once; what it took."""
    began = time.perf_counter()
    log = output.with_suffix(".log")
    with log.open("w") as written:
        process = subprocess.Popen(command, env=environment, stdout=written, stderr=subprocess.STDOUT)
    curve: list[tuple[float, int, int]] = []
    first, history = None, output / "history.jsonl"
    while process.poll() is None:
        time.sleep(EVERY)
        now = time.perf_counter() - began
        curve.append((round(now, 1), *memory(process.pid)))
        if first is None and history.exists() and history.stat().st_size:
            first = now
    if process.returncode:
        sys.exit(log.read_text()[-3000:])
    manifest = json.loads((output / "manifest.json").read_text())
    at = [one for one in curve if first is None or one[0] >= first]
    return {
        "seconds": round(time.perf_counter() - began, 1),
        "first_step": None if first is None else round(first, 1),
        "peak_anonymous": max(one[1] for one in curve),
        "peak_mapped": max(one[2] for one in curve),
        "anonymous_while_training": [min(one[1] for one in at), max(one[1] for one in at)] if at else [],
        "rows": manifest["rows"],
        "steps": manifest["steps"],
        "weights": next(iter(manifest["model_files"].values())) if manifest.get("model_files") else None,
        "curve": curve,
    }


def shown(curve: list[tuple[float, int, int]], points: int = 12) -> Iterator[str]:
    """The memory at some points, a line each."""
    for index in range(0, len(curve), max(1, len(curve) // points)):
        seconds, anonymous, mapped = curve[index]
        yield f"{seconds:8.1f} s {anonymous:7d} MiB anonymous {mapped:7d} MiB mapped"


def main() -> None:
    """Write what is missing, run, and print the figures of each start."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--starts", type=int, default=2)
    parser.add_argument("--holdout", default="2000", help="rows of validation and of test")
    parser.add_argument("--set", nargs="*", default=[], help="further settings")
    parser.add_argument("--folder", type=Path, help="keep rows, runs and cache here")
    parser.add_argument("--out", type=Path, help="write the figures here as JSON")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="large-"))
    folder.mkdir(parents=True, exist_ok=True)
    rows, model, cache = folder / f"rows-{given.rows}.csv", folder / "model", folder / "cache"
    if not rows.exists():
        write_rows(rows, given.rows)
    if not model.exists():
        write_model(model)
    shutil.rmtree(cache, ignore_errors=True)
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TASKZOO_CACHE": str(cache)}
    settings = [f"max_steps={given.steps}", "log_every=1", f"evaluate_every={given.steps}", *given.set]
    results = []
    for number in range(given.starts):
        output = folder / f"run-{given.rows}-{number}"
        shutil.rmtree(output, ignore_errors=True)
        command = [sys.executable, "-m", "taskzoo", "run", "classification", "--model", str(model)]
        command += ["--train", str(rows), "--output", str(output), "--method", "full", "--holdout", given.holdout]
        command += [word for setting in settings for word in ("--set", setting)]
        found = start(command, output, environment)
        results.append(found)
        print(f"start {number + 1}:", json.dumps({name: value for name, value in found.items() if name != "curve"}))
        print("\n".join(shown(found["curve"])), flush=True)
        if given.out:
            given.out.write_text(json.dumps(results))
    if given.folder is None:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
