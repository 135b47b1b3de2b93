"""What the benchmarks share: arms in processes of their own, the figures of a run, and the table of results.

Imports nothing beyond the standard library at the top, so that an arm can run by another environment's Python.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

Figures = dict[str, Any]
ZOO_ARMS = (
    "zoo",
    "zoo-1-epoch",
    "zoo-1-epoch-of-8",
    "zoo-0.75-epochs-of-8",
    "zoo-1.5-epochs",
    "zoo-2-epochs",
    "zoo-fp32",
    "zoo-fp32-1-epoch",
    "zoo-fp32-0.75-epochs-of-8",
    "zoo-fp32-2-epochs",
    "lora",
    "full",
)
PEER_ARMS = (
    "peer",
    "peer-best",
    "peer-best-validated",
    "peer-best-1-epoch",
    "peer-best-1-epoch-of-8",
    "peer-best-2-epochs-of-8",
    "peer-best-validated-2-epochs-of-8",
    "peer-best-2-epochs",
    "peer-best-fp32",
    "peer-best-fp32-2-epochs",
)
TABLE_END = ("train wall s", "train CPU s", "peak MiB", "trained", "wall ratio", "CPU ratio")


def make_parser(description: str | None, arms: Sequence[str], default: Sequence[str]) -> argparse.ArgumentParser:
    """The options that every benchmark with a peer has; ``--one ARM`` is how the script calls itself."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--peer-seeds", type=int, nargs="*", help="run the peer with these seeds only")
    parser.add_argument("--arms", nargs="+", choices=arms, default=list(default))
    parser.add_argument("--out", type=Path, help="write all figures here as JSON, after each run")
    parser.add_argument("--cores", type=int, default=0, help="so many runs at once, a thread and a core each (Linux)")
    parser.add_argument("--one", choices=arms, help=argparse.SUPPRESS)
    return parser


def alternate(script: str, data: Path, arguments: argparse.Namespace) -> dict[str, list[Figures]]:
    """Run every arm once per seed, in turn, each by ``script`` in a process of its own.

    With ``--cores`` that many run side by side, so that what disturbs the machine disturbs all arms alike.
    """
    results: dict[str, list[Figures]] = {arm: [] for arm in arguments.arms}
    wanted = [(seed, arm) for seed in arguments.seeds for arm in arguments.arms]
    if arguments.peer_seeds is not None:
        wanted = [(seed, arm) for seed, arm in wanted if not arm.startswith("peer") or seed in arguments.peer_seeds]
    free: SimpleQueue[int | None] = SimpleQueue()
    for core in range(arguments.cores) if arguments.cores else [None]:
        free.put(core)

    def run(job: tuple[int, str]) -> Figures:
        seed, arm = job
        command = [sys.executable, script, "--data", str(data), "--one", arm, "--seeds", str(seed)]
        core = free.get()
        try:
            return {"seed": seed, **run_process(command, f"{arm}, seed {seed}", core)}
        finally:
            free.put(core)

    with ThreadPoolExecutor(free.qsize()) as pool:
        for (_, arm), figures in zip(wanted, pool.map(run, wanted), strict=True):
            results[arm].append(figures)
            write_results(arguments.out, results)
    return results


def run_process(command: Sequence[str], name: str, core: int | None = None) -> Figures:
    """The figures that ``command`` prints as JSON on its last line, run on one ``core`` alone if that is given.

    If it fails, so does the script.
    """
    alone = {} if core is None else {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command if core is None else ["taskset", "--cpu-list", str(core), *command],
        capture_output=True,
        text=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1", **alone},
        check=False,
    )
    if done.returncode:
        sys.exit(f"{name} failed:\n{done.stderr[-3000:]}")
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    shown = {k: round(v, 4) for k, v in figures.items() if isinstance(v, (int, float))}
    print(f"{name}: {shown}", file=sys.stderr, flush=True)
    return figures


def write_results(path: Path | None, results: Any) -> None:
    """Write ``results`` as JSON, if a path is given."""
    if path is not None:
        path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def epochs_of(arm: str) -> tuple[float | None, int | None]:
    """The number of epochs that the name of an arm ends with, as ``zoo-2-epochs`` does, and the size of its batches.

    ``zoo-1-epoch-of-8`` has batches of 8; what a name does not say is ``None``.
    """
    found = re.search(r"-([\d.]+)-epochs?(?:-of-(\d+))?$", arm)
    return (float(found[1]), int(found[2]) if found[2] else None) if found else (None, None)


def peer_flags(arm: str, batch_size: int) -> Figures:
    """The arguments of ``Trainer`` for an arm: those of the examples, or for ``peer-best`` the fastest on a CPU.

    Rate, warm-up and weight decay of ``peer-best`` are those of zoo's recipe. ``-validated`` ones do what zoo does
    after each epoch: they score the validation rows (``f1``), write a checkpoint, and end with the best one.
    """
    number, size = epochs_of(arm)
    epochs: Figures = {"num_train_epochs": number or 3, "save_strategy": "no"}
    if not arm.startswith("peer-best"):
        return epochs
    if "-validated" in arm:
        epochs |= {"eval_strategy": "epoch", "save_strategy": "epoch", "save_total_limit": 1}
        epochs |= {"load_best_model_at_end": True, "metric_for_best_model": "f1"}
    return epochs | {
        "per_device_train_batch_size": size or batch_size,
        "per_device_eval_batch_size": 32,
        "learning_rate": 1e-4,
        "warmup_steps": 0.1,
        "weight_decay": 0.01,
        "train_sampling_strategy": "group_by_length",
        "dataloader_pin_memory": False,
        "bf16": "-fp32" not in arm,
    }


def train_peer(trainer: Any) -> Figures:
    """Train and time a ``transformers.Trainer``: seconds of ``trainer.train()`` alone, and the share trained.

    It predicts in the order of the rows afterwards; grouping by length would order them by length.
    """
    wall, cpu = time.perf_counter(), time.process_time()
    trainer.train()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    trainer.args.train_sampling_strategy = "random"
    trainable = sum(p.numel() for p in trainer.model.parameters() if p.requires_grad)
    return {"wall": wall, "cpu": cpu, "trained": trainable / trainer.model.num_parameters()}


def zoo_settings(arm: str) -> Figures:
    """Settings of an arm of zoo: method, precision and epochs, and memory kept as the command line keeps it."""
    from taskzoo.engine.cpu import keep_memory

    keep_memory()
    epochs, size = epochs_of(arm)
    return {
        "method": arm if arm in ("lora", "full") else "auto",
        "precision": "fp32" if "-fp32" in arm else "auto",
        **({"epochs": epochs, "min_steps": 0} if epochs else {}),
        **({"batch_size": size} if size else {}),
    }


def zoo_figures(path: Path) -> tuple[Figures, list[dict[str, Any]]]:
    """What a finished run's training took, with its validation, and on how many rows; and its test predictions."""
    manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    with (path / "predictions.jsonl").open(encoding="utf-8") as lines:
        predictions = [json.loads(line) for line in lines]
    figures = {
        "wall": manifest["seconds"]["train_and_validate"],
        "cpu": manifest["seconds"]["train_and_validate_cpu"],
        "trained": manifest["model"]["trainable"] / manifest["model"]["parameters"],
        "rows": manifest["rows"]["train"],
    }
    return figures, predictions


def peak_mib() -> float:
    """Peak resident memory of this process in MiB."""
    peak: int = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def summarise(results: Mapping[str, Sequence[Figures]], quality: Mapping[str, str]) -> str:
    """A Markdown table: means over seeds with 95% t-intervals, and ratios to ``peer`` paired by seed.

    Below it is, for each arm of zoo against each peer, how many times as fast it is and how much memory it takes.

    Args:
        results: arm -> one set of figures per seed.
        quality: key of a score in the figures -> head of its column.
    """
    heads = ["arm", "seeds", *quality.values(), *TABLE_END]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    peers = {run["seed"]: run for run in results.get("peer", [])}
    for arm, runs in results.items():
        if not runs:
            continue
        pairs = [(peers[run["seed"]], run) for run in runs if run["seed"] in peers]
        cells = [
            arm,
            str(len(runs)),
            *(mean_interval([run[key] for run in runs]) for key in quality),
            *(f"{statistics.mean(run[key] for run in runs):.0f}" for key in ("wall", "cpu", "peak_mib")),
            f"{runs[0]['trained']:.1%}",
            *(f"{statistics.mean(p[k] / r[k] for p, r in pairs):.2f}" if pairs else "–" for k in ("wall", "cpu")),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", *comparisons(results)])


def comparisons(results: Mapping[str, Sequence[Figures]]) -> list[str]:
    """For each arm and each peer a line with the ratios of the seeds that both have."""
    lines = []
    for peer in (arm for arm in results if arm.startswith("peer")):
        theirs = {run["seed"]: run for run in results[peer]}
        for arm in (arm for arm in results if not arm.startswith("peer")):
            pairs = [(theirs[run["seed"]], run) for run in results[arm] if run["seed"] in theirs]
            if not pairs:
                continue
            wall, cpu = ([f"{them[key] / us[key]:.2f}" for them, us in pairs] for key in ("wall", "cpu"))
            memory = [f"{us['peak_mib'] / them['peak_mib']:.2f}" for them, us in pairs]
            times = f"{' '.join(wall)} times as fast, by CPU time {' '.join(cpu)}"
            lines.append(f"{arm} and {peer}: {times}; memory {' '.join(memory)}")
    return lines


def lines_of(path: Path, names: Sequence[str]) -> list[dict[str, str]]:
    """The lines of a CSV file of results, none if there is no file; an older form of it ends the program."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if missing := [name for name in names if name not in (reader.fieldnames or ())]:
            raise SystemExit(f"{path} has no column {missing[0]!r}: it was made by an earlier script; name a new file.")
        return list(reader)


def mean_interval(values: Sequence[float]) -> str:
    """``mean ± half-width`` of the 95% t-interval over seeds."""
    mean = statistics.mean(values)
    return f"{mean:.3f}" if len(values) < 2 else f"{mean:.3f} ± {half_width(values):.3f}"


def half_width(values: Sequence[float]) -> float:
    """Half the width of the 95% t-interval of the mean of two values or more."""
    from scipy.stats import t

    return float(t.ppf(0.975, len(values) - 1) * statistics.stdev(values) / len(values) ** 0.5)
