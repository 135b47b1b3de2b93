"""Which labels, or numbers, each split has, and how much splits differ in them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from taskzoo.data.odd_names import odd_names
from taskzoo.errors import shown
from taskzoo.task import Task
from taskzoo.types import Example, Prediction

_SURE, _MUCH, _SHOWN = 4.0, 0.05, 5
"""Deviations and difference of shares from which a shift is reported; labels that are named."""


def count_labels(task: Task, examples: Mapping[str, Sequence[Example]]) -> dict[str, dict[str, int]]:
    """Label -> split -> how often it occurs there, the most frequent first; empty for a task without labels."""
    counts = {split: Counter(_labels_of(task, rows)) for split, rows in examples.items()}
    total = sum(counts.values(), Counter())
    return {name: {split: found[name] for split, found in counts.items()} for name, _ in total.most_common()}


def sum_up_numbers(task: Task, examples: Mapping[str, Sequence[Example]]) -> dict[str, dict[str, float]]:
    """Split -> least, mean and greatest number that is to be predicted; empty for a task without numbers."""
    found = {}
    for split, rows in examples.items():
        values = [float(reference["value"]) for reference in task.references(rows) if "value" in reference]
        if values:
            found[split] = {"least": min(values), "mean": math.fsum(values) / len(values), "greatest": max(values)}
    return found


def label_notes(labels: Mapping[str, Mapping[str, int]], splits: Collection[str]) -> list[str]:
    """What a person should know of the labels, a sentence each.

    Args:
        labels: label -> split -> how often it occurs.
        splits: those there are.
    """
    notes = odd_names({name: sum(counts.values()) for name, counts in labels.items()})
    once = [name for name, counts in labels.items() if counts.get("train") == 1]
    if once:
        notes.append(f"train: {_named(once)} once only")
    for split in splits:
        if split == "train":
            continue
        absent = [name for name, counts in labels.items() if counts["train"] and not counts[split]]
        if absent:
            notes.append(f"{split}: {_named(absent)} not at all, of {len(labels)} labels")
        notes += _shift(split, labels)
    return notes


def suspicious_labels(task: Task, examples: Sequence[Example]) -> list[str]:
    """The first sentences on labels of training rows that are hardly meant, such as ``nan``."""
    return odd_names(Counter(_labels_of(task, examples)))[:_SHOWN]


def shared_targets(task: Task, examples: Mapping[str, Sequence[Example]]) -> dict[str, int]:
    """Split -> its rows whose target, a text, is also one of a training row; empty for a task without such targets."""
    if not task.generates or "train" not in examples:
        return {}
    known = {task.dedup_key(example)[1] for example in examples["train"]}
    others = {split: rows for split, rows in examples.items() if split != "train"}
    return {split: sum(task.dedup_key(row)[1] in known for row in rows) for split, rows in others.items()}


def _shift(split: str, labels: Mapping[str, Mapping[str, int]]) -> list[str]:
    """The labels whose share of all labels of a split differs from that in train by more than chance."""
    totals = {name: max(1, sum(counts[name] for counts in labels.values())) for name in ("train", split)}
    found = []
    for name, counts in labels.items():
        shares = {where: counts[where] / total for where, total in totals.items()}
        pooled = (counts["train"] + counts[split]) / sum(totals.values())
        deviation = math.sqrt(pooled * (1 - pooled) * sum(1 / total for total in totals.values()))
        difference = abs(shares["train"] - shares[split])
        if difference >= _MUCH and difference > _SURE * deviation:
            found.append((difference, f"{shown(name)} {shares[split]:.1%} and {shares['train']:.1%} in train"))
    listed = [text for _, text in sorted(found, reverse=True)[:_SHOWN]]
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return [f"{split}: labels are shared out differently: {'; '.join(listed)}{more}"] if found else []


def _labels_of(task: Task, examples: Sequence[Example]) -> list[str]:
    found = [name for reference in task.references(examples) for name in _named_in(reference)]
    return found or [str(name) for example in examples for name in task.classes(example)]


def _named_in(reference: Prediction) -> list[str]:
    """The labels of a reference: one, several, or those of its entities."""
    if isinstance(label := reference.get("label"), str):
        return [label]
    if isinstance(labels := reference.get("labels"), list):
        return [label for label in labels if isinstance(label, str)]
    entities: Any = reference.get("entities")
    return [str(entity["label"]) for entity in entities if "label" in entity] if isinstance(entities, list) else []


def _named(names: Sequence[str]) -> str:
    """``the label 'a' occurs``, ``'a', 'b' and 3 more labels occur``."""
    if len(names) == 1:
        return f"the label {shown(names[0])} occurs"
    more = f" and {len(names) - _SHOWN} more labels occur" if len(names) > _SHOWN else " occur"
    return ", ".join(map(shown, names[:_SHOWN])) + more
