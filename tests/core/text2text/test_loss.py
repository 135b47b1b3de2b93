"""The loss of a task that writes texts, from states instead of logits."""

from __future__ import annotations

import pytest
import torch

from taskzoo.engine.forward import forward
from taskzoo.models.vocabulary import States
from taskzoo.testing import Bench
from taskzoo.text2text import task as module


@pytest.mark.parametrize("family", ["t5", "gpt2"])
def test_the_loss_that_is_shown_takes_no_second_pass_over_the_vocabulary(tmp_path, monkeypatch, family):
    bench = Bench("translation", tmp_path, family=family, size=8)
    task, rows = bench.fitted()
    encoded = task.encode(rows, bench.tokenizer)
    model, batch = bench.fresh_model(task), bench.batch(task, encoded, range(len(encoded.features)))
    outputs = forward(task, model, batch)
    assert isinstance(outputs, States)
    expected, count = task.loss(outputs, batch)

    calls = []
    original = module.smoothed_and_plain
    monkeypatch.setattr(module, "smoothed_and_plain", lambda *a, **k: calls.append(1) or original(*a, **k))
    smoothed, number = task.loss(outputs, batch, label_smoothing=0.2)
    with torch.no_grad():
        shown, again = task.loss(outputs, batch)
    assert calls == [1]
    torch.testing.assert_close(shown, expected.detach())
    assert number == again == count
    assert smoothed.item() != pytest.approx(shown.item(), rel=1e-4)
    assert task.loss(outputs, batch)[0].requires_grad  # with gradients it is computed, not remembered
