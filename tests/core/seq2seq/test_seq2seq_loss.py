"""The loss of a task that generates texts, from hidden states instead of logits."""

from __future__ import annotations

import pytest
import torch

from taskzoo.models import vocabulary_loss
from taskzoo.models.vocabulary import HiddenStates
from taskzoo.testing import Bench


@pytest.mark.parametrize("family", ["t5", "gpt2"])
def test_the_reported_loss_takes_no_second_pass_over_the_vocabulary(tmp_path, monkeypatch, family):
    bench = Bench("translation", tmp_path, family=family, size=8)
    task, examples = bench.fitted()
    encoded = task.encode(examples, bench.processor)
    model, batch = bench.fresh_model(task), bench.batch(task, encoded.features)
    outputs = task.forward(model, batch)
    assert isinstance(outputs, HiddenStates)
    plain = task.loss(outputs, batch)
    assert plain.reported is None
    assert plain.total.requires_grad

    calls = []
    name, original = "vocabulary_cross_entropy", vocabulary_loss.vocabulary_cross_entropy
    monkeypatch.setattr(vocabulary_loss, name, lambda *a, **k: calls.append(1) or original(*a, **k))
    smoothed = task.loss(outputs, batch, label_smoothing=0.2)
    assert calls == [1]
    torch.testing.assert_close(smoothed.reported, plain.total.detach())
    assert not smoothed.reported.requires_grad
    assert smoothed.weight == plain.weight
    assert smoothed.total.item() != pytest.approx(smoothed.reported.item(), rel=1e-4)
