"""A state that is written while the training goes on is the one that it was saved as."""

from __future__ import annotations

import threading
import time

import pytest
import torch

from taskzoo.config import OPTIMIZERS
from taskzoo.engine import checkpoint as checkpoint_module
from taskzoo.engine.accelerator import RunAccelerator
from taskzoo.engine.background import Writer
from taskzoo.engine.checkpoint import TrainingState
from taskzoo.engine.optim import build_optimizer
from taskzoo.engine.random_state import random_states
from taskzoo.errors import Interrupted

from .kit import Told, fit, history, make_features, make_tagger, same, settings, weights
from .test_resume import FEATURES, PLAN, CrashError, at_batch, crash, interrupt, run_again, whole

SECONDS = 20
"""How long a test waits at most for what must happen at once."""


@pytest.fixture
def in_background(monkeypatch):
    """States are written as those of a training on a GPU."""
    writing = TrainingState.writing
    monkeypatch.setattr(TrainingState, "writing", lambda self, in_background: writing(self, in_background=True))


@pytest.fixture
def slow(monkeypatch):
    """Writing tensors takes several steps of training."""
    save = checkpoint_module.save_tensors

    def wait_and_save(tensors, file):
        time.sleep(0.02)
        save(tensors, file)

    monkeypatch.setattr(checkpoint_module, "save_tensors", wait_and_save)


class Gate:
    """Tensors are written after :meth:`open`."""

    def __init__(self, monkeypatch):
        self._open, save = threading.Event(), checkpoint_module.save_tensors

        def wait_and_save(tensors, file):
            assert self._open.wait(SECONDS)
            save(tensors, file)

        monkeypatch.setattr(checkpoint_module, "save_tensors", wait_and_save)

    def open(self):
        self._open.set()


def test_pieces_of_work_are_done_in_their_order():
    writer, done, go = Writer(), [], threading.Event()
    writer.start()
    writer.do(lambda: go.wait(SECONDS))
    for number in range(5):
        writer.do(lambda number=number: done.append(number))
    writer.wait(left=6)  # which does not wait
    assert writer.busy()
    assert not done
    go.set()
    writer.wait(left=2)
    assert done[:3] == [0, 1, 2]
    writer.finish()
    assert done == [0, 1, 2, 3, 4]
    assert not writer.busy()
    assert not writer.apart


def test_after_a_failure_nothing_more_is_written():
    writer, done, go = Writer(), [], threading.Event()

    def fail():
        go.wait(SECONDS)
        raise OSError(28, "No space left on device")

    writer.start()
    writer.do(fail)
    writer.do(lambda: done.append(1))
    go.set()
    for look in (writer.wait, writer.wait, lambda: writer.do(lambda: done.append(2))):
        with pytest.raises(OSError, match="No space"):
            look()
    writer.finish()
    assert not done


def test_without_a_thread_work_is_done_at_once():
    writer, done = Writer(), []
    writer.do(lambda: done.append(threading.current_thread()))
    assert done == [threading.current_thread()]
    with pytest.raises(ZeroDivisionError):
        writer.do(lambda: 1 / 0)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_what_is_written_later_is_what_was_saved(name, tmp_path, monkeypatch):
    """Weights, optimizer (some count their steps in a tensor) and progress change before they are written."""
    model = make_tagger()
    optimizer = build_optimizer(model, settings(optimizer=name))

    def step():
        for parameter in model.parameters():
            parameter.grad = torch.ones_like(parameter)
        optimizer.step()

    def save(state):
        state.save_best(model)
        state.save(model, progress, optimizer=optimizer, random=random)

    step()
    before, progress, random = weights(model), {"step": 1}, random_states(1)
    save(TrainingState(tmp_path / "now"))
    gate, later = Gate(monkeypatch), TrainingState(tmp_path / "later")
    with later.writing(in_background=True):
        save(later)
        progress["step"] = 2
        step()
        assert not same(weights(model), before)
        gate.open()
    files = sorted(file.relative_to(tmp_path / "now") for file in (tmp_path / "now").rglob("*") if file.is_file())
    assert len(files) == 5
    assert all((tmp_path / "now" / file).read_bytes() == (tmp_path / "later" / file).read_bytes() for file in files)


def test_saving_does_not_wait_for_the_disk(tmp_path, monkeypatch):
    gate = Gate(monkeypatch)
    model = make_tagger()
    optimizer = build_optimizer(model, settings())
    state = TrainingState(tmp_path)
    with state.writing(in_background=True):
        state.save(model, {"step": 1}, optimizer=optimizer, random=random_states(1))
        assert not state.is_written()
        assert not (tmp_path / "last").exists()
        gate.open()
        assert state.is_written(wait=True)
        assert state.saved_step() == 1
        state.save(model, {"step": 2}, optimizer=optimizer, random=random_states(1))
        assert state.saved_step() == 2  # which waits


def test_of_states_that_wait_for_the_disk_there_is_one(tmp_path, monkeypatch):
    gate, model = Gate(monkeypatch), make_tagger()
    optimizer, state = build_optimizer(model, settings()), TrainingState(tmp_path)
    saved = []

    def save_often():
        with state.writing(in_background=True):
            for step in range(3):
                state.save(model, {"step": step}, optimizer=optimizer, random=random_states(1))
                state.save_best(model)
                saved.append(step)

    training = threading.Thread(target=save_often)
    training.start()
    time.sleep(0.5)
    assert saved == [0]
    gate.open()
    training.join(SECONDS)
    assert saved == [0, 1, 2]
    assert state.saved_step() == 2


@pytest.mark.parametrize("number", [2, 17, 40])
@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_lost_and_resumed(number, optimizer, tmp_path, in_background, slow):
    """Of a crash the state of an earlier step may be left than with plain files, but a whole one."""
    scores = {"evaluate": lambda model: {"score": float(weights(model)["outer.weight"].sum())}, "evaluate_every": 3}
    values = {"checkpoint_every": 2, "log_every": 1, "optimizer": optimizer, "learning_rate": 0.05, **scores}
    expected, lines = whole(tmp_path / "whole", **values)
    folder = tmp_path / "parts"
    folder.mkdir()
    with pytest.raises(CrashError):
        run_again(folder, number, crash, **values)
    model = run_again(folder, 0, crash, **values)
    assert same(weights(model), expected)
    assert history(folder) == lines


def test_when_a_stop_is_told_the_state_is_on_the_disk(tmp_path, in_background, slow):
    with pytest.raises(Interrupted, match="after step 3 of 15; the state is saved"):
        run_again(tmp_path, 8, interrupt)
    assert TrainingState(tmp_path / "checkpoints").saved_step() == 3


def test_no_process_ends_before_the_state_is_on_the_disk(tmp_path, in_background, slow, monkeypatch):
    """One that ended with an error would have the others killed."""
    seen = []

    def meet(accelerator):
        state = TrainingState(tmp_path / "checkpoints")
        seen.append(state.saved_step() if state.exists() else None)

    monkeypatch.setattr(RunAccelerator, "wait_for_everyone", meet)
    with pytest.raises(Interrupted, match="after step 3 of 15"):
        run_again(tmp_path, 8, interrupt, checkpoint_every=2)
    assert seen[-1] == 3


def test_a_checkpoint_is_told_once_it_is_on_the_disk(tmp_path, in_background, slow):
    class Looking(Told):
        def checkpoint(self, step):
            super().checkpoint(step)
            assert TrainingState(tmp_path / "checkpoints").saved_step() >= step

    told = Looking()
    fit(make_tagger(), FEATURES, tmp_path, callbacks=[told], **PLAN | {"checkpoint_every": 4})
    assert [step for kind, step in told.events if kind == "checkpoint"] == [4, 8, 12]


def test_a_checkpoint_before_an_early_stop_is_told(tmp_path, in_background, slow):
    told, values = Told(), {**PLAN, "checkpoint_every": 2, "evaluate_every": 1, "early_stopping": 4}
    fit(make_tagger(), FEATURES, tmp_path, callbacks=[told], evaluate=lambda model: {"score": 0.5}, **values)
    assert [step for kind, step in told.events if kind == "checkpoint"] == [2, 4]


def test_weights_that_cannot_be_written_end_the_training_soon(tmp_path, in_background, monkeypatch):
    """Not only where the next state is saved."""

    def fail(tensors, file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint_module, "save_tensors", fail)
    evaluated = []
    values = {**PLAN, "epochs": 40, "checkpoint_every": 1000, "evaluate_every": 1}

    def evaluate(model):
        evaluated.append(1)
        time.sleep(0.01)
        return {"score": 0.5}

    with pytest.raises(OSError, match="No space left"):
        fit(make_tagger(), FEATURES, tmp_path, evaluate=evaluate, **values)
    assert len(evaluated) < 10


def test_a_full_disk_ends_the_training_and_the_state_before_is_kept(tmp_path, in_background, monkeypatch):
    save, names = checkpoint_module.save_tensors, []

    def fail_in_the_second_state(tensors, file):
        names.append(file.name)
        if names.count("optimizer.safetensors") == 2:
            raise OSError(28, "No space left on device")
        save(tensors, file)

    monkeypatch.setattr(checkpoint_module, "save_tensors", fail_in_the_second_state)
    with pytest.raises(OSError, match="No space left"):
        fit(make_tagger(), FEATURES, tmp_path, collate=at_batch(0, crash), **PLAN | {"checkpoint_every": 2})
    assert TrainingState(tmp_path / "checkpoints").saved_step() == 2
    assert not any(thread.name.startswith("taskzoo-writer") for thread in threading.enumerate())


def test_the_best_weights_are_put_back(tmp_path, in_background, slow):
    scores, seen = iter([0.1, 0.9, 0.2]), []

    def evaluate(model):
        seen.append(weights(model))
        return {"score": next(scores)}

    model = make_tagger()
    fit(model, make_features(38), tmp_path, evaluate=evaluate, **PLAN)
    assert same(weights(model), seen[1])
