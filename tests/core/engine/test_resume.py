"""An interrupted and resumed training ends as an uninterrupted one, bit for bit."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from taskzoo.config import OPTIMIZERS
from taskzoo.engine import bookkeeping
from taskzoo.engine import checkpoint as checkpoint_module
from taskzoo.engine.checkpoint import TrainingState
from taskzoo.engine.interrupt import STOPPING, StopRequest
from taskzoo.engine.optim import build_optimizer, build_schedule
from taskzoo.engine.random_state import RandomState, differ, random_states
from taskzoo.errors import Interrupted, RequestError

from .kit import Tagger, collate, fit, history, make_features, make_tagger, same, settings, weights

FEATURES = make_features(38)
PLAN = {"epochs": 3, "batch_size": 8, "micro_batch_size": 3, "schedule": "cosine", "warmup": 2, "log_every": 4}
STEPS = 15  # 5 an epoch, the last of them of 6 examples


class CrashError(Exception):
    """Stands for a lost machine: nothing gets to tidy up."""


def batches_in(steps: int) -> int:
    """How many micro-batches the first steps of an epoch may have at most (8 in parts of 3: three)."""
    return 3 * steps


def at_batch(number: int, act: Callable[[], None]) -> Callable:
    """A collator that calls ``act`` when it makes its ``number``-th batch, and draws from every random source."""
    calls = 0

    def collate_and_act(features):
        nonlocal calls
        calls += 1
        if calls == number:
            act()
        batch = collate(features)
        if random.random() + np.random.random() < 0.5:  # as an augmenting collator would
            batch.inputs["input_ids"][0, 0] = 1 + int(random.random() * 9)
        return batch

    return collate_and_act


def interrupt() -> None:
    signal.raise_signal(signal.SIGINT)


def crash() -> None:
    raise CrashError


def seed() -> None:
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)


def whole(folder, **values):
    """Weights and history of an uninterrupted training."""
    folder.mkdir()
    model = make_tagger(dropout=0.3)
    seed()
    fit(model, FEATURES, folder, collate=at_batch(0, crash), **{**PLAN, **values})
    return weights(model), history(folder)


def run_again(folder, number, act, **values):
    """A new process, as far as one process can be: fresh model, other random state."""
    model = make_tagger(dropout=0.3, seed=0)
    if not (folder / "checkpoints").exists():
        seed()
    fit(model, FEATURES, folder, collate=at_batch(number, act), **{**PLAN, **values})
    return model


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_interrupted_in_mid_epoch(tmp_path, optimizer):
    values = {"optimizer": optimizer, "learning_rate": 0.05}
    expected, lines = whole(tmp_path / "whole", **values)
    folder = tmp_path / "parts"
    folder.mkdir()
    with pytest.raises(Interrupted, match=r"after step 3 of 15"):
        run_again(folder, 8, interrupt, **values)
    assert [line["step"] for line in history(folder)] == []  # the first line is due at step 4
    model = run_again(folder, 0, crash, **values)
    assert same(weights(model), expected)
    assert history(folder) == lines


def test_interrupted_where_steps_are_counted_in_tokens(tmp_path):
    values = {"batch_tokens": 60, "optimizer": "adamw", "learning_rate": 0.05, "evaluate_every": 0}
    expected, lines = whole(tmp_path / "whole", **values)
    folder = tmp_path / "parts"
    folder.mkdir()
    for number in (7, 17):  # in the first epoch and in the second
        with pytest.raises(Interrupted):
            run_again(folder, number, interrupt, **values)
    model = run_again(folder, 0, crash, **values)
    assert same(weights(model), expected)
    assert history(folder) == lines


def test_interrupted_twice(tmp_path):
    expected, lines = whole(tmp_path / "whole", optimizer="adamw", learning_rate=0.05)
    folder = tmp_path / "parts"
    folder.mkdir()
    for number in (10, 14):
        with pytest.raises(Interrupted):
            run_again(folder, number, interrupt, optimizer="adamw", learning_rate=0.05)
    model = run_again(folder, 0, crash, optimizer="adamw", learning_rate=0.05)
    assert same(weights(model), expected)
    assert history(folder) == lines


@pytest.mark.parametrize("every", [1, 4])
@pytest.mark.parametrize("number", [2, 17, 40])
def test_lost_and_resumed_from_the_last_checkpoint(tmp_path, every, number):
    values = {"checkpoint_every": every, "log_every": 1}
    expected, lines = whole(tmp_path / "whole", **values)
    folder = tmp_path / "parts"
    folder.mkdir()
    with pytest.raises(CrashError):
        run_again(folder, number, crash, **values)
    with open(folder / "history.jsonl", "a", encoding="utf-8") as file:
        file.write('{"step": 4, "lo')  # the line that was being written
    model = run_again(folder, 0, crash, **values)
    assert same(weights(model), expected)
    assert history(folder) == lines


def saves(folder, monkeypatch, *, seconds=0.0, **values):
    """Train, and the steps at which a checkpoint was saved, which takes so long."""
    steps, save = [], TrainingState.save

    def counted(self, model, progress, **parts):
        steps.append(progress["step"])
        time.sleep(seconds)
        save(self, model, progress, **parts)

    monkeypatch.setattr(TrainingState, "save", counted)
    whole(folder, **values)
    monkeypatch.setattr(TrainingState, "save", save)
    return steps


def test_checkpoints_are_due_by_time(tmp_path, monkeypatch):
    often = {"checkpoint_every": 1000, "checkpoint_minutes": 1e-9}
    monkeypatch.setattr(bookkeeping, "SAVING", 1e9)
    assert saves(tmp_path / "each", monkeypatch, **often) == list(range(1, 15))
    assert saves(tmp_path / "none", monkeypatch, **often | {"checkpoint_minutes": 0.0}) == []
    assert saves(tmp_path / "later", monkeypatch, **often | {"checkpoint_minutes": 10.0}) == []


def test_checkpoints_by_time_take_a_small_share_of_it(tmp_path, monkeypatch):
    """One that takes a second is followed by 49 seconds of training at least: here it remains the only one."""
    often = {"checkpoint_every": 1000, "checkpoint_minutes": 1e-9}
    assert saves(tmp_path / "a", monkeypatch, seconds=1.0, **often) == [1]


def test_lost_between_the_two_halves_of_replacing_a_checkpoint(tmp_path, monkeypatch):
    expected, lines = whole(tmp_path / "whole", checkpoint_every=2)
    folder = tmp_path / "parts"
    folder.mkdir()
    replace, calls = os.replace, []

    def fail_at_the_third(source, target):
        if target.name == "last":
            calls.append(source)
            if len(calls) == 3:
                raise CrashError
        replace(source, target)

    monkeypatch.setattr(checkpoint_module.os, "replace", fail_at_the_third)
    with pytest.raises(CrashError):
        run_again(folder, 0, crash, checkpoint_every=2)
    monkeypatch.undo()
    assert not (folder / "checkpoints" / "last").exists()
    assert TrainingState(folder / "checkpoints").exists()
    model = run_again(folder, 0, crash, checkpoint_every=2)
    assert same(weights(model), expected)
    assert history(folder) == lines


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-7])


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2 + 1] ^= 4
    file.write_bytes(content)


def empty(file: Path) -> None:
    file.write_bytes(b"")


def other(file: Path) -> None:
    file.write_bytes(b'{"a": []}')


DAMAGES = [cut, flip, empty, other, Path.unlink]
STATE_FILES = ["model.safetensors", "optimizer.safetensors", "random.safetensors", "state.json"]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", STATE_FILES)
def test_where_the_last_checkpoint_is_damaged_the_one_before_serves(tmp_path, capsys, name, damage):
    values = {"checkpoint_every": 2, "optimizer": "adamw", "log_every": 1}
    expected, lines = whole(tmp_path / "whole", **values)
    folder = tmp_path / "parts"
    folder.mkdir()
    with pytest.raises(CrashError):
        run_again(folder, 25, crash, **values)
    state = TrainingState(folder / "checkpoints")
    last = state.saved_step()
    damage(folder / "checkpoints" / "last" / name)
    assert state.saved_step() == last - 2
    assert name in state.notes[0]
    model = run_again(folder, 0, crash, **values)
    assert same(weights(model), expected)
    assert history(folder) == lines


def test_a_damaged_checkpoint_does_not_take_the_place_of_a_whole_one(tmp_path, monkeypatch):
    """Whatever befalls the first save after it was noticed."""
    values = {"checkpoint_every": 2, "optimizer": "adamw", "log_every": 1}
    expected, _ = whole(tmp_path / "whole", **values)
    folder = tmp_path / "parts"
    folder.mkdir()
    with pytest.raises(CrashError):
        run_again(folder, 25, crash, **values)
    cut(folder / "checkpoints" / "last" / "model.safetensors")
    kept = TrainingState(folder / "checkpoints").saved_step()
    for place in ("flush", "rename"):
        with monkeypatch.context() as patch:
            patch.setattr(checkpoint_module, place, lambda *_: crash())
            with pytest.raises(CrashError):
                run_again(folder, 0, crash, **values)
        assert TrainingState(folder / "checkpoints").saved_step() == kept
    assert same(weights(run_again(folder, 0, crash, **values)), expected)


def test_where_both_checkpoints_are_damaged_nothing_is_trained(tmp_path):
    with pytest.raises(CrashError):
        run_again(tmp_path, 25, crash, checkpoint_every=2)
    for folder in ("last", "before"):
        cut(tmp_path / "checkpoints" / folder / "model.safetensors")
    with pytest.raises(RequestError, match=r"last/model\.safetensors cannot be read.*before/model.*start it again"):
        run_again(tmp_path, 0, crash, checkpoint_every=2)


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_best_weights_are_known_before_more_is_trained(tmp_path, damage):
    scores = {5: 0.9, 10: 0.1, 15: 0.2}
    steps = iter(scores)
    values = {"evaluate": lambda model: {"score": scores[next(steps)]}, "evaluate_every": 5, "checkpoint_every": 1}
    with pytest.raises(CrashError):
        run_again(tmp_path, 25, crash, **values)
    damage(tmp_path / "checkpoints" / "best.safetensors")
    with pytest.raises(RequestError, match=r"best weights so far are damaged \(checkpoints/best\.safetensors"):
        run_again(tmp_path, 1, crash, **values)


def test_damaged_best_weights_that_are_those_of_the_state_are_written_again(tmp_path):
    model, best = make_tagger(), tmp_path / "best.safetensors"
    optimizer = build_optimizer(model, settings())
    schedule = build_schedule(optimizer, settings(), lambda: 5)
    state = TrainingState(tmp_path)
    state.save(
        model,
        {"step": 5, "best_score": 0.5, "best_step": 5},
        optimizer=optimizer,
        random=random_states(1),
        schedule=schedule,
    )
    state.save_best(model)
    before = best.read_bytes()
    cut(best)
    state.restore(model, optimizer=optimizer, schedule=schedule)
    assert best.read_bytes() == before


def test_a_learning_rate_that_was_changed_counts_from_there_on(tmp_path):
    values = {"checkpoint_every": 2, "log_every": 1, "schedule": "linear"}
    with pytest.raises(CrashError):
        run_again(tmp_path, 25, crash, learning_rate=1e-2, **values)
    run_again(tmp_path, 0, crash, learning_rate=1e-3, **values)
    rates = {line["step"]: line["learning_rate"] for line in history(tmp_path)}
    assert rates[7] == pytest.approx(10 * rates[11] * (15 - 6) / (15 - 10))


def test_history_that_cannot_be_rewritten_keeps_its_lines(tmp_path, monkeypatch):
    values = {"checkpoint_every": 2, "log_every": 1}
    with pytest.raises(CrashError):
        run_again(tmp_path, 25, crash, **values)
    before = (tmp_path / "history.jsonl").read_bytes()
    monkeypatch.setattr("taskzoo.durable.os.replace", lambda *_: crash())
    with pytest.raises(CrashError):
        run_again(tmp_path, 0, crash, **values)
    assert (tmp_path / "history.jsonl").read_bytes() == before


def test_a_best_model_from_before_the_interruption_is_kept(tmp_path):
    scores = {5: 0.9, 10: 0.1, 15: 0.2}
    seen = {}

    def evaluate(model):
        step = 5 * (1 + len(seen))
        seen[step] = weights(model)
        return {"score": scores[step]}

    with pytest.raises(Interrupted, match="step 8"):
        run_again(tmp_path, batches_in(7) + 2, interrupt, evaluate=evaluate)
    model = run_again(tmp_path, 0, crash, evaluate=evaluate)
    assert same(weights(model), seen[5])


def test_a_run_interrupted_at_its_early_stop_stops_when_resumed(tmp_path):
    evaluations = 0

    def evaluate(model):
        nonlocal evaluations
        evaluations += 1
        return {"score": 1.0 / evaluations}

    values = {"evaluate_every": 1, "early_stopping": 2, "micro_batch_size": 0}
    with pytest.raises(Interrupted):
        run_again(tmp_path, 3, interrupt, evaluate=evaluate, **values)
    run_again(tmp_path, 0, crash, evaluate=evaluate, **values)
    assert evaluations == 3


@pytest.mark.parametrize(("number", "said"), [(2, "no state is saved"), (9, "the state after step 2 is saved")])
def test_ctrl_c_in_a_notebook_stops_at_once_and_names_what_is_saved(tmp_path, number, said):
    """Where no command line has turned it into a request."""

    def press() -> None:
        raise KeyboardInterrupt

    with pytest.raises(Interrupted, match=rf"^Stopped in step \d of 15; {said}\.$"):
        run_again(tmp_path, number, press, checkpoint_every=2)


def test_a_checkpoint_holds_no_pickle(tmp_path):
    with pytest.raises(Interrupted):
        run_again(tmp_path, 5, interrupt, optimizer="adafactor", evaluate=lambda model: {"score": 1.0})
    files = [f for f in (tmp_path / "checkpoints").rglob("*") if f.is_file()]
    assert {f.suffix for f in files} == {".safetensors", ".json"}
    for file in files:
        if file.suffix == ".json":
            json.loads(file.read_text(encoding="utf-8"))
        else:
            load_file(file)


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    with pytest.raises(Interrupted):
        run_again(tmp_path, 5, interrupt)
    with pytest.raises(RequestError, match="does not fit this model"):
        TrainingState(tmp_path / "checkpoints").restore(torch.nn.Linear(2, 2), optimizer=None)


def test_random_states_are_restored(tmp_path):
    model = Tagger()
    optimizer = build_optimizer(model, settings())
    schedule = build_schedule(optimizer, settings(), lambda: 5)
    state = TrainingState(tmp_path)
    np.random.standard_normal()  # leaves a cached second value
    random.gauss(0, 1)
    state.save(model, {"step": 1}, optimizer=optimizer, random=random_states(1), schedule=schedule)
    first = [random.gauss(0, 1), np.random.standard_normal(3).tolist(), torch.rand(3).tolist()]
    assert state.restore(model, optimizer=optimizer, schedule=schedule) == {"step": 1}
    assert [random.gauss(0, 1), np.random.standard_normal(3).tolist(), torch.rand(3).tolist()] == first


def test_each_process_has_its_own_random_numbers(tmp_path):
    """As two processes save them, and as three resume: the third, which has none, keeps its own."""
    model = Tagger()
    optimizer = build_optimizer(model, settings())
    drawn, states = [], []
    for rank in range(2):
        seed()
        differ(7, rank)
        states.append(RandomState.here())
        drawn.append([random.random(), np.random.random(), torch.rand(1).item()])
    assert all(one != other for one, other in zip(*drawn, strict=True))
    state = TrainingState(tmp_path)
    state.save(model, {"step": 1}, optimizer=optimizer, random=states)
    for rank in (1, 0, 2):
        seed()
        state.restore(model, optimizer=optimizer, rank=rank)
        found = [random.random(), np.random.random(), torch.rand(1).item()]
        seed()
        assert found == (drawn[rank] if rank < 2 else [random.random(), np.random.random(), torch.rand(1).item()])


def test_frozen_weights_are_not_saved(tmp_path):
    model = Tagger()
    model.embeddings.requires_grad_(False)
    TrainingState(tmp_path).save_best(model)
    assert "embeddings.weight" not in load_file(tmp_path / "best.safetensors")
    assert "outer.weight" in load_file(tmp_path / "best.safetensors")


@pytest.mark.parametrize("number", STOPPING)
def test_the_first_signal_asks_and_the_second_acts(number):
    received = []
    before = signal.signal(number, lambda *_: received.append(number))
    try:
        with StopRequest() as stop:
            signal.raise_signal(number)
            assert stop()
            assert not received
            signal.raise_signal(number)
            assert received == [number]
        with StopRequest() as stop:
            pass
        signal.raise_signal(number)
        assert not stop()
        assert received == [number, number]
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize("number", STOPPING)
def test_a_signal_that_is_ignored_is_no_request(number):
    """As it is under ``nohup``, and in the background of a script."""
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with StopRequest() as stop:
            signal.raise_signal(number)
            assert not stop()
            assert signal.getsignal(number) is signal.SIG_IGN
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)
