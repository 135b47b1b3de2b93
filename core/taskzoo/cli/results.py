"""What a person sees at the end of a run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskzoo.errors import Interrupted
from taskzoo.escapes import visible

if TYPE_CHECKING:
    from taskzoo.spec import TaskSpec

MOST_LABELS = 40
"""More labels than this are not listed on the terminal."""


@contextmanager
def explain_interrupt(path: str | Path) -> Iterator[None]:
    """Add to an interruption how to resume the run, if there is one already."""
    try:
        yield
    except (Interrupted, KeyboardInterrupt) as error:
        if not (Path(path) / "manifest.json").is_file():
            raise
        said = str(error) or "Stopped outside of training."
        raise Interrupted(f"{said} Resume it with: zoo resume {path}") from None


def show_result(path: Path, spec: TaskSpec, *, as_json: bool) -> None:
    """Print the metrics of the finished run in ``path``: JSON, or a table and what can be done next."""
    from taskzoo.runs.directory import RunDirectory, read_json
    from taskzoo.runs.verdict import VERDICT
    from taskzoo.runs.wording import best_step, method_notes

    from .output import print_json

    directory = RunDirectory(path)
    manifest, metrics = directory.read_manifest(), read_json(directory.metrics)
    seconds = manifest["seconds"]
    if as_json:
        print_json({"run": str(path), "seconds": seconds, "metrics": metrics})
        return
    print()
    print_scores(metrics, metrics[VERDICT])
    for note in method_notes(manifest):
        print(f"\n{note}")
    print(
        f"\nTrained {manifest['steps']} step{'s' * (manifest['steps'] != 1)} in {seconds['train']:.0f} s "
        f"({manifest['tokens_per_second']:.0f} tokens/s){best_step(manifest)}; "
        f"evaluated in {seconds['evaluate']:.0f} s.\n"
        f"Run       {path}\n"
        f"Predict   zoo predict {path} {example_input(spec)}\n"
        f"Evaluate  zoo eval {path} --data FILE"
    )


def example_input(spec: TaskSpec) -> str:
    """What follows ``zoo predict RUN``: a text, or JSON for a task that needs several columns."""
    needed = [role for role, column in spec.columns.items() if column.required and not column.target]
    if needed in ([], [spec.input_role]):
        return '"some text"'
    return f"--json '{json.dumps(dict.fromkeys(needed, '...'))}'"


def print_scores(metrics: dict[str, Any], verdict: Sequence[str]) -> None:
    """What is wrong with the model, a table of scores with 95% intervals, a column per split, and a line per label."""
    from taskzoo.runs.wording import format_score, result_notes, score_columns, score_names

    from .output import print_table

    notes = result_notes(metrics)
    metrics = score_columns(metrics)
    splits = list(metrics)
    for sentence in verdict:
        print(f"{visible(sentence)}\n")
    if not splits:
        print("No split to evaluate on.")
        return
    rows = [[name, *(format_score(metrics[split], name) for split in splits)] for name in score_names(metrics)]
    print_table(["score", *(f"{split} ({metrics[split]['rows']} rows)" for split in splits)], rows)
    for note in notes:
        print(f"\n{visible(note)}")
    split = next(name for name in reversed(splits) if not name.startswith("baseline"))
    labels = metrics[split].get("per_type") or metrics[split].get("per_label") or {}
    if len(labels) > MOST_LABELS:
        print(f"\nScores of {len(labels)} labels are in metrics.json.")
    elif labels:
        print()
        rows = [
            [k, *(f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values())] for k, row in labels.items()
        ]
        print_table([split, *next(iter(labels.values()))], rows)
