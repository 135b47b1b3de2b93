"""``summarization`` keeps the contract, with sources that are cut."""

from __future__ import annotations

from typing import ClassVar

import pytest

from taskzoo.testing import TaskContract


class Quick(TaskContract):
    """All checks but the new process, which takes longer than the others together."""

    __test__ = False
    task = "summarization"
    size = 16
    settings: ClassVar = {"max_new_tokens": 8}

    @pytest.mark.slow
    def test_save_and_load(self) -> None:
        super().test_save_and_load()


class TestT5(Quick):
    __test__ = True
    family = "t5"
    settings: ClassVar = {"max_new_tokens": 8, "max_source_length": 48}


@pytest.mark.slow
class TestBart(Quick):
    __test__ = True
    family = "bart"


@pytest.mark.slow
class TestGpt2Adapters(Quick):
    __test__ = True
    family = "gpt2"
    settings: ClassVar = {"max_new_tokens": 8, "method": "lora"}


@pytest.mark.slow
class TestPegasus(Quick):
    __test__ = True
    family = "pegasus"


@pytest.mark.slow
class TestWarmStart(Quick):
    __test__ = True
    family = "roberta"
