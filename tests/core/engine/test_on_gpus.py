"""What the engine does otherwise on a GPU, as far as a CPU shows it: looking late, fp16's scaler, compiled layers."""

from __future__ import annotations

import threading
import time

import pytest
import torch
from torch import nn

from taskzoo.callbacks import Callback
from taskzoo.engine import bookkeeping
from taskzoo.engine.accelerator import RunAccelerator
from taskzoo.engine.checkpoint import TrainingState
from taskzoo.engine.compiling import as_they_are, compiled_layers
from taskzoo.engine.embeddings import _UnknownTokens
from taskzoo.engine.finite import FiniteCheck
from taskzoo.engine.job import Job
from taskzoo.engine.prefetch import one_ahead
from taskzoo.engine.trainer import train
from taskzoo.errors import PluginError, RequestError, TrainingError
from taskzoo.types import Loss

from .kit import TaggingTask, collate, fit, make_features, make_session, make_tagger, same, weights

FEATURES = make_features(38)
FIVE_AN_EPOCH = {"batch_size": 8, "epochs": 3, "optimizer": "adamw", "learning_rate": 0.01}


class Times(TaggingTask):
    """A task whose gradient is ``factor`` times what it should be in the ``number``-th forward pass."""

    def __init__(self, factor: float, number: int) -> None:
        super().__init__()
        self._factor, self._left = factor, number

    def loss(self, outputs, batch, *, label_smoothing=0.0):
        loss = super().loss(outputs, batch, label_smoothing=label_smoothing)
        self._left -= 1
        return Loss(loss.total * self._factor, loss.weight, loss.total.detach()) if self._left == 0 else loss


@pytest.fixture
def late(monkeypatch):
    """Norms are read one step late, as on a GPU."""
    monkeypatch.setattr(bookkeeping, "FiniteCheck", lambda error, late: FiniteCheck(error, late=True))


@pytest.mark.parametrize(("step", "every", "kept"), [(6, 100, 4), (6, 1, 4), (4, 100, 2), (10, 100, 8)])
def test_a_gradient_that_is_not_finite_is_noticed_before_anything_is_kept(step, every, kept, late, tmp_path):
    scored = []

    def evaluate(model):
        scored.append(all(bool(p.isfinite().all()) for p in model.parameters()))
        return {"score": 0.5, "loss": 1.0}

    settings = {**FIVE_AN_EPOCH, "log_every": every, "checkpoint_every": 2, "evaluate_every": 5}
    with pytest.raises(TrainingError, match=f"not finite at step {step}"):
        fit(make_tagger(), FEATURES, tmp_path, task=Times(float("inf"), step), evaluate=evaluate, **settings)
    state = TrainingState(tmp_path / "checkpoints")
    assert state.saved_step() == kept
    assert all(bool(tensor.isfinite().all()) for tensor in state._read().model.values())
    assert scored == [True] * ((step - 1) // 5)


def test_looking_late_changes_no_weight(tmp_path, monkeypatch):
    one, other = make_tagger(), make_tagger()
    (tmp_path / "a").mkdir()
    fit(one, FEATURES, tmp_path / "a", **FIVE_AN_EPOCH)
    monkeypatch.setattr(bookkeeping, "FiniteCheck", lambda error, late: FiniteCheck(error, late=True))
    (tmp_path / "b").mkdir()
    fit(other, FEATURES, tmp_path / "b", **FIVE_AN_EPOCH)
    assert same(weights(one), weights(other))


def test_the_late_error_is_that_of_its_own_step():
    check = FiniteCheck(lambda step, rows: TrainingError(f"step {step} of {rows}"), late=True)
    check.look(1, torch.tensor(1.0), [3])
    check.look(2, torch.tensor(torch.nan), [4])
    with pytest.raises(TrainingError, match=r"step 2 of \[4\]"):
        check.look(3, torch.tensor(1.0), [5])
    check.settle()


class Scaled(RunAccelerator):
    """As on a GPU in fp16, with a scaler of the loss."""

    def __init__(self) -> None:
        super().__init__(cpu=True)
        self.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**16)

    def unscale_gradients(self, optimizer=None):
        self.scaler.unscale_(optimizer.optimizer)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_an_overflow_skips_the_step_and_its_place_in_the_schedule(optimizer, tmp_path):
    rates, moved, model = [], [], make_tagger()

    def collated(features):
        moved.append({name: tensor.clone() for name, tensor in model.named_parameters()})
        return collate(features)

    accelerator = Scaled()
    values = {"batch_size": 38, "epochs": 6, "schedule": "linear", "learning_rate": 0.01, "optimizer": optimizer}
    session = make_session(model, FEATURES, accelerator=accelerator, **values)
    session.callbacks.append(_Rates(rates))
    task = Times(1e36, 3)
    train(session, Job(model, task, FEATURES, collated), TrainingState(tmp_path / "checkpoints"))
    assert len(rates) == 6
    assert rates[2] == rates[3]
    assert rates[1] > rates[2] > rates[4] > rates[5]
    assert same(moved[2], moved[3])
    assert not same(moved[3], moved[4])
    assert accelerator.scaler.get_scale() == 2.0**15
    assert all(bool(p.isfinite().all()) for p in model.parameters())


class Overflowing(TaggingTask):
    """A task whose gradient is never finite, though its reported loss is."""

    def loss(self, outputs, batch, *, label_smoothing=0.0):
        loss = super().loss(outputs, batch, label_smoothing=label_smoothing)
        return Loss(loss.total * float("inf"), loss.weight, loss.total.detach())


def test_what_overflows_at_every_scale_stops_the_training(tmp_path):
    session = make_session(make_tagger(), FEATURES, accelerator=Scaled(), batch_size=8, epochs=20)
    state = TrainingState(tmp_path / "checkpoints")
    with pytest.raises(TrainingError, match="not finite at step 26"):
        train(session, Job(session.model, Overflowing(), FEATURES, collate), state)


class _Rates(Callback):
    """Keeps the learning rate of every step."""

    def __init__(self, rates):
        self._rates = rates

    def step(self, values):
        self._rates.append(values["learning_rate"])


def test_the_next_item_is_made_while_one_is_used():
    made, begun = [], threading.Event()

    def make(item):
        made.append((item, threading.current_thread().name))
        if item == 1:
            begun.set()
        if item == 3:
            raise ValueError("three")
        return item * item

    found = []
    with pytest.raises(ValueError, match="three"):  # noqa: PT012
        for item, value in one_ahead(make, range(5)):
            if item == 0:
                assert begun.wait(5)
            found.append((item, value))
            time.sleep(0.01)
    assert found == [(0, 0), (1, 1), (2, 4)]
    assert all(name.startswith("prefetch") for _, name in made)
    assert list(one_ahead(make, [])) == []


def test_unknown_tokens_are_remembered_until_somebody_looks():
    unknown = _UnknownTokens(torch.device("cpu"))
    ids = torch.tensor([[1, 7, 2]])
    unknown.note(ids, torch.tensor([[0, 1, 2]]), at_once=False)
    unknown.note(ids, torch.tensor([[0, -1, 2]]), at_once=False)
    unknown.note(ids, torch.tensor([[0, 1, 2]]), at_once=False)
    with pytest.raises(PluginError, match="token 7, which no feature"):
        unknown.look()
    with pytest.raises(PluginError, match="token 7"):
        _UnknownTokens(torch.device("cpu")).note(ids, torch.tensor([[0, -1, 2]]), at_once=False)


class Layer(nn.Module):
    """A linear layer and its activation."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 4)

    def forward(self, states):
        return torch.tanh(self.inner(states))


class Stacked(nn.Module):
    """Two layers in a list, and a head."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.ModuleList([Layer(), Layer()])
        self.head = nn.Linear(4, 2)

    def forward(self, states):
        for layer in self.layers:
            states = layer(states)
        return self.head(states)


@pytest.mark.slow
def test_compiled_layers_are_the_same_function_for_all_shapes(monkeypatch):
    from torch._dynamo.testing import CompileCounter

    counter, plain = CompileCounter(), nn.Module.compile
    monkeypatch.setattr(nn.Module, "compile", lambda self, **values: plain(self, backend=counter, **values))
    model = Stacked()
    names = list(model.state_dict())
    batches = [torch.randn(rows, width, 4, requires_grad=True) for rows, width in ((2, 3), (2, 5), (4, 7), (3, 8))]
    expected = [model(batch) for batch in batches]
    with compiled_layers(model) as count:
        assert count == 2
        assert all(torch.allclose(model(batch), out) for batch, out in zip(batches, expected, strict=True))
        assert counter.frame_count == 1
        assert list(model.state_dict()) == names
        with as_they_are(compiled=True), torch.no_grad():
            model(torch.randn(2, 3, 4, dtype=torch.float32))
        assert counter.frame_count == 1
    assert all(layer._compiled_call_impl is None for layer in model.layers)


def test_a_model_without_layers_cannot_be_compiled():
    with pytest.raises(RequestError, match="no list of them"), compiled_layers(nn.Linear(2, 2)):
        pass
    with compiled_layers(nn.Linear(2, 2), wanted=False) as count:
        assert count == 0


@pytest.mark.slow
def test_a_compiler_that_fails_is_named(monkeypatch):
    def broken(graph, inputs):
        raise OSError("no compiler here")

    plain, model = nn.Module.compile, Stacked()
    monkeypatch.setattr(nn.Module, "compile", lambda self, **values: plain(self, backend=broken, **values))
    with pytest.raises(TrainingError, match=r"torch.compile failed .*; use compile=false"), compiled_layers(model):
        model(torch.randn(2, 3, 4))
    assert all(layer._compiled_call_impl is None for layer in model.layers)
