"""Which kind of labels a task has, by the targets of its loss, and how those of all rows are checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from taskzoo.errors import RequestError
from taskzoo.task import Task
from taskzoo.types import Example

from .entities import check_entities
from .given import ALONE, BinaryLabels, Checked, ClassLabels, GivenLabel, NumberLabels, in_one_fold
from .noise import least_cost
from .out_of_fold import OutOfFold, row_means

QUANTILES = 200
MOST_KERNELS, FINE = 2000, 20
"""Numbers whose density is computed from each of them; of more, points of a grid for the width of a kernel."""


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
    alone = in_one_fold(given, found.folds, outputs)
    places = np.flatnonzero((given >= 0) & ~alone[given])
    logits, given = logits[places].astype(np.float64), given[places]
    counts = np.bincount(given, minlength=outputs) + 1
    likely = logits.argmax(1)
    labels = [
        GivenLabel(row, _name(found, a), _name(found, b))
        for row, a, b in zip(places.tolist(), given.tolist(), likely.tolist(), strict=True)
    ]
    parts = ClassLabels(logits, given, (counts / counts.sum())[given])
    return Checked("label", labels, parts, _same, int((likely == given).sum()), _left(len(found.folds) - len(places)))


def _several(logits: np.ndarray, given: np.ndarray, found: OutOfFold) -> Checked:
    rows, outputs = logits.shape
    shares = (given.sum(0) + 1) / (rows + 2)
    has, likely = given > 0, logits > 0
    frequent = np.where(has, shares, 1 - shares)
    names = [_name(found, i) for i in range(outputs)]
    alone = np.stack([in_one_fold(column.astype(np.int64), found.folds, 2) for column in has.T])  # [L, no or yes]
    kept = ~alone[np.arange(outputs), has.astype(np.int64)]  # [N, L]
    labels = [
        GivenLabel(row, *_with_or_without(names[i], bool(has[row, i]), bool(likely[row, i])))
        for row, i in np.argwhere(kept).tolist()
    ]
    signed = np.where(has, logits, -logits).astype(np.float64)
    parts = BinaryLabels(signed[kept], frequent[kept])
    agreeing = int((has == likely)[kept].sum())
    return Checked("decision", labels, parts, _same, agreeing, _left(rows * outputs - len(labels)))


def _left(alone: int) -> dict[str, int]:
    return {ALONE: alone} if alone else {}


def _with_or_without(name: str, given: bool, likely: bool) -> tuple[str, str, str]:
    problem = "" if given == likely else "not this label" if given else "missing label"
    return (name if given else f"not {name}"), (name if likely else f"not {name}"), problem


def _numbers(task: Task, examples: Sequence[Example], predicted: np.ndarray, given: np.ndarray) -> Checked:
    shown = [_number(reference) for reference in task.references(examples)]
    deviation = max(float(given.std()), 1e-9)
    scale = float(np.std(shown)) / deviation  # from the numbers of the loss to those of people
    likely = np.mean(shown) + scale * (predicted - given.mean())
    labels = [GivenLabel(row, f"{a:g}", f"{b:.4g}") for row, (a, b) in enumerate(zip(shown, likely, strict=True))]
    usual = np.quantile(given, (np.arange(QUANTILES) + 0.5) / QUANTILES) / deviation
    known = (given / deviation, predicted / deviation, density_of(given) * deviation)
    parts = min(NumberLabels(*known), NumberLabels(*known, usual), key=least_cost)
    return Checked("number", labels, parts, _same, 0, {})


def density_of(given: np.ndarray) -> np.ndarray:
    """The density of ``given`` at each of them, ``[M]``, by normal kernels of the width that Scott (1992) proposes.

    More than :data:`MOST_KERNELS` numbers are counted on a grid, with :data:`FINE` points for the width of a kernel.
    """
    from scipy.signal import fftconvolve
    from scipy.stats import gaussian_kde

    if len(given) <= MOST_KERNELS:
        return np.asarray(gaussian_kde(given)(given))
    step = float(given.std(ddof=1)) * len(given) ** -0.2 / FINE
    places = (given - given.min()) / step
    before = places.astype(np.int64)
    counts = np.bincount(before, 1 - (places - before), minlength=before.max() + 2)
    counts[1:] += np.bincount(before, places - before, minlength=before.max() + 1)
    kernel = np.exp(-0.5 * (np.arange(-5 * FINE, 5 * FINE + 1) / FINE) ** 2)
    smooth = fftconvolve(counts, kernel, mode="full")[5 * FINE : 5 * FINE + len(counts)]
    found = np.interp(places, np.arange(len(counts)), smooth)
    return np.asarray(found / (len(given) * kernel.sum() * step))


def _number(reference: dict[str, Any]) -> float:
    numbers = [value for value in reference.values() if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) != 1:
        raise RequestError("These labels cannot be checked: a row has not one number each.")
    return float(numbers[0])


def _name(found: OutOfFold, output: int) -> str:
    return found.labels[output] if found.labels else str(output)


def _same(chances: np.ndarray) -> np.ndarray:
    return chances
