"""``classification`` keeps the contract: architectures, adapters, several labels, long texts, weighted losses."""

from __future__ import annotations

from typing import ClassVar

import pytest

from taskzoo import Row
from taskzoo.testing import FAMILIES, TaskContract


class Quick(TaskContract):
    """All checks but the new process, which takes longer than the others together; the slow classes have it."""

    __test__ = False
    task = "classification"

    @pytest.mark.slow
    def test_save_and_load(self) -> None:
        super().test_save_and_load()


class TestBert(TaskContract):
    task = "classification"
    family = "bert"


class TestRobertaAdapters(Quick):
    __test__ = True
    family = "roberta"
    settings: ClassVar = {"method": "lora"}


class TestGpt2(Quick):
    __test__ = True
    family = "gpt2"


class TestT5(Quick):
    """Pooled over the encoder; the code goes with the weights."""

    __test__ = True
    family = "t5"


class TestSeveralLabels(Quick):
    """Every third row has two labels, every fifth none; states are averaged."""

    __test__ = True
    family = "bert"
    size = 36
    settings: ClassVar = {"pooling": "mean"}

    @classmethod
    def setup_class(cls) -> None:
        super().setup_class()
        bench = cls.bench
        names = sorted({row["label"] for row in bench.raw["train"]})

        def several(row: Row, number: int) -> Row:
            labels = [row["label"], *([names[number % len(names)]] if number % 3 == 0 else [])]
            return Row({**row.fields, "label": [] if number % 5 == 4 else labels}, row.source, row.line)

        bench.raw = {split: [several(row, i) for i, row in enumerate(rows)] for split, rows in bench.raw.items()}


class TestWindowsAndWeights(Quick):
    """Every row has several windows; rare and hard rows count more."""

    __test__ = True
    family = "bert"
    settings: ClassVar = {"long_texts": "windows", "max_length": 10, "class_weights": "balanced", "focal_gamma": 2.0}


SETTINGS = {
    "Full": {},
    "Adapters": {"method": "lora"},
    "Mean": {"pooling": "mean"},
    "UnitMeanAdapters": {"pooling": "unit-mean", "method": "lora"},
}

for _family in FAMILIES:
    for _name, _settings in SETTINGS.items():
        _members = {"family": _family, "settings": _settings, "task": "classification", "__module__": __name__}
        if _settings:
            _members["test_save_and_load"] = None  # a new process for each family is enough
        _title = f"Test{_family.title().replace('-', '')}{_name}Slow"
        globals()[_title] = pytest.mark.slow(type(_title, (TaskContract,), _members))
