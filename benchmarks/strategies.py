"""Training strategies against the default: the same rows, seeds and model, with one setting changed.

    python benchmarks/strategies.py run --out strategies.csv --data FOLDER [--sets rt_polarity ...] [--rows 300]
        [--strategies ema rdrop ...] [--seeds 1 2 3] [--steps 60] [--test 500]
    python benchmarks/strategies.py table --out strategies.csv

``run`` appends a line for each training to the CSV file and skips those that it has with the same options, which are
the conditions of a line. Every strategy has the rows of the default for the same data set and seed (``data_sets.py``;
the seed draws the training rows as well) and the method
``full``, so that the training loop alone decides; ``lora`` and ``qlora``, which is compared with it, train adapters.
``distil`` trains a cut model (``--small-layers``) with and without
the default's run as its teacher. ``soft`` learns the distributions that are the labels of ``vader_shares``, all others
the most probable label of each. ``table`` prints the mean difference from the default over the seeds with its 95%
t-interval, and the ratio of CPU times of training.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from common import half_width, lines_of
from data_sets import Draw, data_set, draw, read

DEFAULT, SOFT, SMALL, DISTILLED, LORA, QLORA = "default", "soft", "small", "distil", "lora", "qlora"
STRATEGIES: Mapping[str, Mapping[str, Any]] = {
    DEFAULT: {},
    "layer-decay": {"layer_decay": 0.8},
    "unfreezing": {"gradual_unfreezing": 0.5},
    "ema": {"ema_decay": 0.98},
    "schedule-free": {"optimizer": "schedule-free-adamw"},
    "muon": {"optimizer": "muon"},
    "rdrop": {"rdrop_alpha": 1.0},
    "fgm": {"adversarial_epsilon": 0.1},
    "neftune": {"neftune_alpha": 5.0},
    LORA: {"method": "lora"},
    QLORA: {"method": "lora", "lora_quantize": "nf4"},
    SOFT: {},
    SMALL: {},
    DISTILLED: {},
}
"""Name -> settings that differ from the default. The last two train a cut model; ``soft`` is for soft labels."""
COMPARED = {DISTILLED: SMALL, QLORA: LORA}
"""Strategies that are not compared with the default, and what with."""
FIELDS = ("data_set", "rows", "conditions", "strategy", "seed", "metric", "score", "cpu_seconds")


def cut_model(model: str, layers: int, folder: Path) -> str:
    """``model`` with the first ``layers`` of its layers, saved to ``folder`` with its tokenizer."""
    from transformers import AutoModel, AutoTokenizer

    from taskzoo import registry

    path = registry.model_path(registry.model(model))
    AutoModel.from_pretrained(path, num_hidden_layers=layers).save_pretrained(folder)
    AutoTokenizer.from_pretrained(path).save_pretrained(folder)
    return str(folder)


def hardened(rows: Draw) -> Draw:
    """The rows, with the most probable label where the label is a distribution."""

    def hard(row: dict[str, Any]) -> dict[str, Any]:
        label = row.get("label")
        return {**row, "label": max(label, key=label.__getitem__)} if isinstance(label, dict) else row

    return Draw(*([hard(row) for row in part] for part in (rows.train, rows.validation, rows.test)))


def train(name: str, rows: Draw, seed: int, model: str, output: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Train once; the score on the test rows and the CPU seconds of training and validation."""
    import taskzoo

    data = data_set(name)
    run = taskzoo.finetune(
        data.task,
        model=model,
        train=rows.train,
        validation=rows.validation,
        test=rows.test,
        seed=seed,
        output=output,
        baseline=False,
        **data.settings,
        **{"method": "full", **settings},
    )
    score = run.metrics["test"][data.metric] or 0.0
    return {"metric": data.metric, "score": score, "cpu_seconds": run.manifest["seconds"]["train_and_validate_cpu"]}


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The lines of the file, none if there is no file."""
    return [
        {**line, "rows": int(line["rows"]), "seed": int(line["seed"])}
        | {name: float(line[name]) for name in ("score", "cpu_seconds")}
        for line in lines_of(path, FIELDS)
    ]


def run(arguments: argparse.Namespace) -> None:
    """Train what the file lacks, and append it."""
    done = {tuple(line[name] for name in FIELDS[:5]) for line in read_lines(arguments.out)}
    conditions = (
        f"{arguments.model} steps={arguments.steps} batch={arguments.batch_size} layers={arguments.small_layers} "
        f"test={arguments.test}"
    )
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        small = cut_model(arguments.model, arguments.small_layers, folder / "small")
        for name in arguments.sets:
            for seed in arguments.seeds:
                drawn = draw(read(name, arguments.data), arguments.rows, seed, tuning=False, most=arguments.test)
                for strategy in arguments.strategies:
                    key = (name, arguments.rows, conditions, strategy, seed)
                    if key in done:
                        continue
                    rows = hardened(drawn)
                    if strategy == SOFT:
                        rows = replace(rows, train=drawn.train)
                    length = {"max_steps": arguments.steps, "batch_size": arguments.batch_size}
                    settings = {**STRATEGIES[strategy], **length}
                    if strategy == DISTILLED:
                        settings["teacher"] = str(folder / "teacher")
                        train(name, rows, seed, arguments.model, folder / "teacher", length)
                    model = small if strategy in (SMALL, DISTILLED) else arguments.model
                    found = train(name, rows, seed, model, folder / "run", settings)
                    for each in (folder / "run", folder / "teacher"):
                        shutil.rmtree(each, ignore_errors=True)
                    append(arguments.out, dict(zip(FIELDS, key, strict=False)) | found)


def append(path: Path, line: Mapping[str, Any]) -> None:
    """Append a line to the file, with a header if it is new."""
    is_new = not path.is_file()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow({name: round(v, 4) if isinstance(v, float) else v for name, v in line.items()})
    print(dict(line), file=sys.stderr, flush=True)


def table(lines: Sequence[Mapping[str, Any]]) -> str:
    """A Markdown table: a row for each data set and strategy."""
    by_cell: dict[tuple[str, int, str, str], dict[int, Mapping[str, Any]]] = defaultdict(dict)
    for line in lines:
        by_cell[line["data_set"], line["rows"], line["conditions"], line["strategy"]][line["seed"]] = line
    out = [
        "| data set | rows | conditions | strategy | score | difference | CPU time |",
        "|---|---|---|---|---|---|---|",
    ]
    for (name, rows, conditions, strategy), found in by_cell.items():
        base = by_cell.get((name, rows, conditions, COMPARED.get(strategy, DEFAULT)), {})
        seeds = sorted(found.keys() & base.keys())
        scores = f"{statistics.mean(line['score'] for line in found.values()):.3f}"
        difference, ratio = "", ""
        if strategy != DEFAULT and seeds:
            difference = interval([found[seed]["score"] - base[seed]["score"] for seed in seeds])
            ratio = f"{statistics.mean(found[seed]['cpu_seconds'] / base[seed]['cpu_seconds'] for seed in seeds):.2f}"
        out.append(f"| {name} | {rows} | {conditions} | {strategy} | {scores} | {difference} | {ratio} |")
    return "\n".join(out)


def interval(values: Sequence[float]) -> str:
    """``mean [low, high]``: the 95% t-interval of the mean."""
    mean = statistics.mean(values)
    if len(values) < 2:
        return f"{mean:+.3f}"
    half = half_width(values)
    return f"{mean:+.3f} [{mean - half:+.3f}, {mean + half:+.3f}]"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("run", "table"))
    parser.add_argument("--out", type=Path, required=True, help="CSV file of the results, to read and to append to")
    parser.add_argument("--data", type=Path, help="folder with a folder for each data set; generated ones need none")
    parser.add_argument("--sets", nargs="+", default=["rt_polarity", "wnut17"], help="data sets")
    parser.add_argument("--rows", type=int, default=300, help="training rows")
    parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=list(STRATEGIES))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--small-layers", type=int, default=2, help="layers of the model that is distilled to")
    parser.add_argument("--steps", type=int, default=60, help="optimizer steps (0: as many as the recipe makes)")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--test", type=int, default=500, help="at most so many test rows")
    arguments = parser.parse_args()
    if arguments.command == "run":
        run(arguments)
    print(table(read_lines(arguments.out)))


if __name__ == "__main__":
    main()
