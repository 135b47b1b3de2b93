"""``sentiment`` keeps the contract, whatever its labels are."""

from __future__ import annotations

from typing import ClassVar

import pytest

from taskzoo.testing import TaskContract


class TestThreeWay(TaskContract):
    task = "sentiment"
    family = "bert"


class TestBinary(TaskContract):
    """The demo set without its neutral rows."""

    task = "sentiment"
    family = "bert"
    size = 36

    @classmethod
    def setup_class(cls) -> None:
        super().setup_class()
        bench = cls.bench
        bench.raw = {split: [row for row in rows if row["label"] != "neutral"] for split, rows in bench.raw.items()}

    @pytest.mark.slow  # a new process takes longer than all other checks
    def test_save_and_load(self) -> None:
        super().test_save_and_load()


class TestStarsAsClasses(TaskContract):
    task = "sentiment"
    family = "bert"
    data = "stars"
    settings: ClassVar = {"class_weights": "balanced"}

    @pytest.mark.slow
    def test_save_and_load(self) -> None:
        super().test_save_and_load()


class TestStarsAsNumbers(TaskContract):
    task = "sentiment"
    family = "bert"
    data = "stars"
    settings: ClassVar = {"stars_as": "numbers"}


class TestIntensity(TaskContract):
    """With windows: the value of a long text is the mean over them."""

    task = "sentiment"
    family = "bert"
    data = "intensity"
    settings: ClassVar = {"loss": "huber", "max_length": 8, "long_texts": "windows"}

    @pytest.mark.slow
    def test_save_and_load(self) -> None:
        super().test_save_and_load()


class TestChinese(TaskContract):
    task = "sentiment"
    family = "bert"
    data = "zh"
    settings: ClassVar = {"kind": "three-way", "focal_gamma": 2.0}

    @pytest.mark.slow
    def test_save_and_load(self) -> None:
        super().test_save_and_load()


@pytest.mark.slow
class TestGpt2Intensity(TaskContract):
    task = "sentiment"
    family = "gpt2"
    data = "intensity"


@pytest.mark.slow
class TestAdapters(TaskContract):
    task = "sentiment"
    family = "bert"
    data = "stars"
    settings: ClassVar = {"stars_as": "numbers", "method": "lora"}
