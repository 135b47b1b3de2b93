"""A scaling of the logits is in the saved model and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForSequenceClassification

from taskzoo import finetune, load
from taskzoo.engine.folding import folded, unfold
from taskzoo.heads.regression import RegressionHead, Scale
from taskzoo.models.pooling import PooledClassifier
from taskzoo.models.sequence import load_sequence_model

INPUTS = {"input_ids": torch.tensor([[20, 21, 22, 23]])}
ROWS = [{"text": f"the soup of day {n}", "label": 1990.0 + 2 * n} for n in range(12)]
SHORT: dict[str, Any] = {
    "precision": "fp32",
    "max_steps": 2,
    "batch_size": 4,
    "kind": "intensity",
    "learning_rate": 1e-2,
}


@pytest.fixture(scope="module")
def number(tiny_checkpoint: Callable[..., Path]) -> Any:
    torch.manual_seed(0)
    return load_sequence_model(str(tiny_checkpoint()), problem_type="regression").eval()


@given(factor=st.floats(0.05, 1e3), offset=st.floats(-1e4, 1e4))
@settings(max_examples=25, deadline=None)
def test_it_holds_within_the_context_and_leaves_nothing(number: Any, factor: float, offset: float) -> None:
    with torch.no_grad():
        before, kept = number(**INPUTS).logits, [p.clone() for p in number.classifier.parameters()]
        with folded(number, (factor, offset)):
            torch.testing.assert_close(number(**INPUTS).logits, factor * before + offset, rtol=1e-4, atol=1e-3)
        error = 1e-5 + 1e-6 * abs(offset) / factor
        torch.testing.assert_close(number(**INPUTS).logits, before, rtol=1e-5, atol=error)
        for parameter, value in zip(number.classifier.parameters(), kept, strict=True):
            parameter.copy_(value)


def test_an_offset_without_a_bias_is_refused(tiny_checkpoint: Callable[..., Path]) -> None:
    own = load_sequence_model(str(tiny_checkpoint("gpt2")), problem_type="multi_label_classification", labels=["a"])
    with pytest.raises(ValueError, match="no bias"):
        unfold(own, (2.0, 1.0))


@pytest.mark.parametrize(("mean", "deviation"), [(3.0, 1.2), (2000.0, 8.0), (1.7e9, 1e7), (1.7e9, 30.0)])
def test_numbers_far_from_0_are_not_folded_into_float32(mean: float, deviation: float) -> None:
    """What remains after folding and unfolding is far finer than the numbers differ; else the card's line scales."""
    head = RegressionHead(Scale(mean, deviation, mean - 3 * deviation, mean + 3 * deviation))
    factor, offset = head.logit_scaling
    bias = np.float32(0.25)
    there = np.float32(np.float32(bias * factor) + offset)
    assert abs((np.float64(there) - offset) / factor - bias) < 1e-3
    [line] = head.plain_lines()
    values: dict[str, Any] = {"outputs": [{"score": float(there)}]}
    exec(line, values)
    assert values["value"] == pytest.approx(mean + deviation * 0.25, abs=2e-3 * deviation)


def test_a_number_of_a_saved_run_is_in_the_units_of_its_rows(
    tiny_checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    """And a second run that starts from it goes on from where the first one ended."""
    splits: dict[str, Any] = {"train": ROWS, "validation": ROWS[:4], "test": ROWS}
    run = finetune("sentiment", model=str(tiny_checkpoint("gpt2")), output=tmp_path / "first", **splits, **SHORT)
    assert isinstance(run.model, PooledClassifier)  # the own head of a decoder has no bias
    saved = AutoModelForSequenceClassification.from_pretrained(run.path / "model").eval()
    with torch.no_grad():
        plain = saved(**run.processor(ROWS[3]["text"], return_tensors="pt")).logits.item()
    assert plain == pytest.approx(run.predict(ROWS[3]["text"])["value"], abs=1e-2)
    assert load(run.path).predict(ROWS[3]["text"])["value"] == run.predict(ROWS[3]["text"])["value"]
    still = {**SHORT, "max_steps": 1, "learning_rate": 1e-12}
    again = finetune("sentiment", model=str(run.path / "model"), output=tmp_path / "second", **splits, **still)
    assert again.metrics["test"]["loss"] == pytest.approx(run.metrics["test"]["loss"], rel=1e-4)
