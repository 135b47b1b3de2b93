"""Rows are predicted in batches that are fast, and their answers are those of other batches."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from tests.core.runs.kit import text_rows

from taskzoo.engine.scoring import most_tokens


def test_batches_on_a_cpu_are_of_like_lengths_and_small(loaded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [(row["text"] + " ") * (1 + number % 7) for number, row in enumerate(text_rows(300, 3))]
    shapes, real = list[tuple[int, int]](), list[int]()
    forward = loaded.task.forward

    def seen(model: Any, batch: Any) -> Any:
        shapes.append(tuple(batch.inputs["input_ids"].shape))
        real.append(int(batch.inputs["attention_mask"].sum()))
        return forward(model, batch)

    monkeypatch.setattr(loaded.task, "forward", seen)
    answers = loaded.predict(texts)
    assert max(rows * length for rows, length in shapes) <= 1024
    assert sum(rows for rows, _ in shapes) == 300
    assert sum(rows * length for rows, length in shapes) < 1.1 * sum(real)
    assert [length for _, length in shapes] == sorted((length for _, length in shapes), reverse=True)

    monkeypatch.setattr(loaded._predictor, "max_tokens", 8192)
    shapes.clear()
    others = loaded.predict(texts)
    assert max(rows * length for rows, length in shapes) > 1024
    for answer, other in zip(answers, others, strict=True):
        assert (answer["text"], answer["label"]) == (other["text"], other["label"])
        assert answer["score"] == pytest.approx(other["score"], abs=1.1e-4)  # rounded to four digits


def test_generation_has_large_batches_as_gpus_have() -> None:
    reads: Any = SimpleNamespace(generates=False)
    writes: Any = SimpleNamespace(generates=True)
    assert (most_tokens(reads, on_cpu=True), most_tokens(reads, on_cpu=False)) == (1024, 8192)
    assert (most_tokens(writes, on_cpu=True), most_tokens(writes, on_cpu=False)) == (8192, 8192)
