"""What callbacks are told, in which order, and that they cannot stop a training."""

from __future__ import annotations

import json
import math

import pytest
import torch

from taskzoo.callbacks import Callback, RunFacts
from taskzoo.engine.events import tell
from taskzoo.engine.history import History
from taskzoo.errors import Interrupted

from .kit import Told, encode, fit, history, make_features, make_tagger, same, weights
from .test_resume import at_batch, interrupt

FEATURES = make_features(40)


def test_events_come_in_order(tmp_path):
    told = Told()
    fit(
        make_tagger(),
        FEATURES,
        tmp_path,
        callbacks=[told],
        evaluate=lambda model: {"score": 0.5},
        epochs=2,
        log_every=2,
    )
    assert told.events == [
        ("training_started", 0),
        ("step", 2),
        ("evaluation", 2),
        ("checkpoint", 2),
        ("step", 4),
        ("evaluation", 4),
    ]


def test_a_resumed_training_says_where_it_starts(tmp_path):
    told = [Told(), Told()]
    with pytest.raises(Interrupted):
        fit(make_tagger(), FEATURES, tmp_path, callbacks=told[:1], collate=at_batch(2, interrupt), epochs=2)
    fit(make_tagger(), FEATURES, tmp_path, callbacks=told[1:], epochs=2)
    assert told[0].events == [("training_started", 0), ("step", 1), ("step", 2), ("checkpoint", 2)]
    assert told[1].events == [("training_started", 2), ("step", 3), ("step", 4)]


def test_what_the_model_predicts_after_each_evaluation(tmp_path):
    rows, trained = encode(FEATURES[:3]), []

    class Shown(Callback):
        def __init__(self):
            self.seen = []

        def validated(self, step, examples, predict):
            assert list(examples) == []
            self.seen.append((step, predict(rows)))

    for callbacks in ([], [shown := Shown()]):
        (tmp_path / str(len(callbacks))).mkdir()
        model = make_tagger(dropout=0.3)
        fit(model, FEATURES, tmp_path / str(len(callbacks)), callbacks=callbacks, evaluate=lambda model: {"score": 0.5})
        trained.append(weights(model))
    assert same(*trained), "predicting draws no random number that training would have drawn"
    assert [step for step, _ in shown.seen] == [2]
    with torch.no_grad():
        after = [model.eval()(torch.tensor([f["input_ids"]])).logits.argmax(-1)[0].tolist() for f in FEATURES[:3]]
    assert [prediction["labels"] for _, found in shown.seen for prediction in found] == after


def test_one_that_fails_is_dropped_with_a_warning_and_training_goes_on(tmp_path):
    class Failing(Callback):
        calls = 0

        def step(self, values):
            Failing.calls += 1
            raise ValueError("no\nnetwork")

    told, said = Told(), []

    class Reporter:
        say = said.append

    callbacks = [Failing(), told]
    tell(callbacks, Reporter, "step", {"step": 1})
    assert callbacks == [told]
    assert said == ["warning   the callback Failing failed in step() and is dropped: ValueError: no network"]
    progress = fit(make_tagger(), FEATURES, tmp_path, callbacks=[Failing()], epochs=2)
    assert progress.step == 4
    assert Failing.calls == 2
    assert len(history(tmp_path)) == 4


def test_a_disk_that_fails_under_the_history_stops_the_training(tmp_path, monkeypatch):
    """It would be cut off, and the run called finished."""
    append, lines = History._append, []

    def full_at_the_third(self, values):
        lines.append(values)
        if len(lines) == 3:
            raise OSError(28, "No space left on device")
        append(self, values)

    monkeypatch.setattr(History, "step", full_at_the_third)
    with pytest.raises(OSError, match="No space left"):
        fit(make_tagger(), FEATURES, tmp_path, log_every=1, epochs=2)


def test_the_history_has_one_fitted_layer_and_no_line_after_the_saved_state(tmp_path):
    file = tmp_path / "history.jsonl"
    file.write_text('{"step": 0, "probe": {"penalty": 1}}\n{"step": 1}\n{"step": 2}\n{"st', encoding="utf-8")
    lines = History()
    lines.run_started(RunFacts(tmp_path, {}, {}))
    lines.training_started(1)
    lines.step({"step": 2, "loss": 0.5, "grad_norm": math.inf})  # of fp16: JSON has no such number
    lines.fitted({"step": 0, "probe": {"penalty": 3}})
    found = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert found == [{"step": 1}, {"step": 2, "loss": 0.5, "grad_norm": None}, {"step": 0, "probe": {"penalty": 3}}]


def test_a_layer_that_is_fitted_again_begins_the_history_anew(tmp_path):
    """As in a run that was killed before its first state was saved, whose start was scored already."""
    file = tmp_path / "history.jsonl"
    whole = ['{"step": 0, "probe": {"penalty": 1}}', '{"step": 0, "validation_f1": 0.5}']
    for left in ("\n".join(whole) + "\n", whole[0] + "\n" + whole[1][:9], whole[0][:14]):
        file.write_text(left, encoding="utf-8")
        lines = History()
        lines.run_started(RunFacts(tmp_path, {}, {}))
        lines.fitted({"step": 0, "probe": {"penalty": 1}})
        lines.training_started(0)
        lines.evaluation({"step": 0, "validation_f1": 0.5})
        assert file.read_text(encoding="utf-8").splitlines() == whole
