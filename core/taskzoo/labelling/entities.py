"""Given entities, and those that a probe finds beside them: wrong types, wrong borders, missing ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from taskzoo.errors import RequestError
from taskzoo.task import Task
from taskzoo.types import Example

from .given import ALONE, Checked, ClassLabels, GivenLabel, in_one_fold
from .out_of_fold import OutOfFold

UNREAD = "rows with a word that has no token or no known tag"


class Span(NamedTuple):
    """Words ``start`` to ``end``, exclusive, with their type."""

    start: int
    end: int
    label: str


def check_entities(task: Task, examples: Sequence[Example], found: OutOfFold) -> Checked:
    """One label for every entity that is given or likely; those that share words are one.

    How likely a label is comes from its words: it is as likely to be wrong as the likeliest of them.

    Raises:
        RequestError: the task's predictions and references have no tags of words.
    """
    references = task.references(examples)
    if not all(
        {"tags", "tokens"} <= p.keys() and "tags" in r for p, r in zip(found.predictions, references, strict=True)
    ):
        raise RequestError(
            f"Labels of {task.spec.id!r} cannot be checked word by word: its predictions have no tokens with tags."
        )
    ids = {name: i for i, name in enumerate(found.labels)}
    starts = np.searchsorted(found.rows, np.arange(len(examples) + 1))
    targets, outputs = found.targets[task.token_target], found.logits.shape[1]
    alone = in_one_fold(targets, found.folds[found.rows], outputs)[targets]
    words: list[int] = []  # places of the words of all labels
    sizes: list[int] = []  # how many each has
    labels: list[GivenLabel] = []
    agreeing = unread = unseen = 0
    for row, (prediction, reference) in enumerate(zip(found.predictions, references, strict=True)):
        tags, likely, tokens = reference["tags"], prediction["tags"], prediction["tokens"]
        if len(tags) != starts[row + 1] - starts[row] or len(likely) != len(tags) or not set(tags) <= ids.keys():
            unread += 1
            continue
        for given, other in groups_of(spans_of(tags), spans_of(likely)):
            first, last = min(s.start for s in (*given, *other)), max(s.end for s in (*given, *other))
            start, end = int(starts[row]) + first, int(starts[row]) + last
            if alone[start:end].any():
                unseen += 1
                continue
            words += range(start, end)
            sizes.append(last - first)
            problem = problem_of(given, other)
            agreeing += not problem
            labels.append(GivenLabel(row, _shown(given, tokens), _shown(other, tokens), problem, (first, last)))
    counts = np.bincount(targets, minlength=outputs) + 1
    place = np.cumsum(~alone) - 1  # among the words that are judged
    logits, given = found.logits[~alone].astype(np.float64), targets[~alone]
    parts = ClassLabels(logits, given, (counts / counts.sum())[given])
    words = place[words].tolist() if words else []
    ends = np.cumsum([0, *sizes])[:-1]

    def pool(chances: np.ndarray) -> np.ndarray:
        return np.maximum.reduceat(chances[words], ends) if labels else np.zeros(0)

    unchecked = {why: number for why, number in ((UNREAD, unread), (ALONE, unseen)) if number}
    return Checked("entity", labels, parts, pool, agreeing, unchecked)


def spans_of(tags: Sequence[str]) -> list[Span]:
    """The entities of one row in IOB2; an ``I-X`` that continues nothing begins one."""
    spans: list[Span] = []
    for place, tag in enumerate(tags):
        prefix, _, label = tag.partition("-")
        if prefix == "I" and spans and spans[-1].end == place and spans[-1].label == label:
            spans[-1] = spans[-1]._replace(end=place + 1)
        elif prefix in ("B", "I"):
            spans.append(Span(place, place + 1, label))
    return spans


def groups_of(given: Sequence[Span], likely: Sequence[Span]) -> list[tuple[list[Span], list[Span]]]:
    """Entities that share words, given ones and likely ones apart."""
    groups: list[tuple[list[Span], list[Span]]] = []
    end = 0
    for span, side in sorted([*((span, 0) for span in given), *((span, 1) for span in likely)]):
        if span.start >= end:
            groups.append(([], []))
        groups[-1][side].append(span)
        end = max(end, span.end)
    return groups


def problem_of(given: Sequence[Span], likely: Sequence[Span]) -> str:
    """How given and likely entities differ that share words; ``""``: not at all."""
    if list(given) == list(likely):
        return ""
    if not given or not likely:
        return "no entity" if given else "missing entity"
    if [span[:2] for span in given] == [span[:2] for span in likely]:
        return "other type"
    return "other border" if {s.label for s in given} == {s.label for s in likely} else "other border and type"


def _shown(spans: Sequence[Span], tokens: Sequence[str]) -> str:
    return "; ".join(f"{' '.join(tokens[span.start : span.end])} [{span.label}]" for span in spans) or "-"
