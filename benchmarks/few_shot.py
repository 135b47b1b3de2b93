"""Few labelled texts: every way of training that zoo offers, its baseline, and SetFit, on the same rows.

    python benchmarks/few_shot.py --data FOLDER --shots 8 16 64 --seeds 1 2 3 [--setfit-python PATH] [--out F]

FOLDER is as for ``classification.py``. For every seed the script draws N rows of each class (all, where a class has
fewer) and gives these and nothing else to every arm, each in a process of its own; arms with ``+unlabelled`` are given
the texts of all other training rows as well, without labels. All are scored by the same code on all test rows. The time
is that of training: for SetFit ``trainer.train()``, which fits its classifier as well.

``--setfit-python`` names the Python of an environment that has the library ``setfit`` (Tunstall et al. 2022). SetFit
runs with its defaults but for one: by default it draws a different-class pair for every two rows, which grows with the
square of their number (8 rows of 77 classes: 23,408 steps). So 20 pairs of each kind are drawn per row
(``--setfit-iterations``), as in the paper and by the library itself before version 1.0; 0 takes its present default.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from common import Figures, mean_interval, peak_mib, run_process, write_results, zoo_figures
from texts import Texts, at_most, choose_shots, read_folder, score

MODEL = "minilm"
NAMES = {"label_names": True}  # the labels' names are learnt as texts too, one more for every class
UNLABELLED = "+unlabelled"
LONGER = {"method": "full", "pooling": "unit-mean", "probe_first": True, "epochs": 20, "learning_rate": 2e-4}
METHODS: dict[str, dict[str, Any]] = {
    "full": {"method": "full"},
    "full-longer": LONGER,
    "lora": {"method": "lora"},
    "linear-probe": {"method": "linear-probe"},
    "contrastive": {"method": "contrastive"},
    "full-longer+names": {**LONGER, **NAMES},
    "linear-probe+names": {"method": "linear-probe", **NAMES},
    "contrastive+names": {"method": "contrastive", **NAMES},
    "linear-probe+unlabelled": {"method": "linear-probe"},
    "linear-probe+names+unlabelled": {"method": "linear-probe", **NAMES},
    "contrastive+names+unlabelled": {"method": "contrastive", **NAMES},
}
ARMS = ("baseline", *METHODS, "setfit")


def run_zoo(
    arm: str, train: Texts, test: Texts, job: dict[str, Any], seed: int, folder: Path
) -> tuple[Figures, list[str]]:
    """``taskzoo.finetune`` with the recipe's defaults and the settings of ``arm``.

    The job's ``rest`` are unlabelled texts. Its ``shots`` leave the rows as they are; they say that labels are scarce,
    so that none are held out for validation.
    """
    import taskzoo

    texts, labels = zip(*train, strict=True)
    test_texts, test_labels = zip(*test, strict=True)
    run = taskzoo.finetune(
        "classification",
        model=MODEL,
        seed=seed,
        shots=job["shots"],
        output=folder / "run",
        train=(texts, labels),
        test=(test_texts, test_labels),
        unlabelled=job["rest"] if UNLABELLED in arm else None,
        **METHODS[arm],
    )
    figures, rows = zoo_figures(run.path)
    names = len(set(labels)) if METHODS[arm].get("label_names") else 0
    if figures["rows"] != len(train) + names or [row["reference"]["label"] for row in rows] != list(test_labels):
        sys.exit("The run's rows are not those that were given.")
    return figures, [row["label"] for row in rows]


def run_baseline(train: Texts, test: Texts, seed: int) -> tuple[Figures, list[str]]:
    """The task's own baseline, fitted on the same rows."""
    from taskzoo import registry
    from taskzoo.runs.data import memory_rows

    spec = registry.task("classification")
    task: Any = registry.load_task("classification")(spec.resolve_options({}))

    def prepare(pairs: Texts, split: str) -> Any:
        texts, labels = zip(*pairs, strict=True)
        return task.prepare(memory_rows(spec, task, (texts, labels)), split)

    rows = {"train": prepare(train, "train"), "test": prepare(test, "test")}
    task.fit(rows["train"])
    wall, cpu = time.perf_counter(), time.process_time()
    predict = task.baseline(rows["train"], seed)
    figures = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    return figures, [prediction["label"] for prediction in predict(rows["test"])]


def run_setfit(
    checkpoint: str, train: Texts, test: Texts, seed: int, iterations: int, folder: Path
) -> tuple[Figures, list[str]]:
    """``setfit.Trainer`` with its defaults; ``iterations`` bounds the pairs per row (0: the default sampling)."""
    from datasets import Dataset
    from setfit import SetFitModel, Trainer, TrainingArguments

    labels = sorted({label for _, label in train})
    ids = [labels.index(label) for _, label in train]
    model = SetFitModel.from_pretrained(checkpoint, labels=labels)
    arguments = TrainingArguments(
        output_dir=str(folder),
        seed=seed,
        num_iterations=iterations or None,
        save_strategy="no",
        report_to="none",
        show_progress_bar=False,
    )
    rows = Dataset.from_dict({"text": [text for text, _ in train], "label": ids})
    trainer = Trainer(model=model, args=arguments, train_dataset=rows)
    wall, cpu = time.perf_counter(), time.process_time()
    trainer.train()
    figures = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    return figures, list(model.predict([text for text, _ in test], show_progress_bar=False))


def run_arm(arm: str, job: dict[str, Any]) -> Figures:
    """Train and score one arm in this process."""
    train, test = ([(text, label) for text, label in job[name]] for name in ("train", "test"))
    seed = job["seed"]
    with tempfile.TemporaryDirectory() as folder:
        if arm == "setfit":
            figures, predicted = run_setfit(
                job["checkpoint"], train, test, seed, job["setfit_iterations"], Path(folder)
            )
        elif arm == "baseline":
            figures, predicted = run_baseline(train, test, seed)
        else:
            figures, predicted = run_zoo(arm, train, test, job, seed, Path(folder))
    return {**figures, **score(predicted, [label for _, label in test]), "peak_mib": peak_mib()}


def summarise(results: list[Figures]) -> str:
    """A Markdown table: one line per number of shots and arm, means over seeds with 95% t-intervals."""
    groups: dict[tuple[int, str], list[Figures]] = defaultdict(list)
    for run in results:
        groups[run["shots"], run["arm"]].append(run)
    heads = ["shots", "arm", "seeds", "accuracy", "macro F1", "train wall s", "train CPU s", "peak MiB"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for (shots, arm), runs in groups.items():
        scores = [mean_interval([run[key] for run in runs]) for key in ("accuracy", "f1_macro")]
        costs = [f"{sum(run[key] for run in runs) / len(runs):.0f}" for key in ("wall", "cpu", "peak_mib")]
        lines.append(f"| {' | '.join([str(shots), arm, str(len(runs)), *scores, *costs])} |")
    return "\n".join(lines)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of BANKING77 or of the sentence polarity data")
    parser.add_argument("--shots", type=int, nargs="+", default=[8, 16, 64], help="training rows per class")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--arms", nargs="+", choices=ARMS, help="default: all, SetFit if its Python is given")
    parser.add_argument("--setfit-python", help="Python of an environment with the library setfit")
    parser.add_argument("--setfit-iterations", type=int, default=20, help="pairs of each kind per row (0: all)")
    parser.add_argument("--out", type=Path, help="write all figures here as JSON, after each run")
    parser.add_argument("--limit", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--one", nargs=2, metavar=("ARM", "JOB"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        arm, job = arguments.one
        print(json.dumps(run_arm(arm, json.loads(Path(job).read_text(encoding="utf-8")))))
        return
    arms = arguments.arms or [arm for arm in ARMS if arm != "setfit" or arguments.setfit_python]
    if arguments.data is None or ("setfit" in arms and not arguments.setfit_python):
        parser.error("--data is required, and --setfit-python for the arm setfit")

    from taskzoo import registry

    checkpoint = str(registry.model_path(registry.model(MODEL)))
    splits = read_folder(arguments.data)
    test = at_most(splits["test"], arguments.limit)
    results: list[Figures] = []
    with tempfile.TemporaryDirectory() as folder:
        job = Path(folder) / "job.json"
        for shots in arguments.shots:
            for seed in arguments.seeds:
                train = at_most(choose_shots(splits["train"], shots, seed=seed), arguments.limit)
                content = {
                    "checkpoint": checkpoint,
                    "setfit_iterations": arguments.setfit_iterations,
                    "shots": shots,
                    "seed": seed,
                    "train": train,
                    "test": test,
                    "rest": sorted({text for text, _ in splits["train"]} - {text for text, _ in train}),
                }
                job.write_text(json.dumps(content), encoding="utf-8")
                for arm in arms:
                    python = arguments.setfit_python if arm == "setfit" else sys.executable
                    figures = run_process(
                        [python, __file__, "--one", arm, str(job)], f"{shots} shots, {arm}, seed {seed}"
                    )
                    results.append({"shots": shots, "arm": arm, "seed": seed, **figures, "rows": len(train)})
                    write_results(arguments.out, results)
    print(summarise(results))


if __name__ == "__main__":
    main()
