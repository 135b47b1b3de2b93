"""``translation`` keeps the contract for every family, with and without adapters."""

from __future__ import annotations

from typing import ClassVar

import pytest

from taskzoo.testing import TaskContract

DIRECTION = {"max_new_tokens": 8}


class Quick(TaskContract):
    """All checks but the new process, which takes longer than the others together; the slow classes have it."""

    __test__ = False
    task = "translation"
    size = 16
    settings: ClassVar = DIRECTION

    @pytest.mark.slow
    def test_save_and_load(self) -> None:
        super().test_save_and_load()


class TestT5(TaskContract):
    task = "translation"
    family = "t5"
    size = 16
    settings: ClassVar = {**DIRECTION, "label_smoothing": 0.1}


class TestGpt2(Quick):
    __test__ = True
    family = "gpt2"


class TestWarmStartAdapters(Quick):
    """Both sides from BERT; its new attention to the source is trained in full."""

    __test__ = True
    family = "bert"
    settings: ClassVar = {**DIRECTION, "method": "lora"}


@pytest.mark.slow
class TestWarmStart(Quick):
    __test__ = True
    family = "bert"


@pytest.mark.slow
class TestT5Adapters(Quick):
    __test__ = True
    family = "t5"
    settings: ClassVar = {**DIRECTION, "method": "lora"}


@pytest.mark.slow
class TestGpt2Adapters(Quick):
    __test__ = True
    family = "gpt2"
    settings: ClassVar = {**DIRECTION, "method": "lora", "num_beams": 2}


@pytest.mark.slow
class TestBart(Quick):
    __test__ = True
    family = "bart"


@pytest.mark.slow
class TestBartAdapters(Quick):
    __test__ = True
    family = "bart"
    settings: ClassVar = {**DIRECTION, "method": "lora"}


@pytest.mark.slow
class TestMarian(Quick):
    __test__ = True
    family = "marian"


@pytest.mark.slow
class TestMarianAdapters(Quick):
    __test__ = True
    family = "marian"
    settings: ClassVar = {**DIRECTION, "method": "lora"}


@pytest.mark.slow
class TestMbart(Quick):
    __test__ = True
    family = "mbart"


@pytest.mark.slow
class TestMbartAdapters(Quick):
    __test__ = True
    family = "mbart"
    settings: ClassVar = {**DIRECTION, "method": "lora"}


@pytest.mark.slow
class TestNllb(Quick):
    __test__ = True
    family = "nllb"
