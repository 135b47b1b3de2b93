"""``ner`` keeps the contract: both heads, several architectures, all weights and adapters."""

from __future__ import annotations

from typing import ClassVar

import pytest

from taskzoo.testing import TaskContract


class TestLinear(TaskContract):
    task = "ner"
    family = "bert"


class TestCrf(TaskContract):
    task = "ner"
    family = "bert"
    settings: ClassVar = {"head": "crf"}


class TestAdapters(TaskContract):
    task = "ner"
    family = "bert"
    settings: ClassVar = {"method": "lora", "head": "crf"}

    @pytest.mark.slow  # a new process takes longer than all other checks
    def test_save_and_load(self) -> None:
        super().test_save_and_load()


class TestWindows(TaskContract):
    """Every row has several windows."""

    task = "ner"
    family = "bert"
    settings: ClassVar = {"max_length": 12, "overlap": 3}

    @pytest.mark.slow  # a new process takes longer than all other checks
    def test_save_and_load(self) -> None:
        super().test_save_and_load()


class TestGpt2(TaskContract):
    task = "ner"
    family = "gpt2"

    @pytest.mark.slow  # a new process takes longer than all other checks
    def test_save_and_load(self) -> None:
        super().test_save_and_load()


class TestGpt2Adapters(TaskContract):
    task = "ner"
    family = "gpt2"
    settings: ClassVar = {"method": "lora"}


@pytest.mark.slow
class TestRoberta(TaskContract):
    task = "ner"
    family = "roberta"


@pytest.mark.slow
class TestRobertaCrf(TaskContract):
    task = "ner"
    family = "roberta"
    settings: ClassVar = {"head": "crf"}


@pytest.mark.slow
class TestDebertaV2(TaskContract):
    task = "ner"
    family = "deberta-v2"


@pytest.mark.slow
class TestDebertaV2Adapters(TaskContract):
    task = "ner"
    family = "deberta-v2"
    settings: ClassVar = {"method": "lora"}


@pytest.mark.slow
class TestModernBert(TaskContract):
    task = "ner"
    family = "modernbert"


@pytest.mark.slow
class TestModernBertCrf(TaskContract):
    task = "ner"
    family = "modernbert"
    settings: ClassVar = {"head": "crf"}


@pytest.mark.slow
class TestQwen2Adapters(TaskContract):
    task = "ner"
    family = "qwen2"
    settings: ClassVar = {"method": "lora"}
