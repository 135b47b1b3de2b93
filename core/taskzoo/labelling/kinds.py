"""Which kind of labels a task has, by the targets of its loss, and how those of all rows are checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from taskzoo.errors import RequestError
from taskzoo.task import Task
from taskzoo.types import Example

from .entities import check_entities
from .given import BinaryLabels, Checked, ClassLabels, GivenLabel, NumberLabels
from .noise import least_cost
from .out_of_fold import OutOfFold, row_means

QUANTILES = 200
ALONE = "the only rows of their label, which no other row can check"


def check_kind(task: Task, examples: Sequence[Example], found: OutOfFold) -> Checked:
    """The labels of ``examples``, beside what the probe says of them.

    Raises:
        RequestError: they are neither classes, several labels, numbers nor entities.
    """
    if task.token_target:
        return check_entities(task, examples, found)
    targets = next(iter(found.targets.values())) if len(found.targets) == 1 else np.zeros(0)
    first = np.searchsorted(found.rows, np.arange(len(examples)))  # of the windows of a row, which have one target
    logits, outputs = row_means(found.logits, found.rows, len(examples)), found.logits.shape[1]
    integers = np.issubdtype(targets.dtype, np.integer)
    if targets.shape == found.rows.shape and integers and outputs > 1:
        return _classes(logits, targets[first], found)
    if targets.shape == found.logits.shape and set(np.unique(targets)) <= {0.0, 1.0} and not integers:
        return _several(logits, targets[first], found)
    if targets.shape == found.rows.shape and not integers and outputs == 1:
        return _numbers(task, examples, logits[:, 0], targets[first])
    raise RequestError(
        f"Labels of {task.spec.id!r} cannot be checked: its loss compares other things than one class, several labels, "
        "a number or the tags of words with the outputs of one layer."
    )


def _classes(logits: np.ndarray, given: np.ndarray, found: OutOfFold) -> Checked:
    outputs = logits.shape[1]
    in_folds = [set(found.folds[given == i].tolist()) for i in range(outputs)]
    places = np.array(
        [i for i, target in enumerate(given) if target >= 0 and len(in_folds[target]) > 1], dtype=np.int64
    )
    logits, given = logits[places].astype(np.float64), given[places]
    counts = np.bincount(given, minlength=outputs) + 1
    likely = logits.argmax(1)
    labels = [
        GivenLabel(row, _name(found, a), _name(found, b))
        for row, a, b in zip(places.tolist(), given.tolist(), likely.tolist(), strict=True)
    ]
    parts = ClassLabels(logits, given, (counts / counts.sum())[given])
    alone = len(found.folds) - len(places)
    return Checked("label", labels, parts, _same, int((likely == given).sum()), {ALONE: alone} if alone else {})


def _several(logits: np.ndarray, given: np.ndarray, found: OutOfFold) -> Checked:
    rows, outputs = logits.shape
    shares = (given.sum(0) + 1) / (rows + 2)
    has, likely = given > 0, logits > 0
    frequent = np.where(has, shares, 1 - shares)
    names = [_name(found, i) for i in range(outputs)]
    labels = [
        GivenLabel(row, *_with_or_without(names[i], bool(has[row, i]), bool(likely[row, i])))
        for row in range(rows)
        for i in range(outputs)
    ]
    signed = np.where(has, logits, -logits).astype(np.float64)
    parts = BinaryLabels(signed.ravel(), frequent.ravel())
    return Checked("decision", labels, parts, _same, int((has == likely).sum()), {})


def _with_or_without(name: str, given: bool, likely: bool) -> tuple[str, str, str]:
    problem = "" if given == likely else "not this label" if given else "missing label"
    return (name if given else f"not {name}"), (name if likely else f"not {name}"), problem


def _numbers(task: Task, examples: Sequence[Example], predicted: np.ndarray, given: np.ndarray) -> Checked:
    from scipy.stats import gaussian_kde

    shown = [_number(reference) for reference in task.references(examples)]
    deviation = max(float(given.std()), 1e-9)
    scale = float(np.std(shown)) / deviation  # from the numbers of the loss to those of people
    likely = np.mean(shown) + scale * (predicted - given.mean())
    labels = [GivenLabel(row, f"{a:g}", f"{b:.4g}") for row, (a, b) in enumerate(zip(shown, likely, strict=True))]
    usual = np.quantile(given, (np.arange(QUANTILES) + 0.5) / QUANTILES) / deviation
    known = (given / deviation, predicted / deviation, np.asarray(gaussian_kde(given)(given)) * deviation)
    parts = min(NumberLabels(*known), NumberLabels(*known, usual), key=least_cost)
    return Checked("number", labels, parts, _same, 0, {})


def _number(reference: dict[str, Any]) -> float:
    numbers = [value for value in reference.values() if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) != 1:
        raise RequestError("These labels cannot be checked: a row has not one number each.")
    return float(numbers[0])


def _name(found: OutOfFold, output: int) -> str:
    return found.labels[output] if found.labels else str(output)


def _same(chances: np.ndarray) -> np.ndarray:
    return chances
