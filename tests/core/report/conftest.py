"""Planted runs of every kind, and their pages."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from taskzoo.report.page import write_report

from .kit import Page, plant

HOSTILE = '<script>alert(1)</script> & \x1b[31m\u202e "quoted" \''
LABELS = ["cold", "mild", "<b>hot</b>"]
ENTITIES = "Ada Lovelace went to Paris with Kim of Acme Corp <i> ."


def one_label(folder: Path) -> Path:
    generator = random.Random(1)
    rows, predictions = [], []
    for i in range(120):
        gold, given = generator.choice(LABELS), generator.random() < 0.6
        label = gold if given else generator.choice(LABELS)
        sure = round(generator.uniform(0.4, 1.0), 4)
        text = HOSTILE if i == 0 else f"day {i} " + "word " * generator.randint(0, 30)
        where = "north" if i % 3 else "south"
        rows.append({"text": text, "label": gold, "where": where})
        rest = {other: round((1 - sure) / 2, 4) for other in LABELS if other != label}
        predictions.append({"text": text, "label": label, "score": sure, "scores": {label: sure, **rest}})
    predictions[0] |= {"label": "cold", "score": 1.0}
    rows[0]["label"] = "mild"
    return plant(folder, "classification", rows, predictions)


def several_labels(folder: Path) -> Path:
    rows = [{"text": f"text {i}", "label": ["a", "b"] if i % 2 else ["c"]} for i in range(40)]
    given = [["a"] if i % 2 else ["c", "a"] for i in range(40)]
    predictions = [
        {"text": row["text"], "labels": labels, "scores": (scores := {"a": 0.9, "b": 0.4, "c": 0.3 + i / 100})}
        | {"_probabilities": np.array(list(scores.values()))}
        for i, (row, labels) in enumerate(zip(rows, given, strict=True))
    ]
    return plant(folder, "classification", rows, predictions)


def stars(folder: Path) -> Path:
    rows = [{"text": f"text {i}", "label": str(1 + i % 5)} for i in range(50)]
    values = [1 + (i % 5) * 0.5 for i in range(50)]
    predictions = [
        {"text": row["text"], "value": value, "label": str(int(value + 0.5))}
        for row, value in zip(rows, values, strict=True)
    ]
    return plant(folder, "sentiment", rows, predictions, options={"stars_as": "numbers"})


def entities(folder: Path) -> Path:
    text = ENTITIES
    gold = [_entity(text, "Ada Lovelace", "PER"), _entity(text, "Paris", "LOC"), _entity(text, "Kim", "PER")]
    gold.append(_entity(text, "Acme Corp", "ORG"))
    predicted = [
        {**_entity(text, "Ada", "PER"), "score": 0.9},
        {**_entity(text, "Paris", "LOC"), "score": 0.95},
        {**_entity(text, "Acme Corp", "PER"), "score": 0.6},
        {**_entity(text, "<i>", "ORG"), "score": 0.5},
    ]
    long = "Nothing here . " * 100 + "Kim slept ."
    late = [_entity(long, "Kim", "PER")]
    rows = [{"text": text, "spans": gold}, {"text": long, "spans": late}]
    predictions = [
        {"text": text, "tags": ["O"] * 14, "entities": predicted},
        {"text": long, "tags": ["O"] * 303, "entities": []},
    ]
    return plant(folder, "ner", rows, predictions)


def _entity(text: str, part: str, label: str) -> dict[str, Any]:
    start = text.index(part)
    return {"start": start, "end": start + len(part), "label": label}


def translation(folder: Path) -> Path:
    rows = [
        {"source": "the cat sleeps", "target": "die Katze schläft"},
        {"source": "a dog barks loudly", "target": "ein Hund bellt laut"},
        {"source": "it rains", "target": "es regnet"},
    ]
    outputs = ["die Katze schläft", "ein Hund <b>miaut</b> laut", ""]
    predictions = [{"source": r["source"], "text": o, "score": -0.5} for r, o in zip(rows, outputs, strict=True)]
    return plant(folder, "translation", rows, predictions, options={"source_lang": "en", "target_lang": "de"})


MADE: dict[str, Callable[[Path], Path]] = {
    "one label": one_label,
    "several labels": several_labels,
    "stars": stars,
    "entities": entities,
    "translation": translation,
}


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """From a kind to a run of it, made on first use; nobody may change it."""
    made: dict[str, Path] = {}

    def make(kind: str) -> Path:
        if kind not in made:
            made[kind] = MADE[kind](tmp_path_factory.mktemp("planted") / "run")
        return made[kind]

    return make


@pytest.fixture(scope="session")
def page(planted: Callable[[str], Path]) -> Callable[[str], Page]:
    """From a kind to the page of its run."""
    made: dict[str, Page] = {}

    def make(kind: str) -> Page:
        if kind not in made:
            made[kind] = Page(write_report(planted(kind)).read_text(encoding="utf-8"))
        return made[kind]

    return make
