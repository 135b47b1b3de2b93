"""Labels that look wrong, of all training rows of a plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from taskzoo.engine.progress import Reporter, Silent
from taskzoo.runs.plan import Plan
from taskzoo.runs.scored_rows import inputs
from taskzoo.types import Example, Prediction, Row, public

from .conflicts import MOST_COMPARED, find_conflicts
from .given import Checked
from .kinds import check_kind
from .label_choices import choices_of
from .label_report import Alike, LabelReport, Suspect
from .noise import Noise, fit_noise
from .out_of_fold import OutOfFold, out_of_fold
from .text_key import text_key

SIZES = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
"""How many suspects the precision is estimated for, as far as there may be that many wrong labels."""
FOLDS, COUNT = 5, 20


def check_labels(
    plan: Plan,
    *,
    folds: int = FOLDS,
    count: int = COUNT,
    reporter: Reporter | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> LabelReport:
    """Check the labels of all training rows by probes that have not seen them.

    Args:
        plan: as :func:`~taskzoo.labelling.label_plan.make_label_plan` makes it.
        folds: how many probes there are, each fitted without a part of the rows.
        count: how many suspects are given.
        reporter: where progress is shown.
        stop: asked whether to stop.

    Raises:
        RequestError: too few rows, or labels that cannot be checked.
        Interrupted: stopped on request.
    """
    examples = plan.splits.examples["train"]
    found = out_of_fold(plan, folds, reporter or Silent(), stop)
    checked = check_kind(plan.task, examples, found)
    noise = fit_noise(checked.parts, checked.pool, seed=plan.config.training.seed)
    order = np.argsort(-noise.chances, kind="stable")
    sizes = [size for size in SIZES if size <= min(len(order), max(2 * noise.wrong[2], SIZES[1]))]
    if 0 < count <= len(order):
        sizes = sorted({*sizes, count})
    return LabelReport(
        checked.unit,
        len(examples),
        len(checked.labels),
        checked.agreeing / max(1, len(checked.labels)) if checked.unit != "number" else None,
        noise.wrong,
        _suspects(plan, found, checked, noise, order[:count].tolist()),
        dict(zip(sizes, noise.precisions(order, sizes), strict=True)),
        _alike(plan, found.vectors, compared=checked.unit != "number"),
        _notes(checked, examples),
        choices_of(found.labels) if checked.unit != "number" else [],
    )


def _suspects(plan: Plan, found: OutOfFold, checked: Checked, noise: Noise, order: Sequence[int]) -> list[Suspect]:
    examples = plan.splits.examples["train"]
    suspects = []
    for rank, place in enumerate(order, 1):
        label = checked.labels[place]
        example, prediction = examples[label.row], public(found.predictions[label.row])
        row, text = _row(plan, example, prediction), plan.task.dedup_key(example)[0]
        chance = float(noise.chances[place])
        judged = (label.given, label.likely, label.problem)
        suspects.append(Suspect(rank, chance, label.row, row, text, *judged, prediction))
    return suspects


def _row(plan: Plan, example: Example, prediction: Prediction) -> Row:
    """The example by the roles of its task, as far as it keeps them."""
    kept = {role: example[role] for role in plan.spec.columns if example.get(role) is not None}
    return Row({**inputs(plan.spec, prediction), **kept}, example.source, example.line)


def _alike(plan: Plan, vectors: np.ndarray | None, *, compared: bool) -> list[Alike]:
    examples = plan.splits.examples["train"]
    pairs = [plan.task.dedup_key(example) for example in examples] if compared else []
    conflicts = find_conflicts([text_key(given) for given, _ in pairs], [target for _, target in pairs], vectors)
    return [
        Alike(one.similarity, tuple((examples[row].source, examples[row].line, *pairs[row]) for row in one.rows))
        for one in conflicts
    ]


def _notes(checked: Checked, examples: Sequence[Example]) -> list[str]:
    notes = [f"{number:,} not checked: {why}" for why, number in checked.unchecked.items()]
    if len(examples) > MOST_COMPARED:
        notes.append(f"of more than {MOST_COMPARED:,} texts, near-duplicates are those that differ in punctuation only")
    return notes
