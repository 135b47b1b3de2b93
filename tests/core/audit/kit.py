"""Rows whose answers are planted, and a model that answers by a rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from taskzoo import Column, TaskSpec
from taskzoo.audit.asking import Asked
from taskzoo.audit.audited_rows import RIGHT, AuditedRows
from taskzoo.types import Row

SPEC = TaskSpec(id="rule", contract=2, columns={"text": Column("a text"), "label": Column("its label", target=True)})


def rows_of(texts: Sequence[str], gold: Sequence[str], called: Sequence[str]) -> AuditedRows:
    """Rows with one label each."""
    right = np.array([float(a == b) for a, b in zip(gold, called, strict=True)])
    sides = [[frozenset([str(one)]) for one in side] for side in (gold, called)]
    return AuditedRows([{"text": text} for text in texts], right, RIGHT, 1.0, *sides)


def random_rows(count: int, seed: int) -> tuple[AuditedRows, dict[str, list[str | None]]]:
    """Rows of which 85% are right wherever one looks, and a column that says nothing."""
    chance = np.random.default_rng(seed)
    weights = 1 / np.arange(1, 301)
    words = chance.choice([f"word{i}" for i in range(300)], size=(count, 12), p=weights / weights.sum())
    texts = [" ".join(part[: 3 + i % 10]) for i, part in enumerate(words)]
    gold = chance.choice(["a", "b"], size=count)
    called = np.where(chance.random(count) < 0.85, gold, np.where(gold == "a", "b", "a"))
    return rows_of(texts, gold.tolist(), called.tolist()), {"region": chance.choice([*"xyz"], size=count).tolist()}


def model_of(answer: Callable[[str], dict[str, Any]], role: str = "text") -> Any:
    """What an audit needs of a run that answers by a rule."""

    def predict_rows(rows: Sequence[Row]) -> list[dict[str, Any]]:
        return [{role: row[role], **answer(row[role])} for row in rows]

    return SimpleNamespace(spec=SPEC, task=SimpleNamespace(input_roles=()), predict_rows=predict_rows)


def asked_of(
    texts: Sequence[str], gold: Sequence[Any], answer: Callable[[str], dict[str, Any]], role: str = "text"
) -> Asked:
    """The rows, to be asked about."""
    rows, model = [Row({role: text}, "test", i) for i, text in enumerate(texts, 1)], model_of(answer, role)
    values = [one["value"] for one in model.predict_rows(rows) if "value" in one]
    spread = float(np.std(values)) if values else 0.0
    return Asked(model, rows, [{"label": label} for label in gold], (role,), lambda _: None, spread)
