"""The contract by the kit that taskzoo ships: kinds of model, forms of data, methods."""

from __future__ import annotations

from typing import ClassVar

from taskzoo.testing import TaskContract


class TestPairs(TaskContract):
    task = "similarity"


class TestRoberta(TaskContract):
    task, family, data = "similarity", "roberta", "zh"


class TestModernBert(TaskContract):
    task, family = "similarity", "modernbert"
    settings: ClassVar = {"method": "hard-negatives", "text_prompt": "query: "}


class TestDecoder(TaskContract):
    task, family = "similarity", "gpt2"


class TestScoredPairs(TaskContract):
    task, data = "similarity", "scored"


class TestSquaredError(TaskContract):
    task, data = "similarity", "scored-zh"
    settings: ClassVar = {"loss": "cosine-mse", "method": "lora"}


class TestReranking(TaskContract):
    task = "reranking"


class TestRerankingByDecoder(TaskContract):
    task, family, data = "reranking", "gpt2", "zh"
