"""When evaluations happen, which of them is best, and when training stops."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from taskzoo.engine.bookkeeping import places
from taskzoo.engine.checkpoint import TrainingState
from taskzoo.engine.job import Job
from taskzoo.errors import TrainingError
from taskzoo.types import Example, Feature, Score

from .kit import TaggingTask, collate, fit, history, make_features, make_tagger, same, weights

FEATURES = make_features(40)


class Script:
    """An evaluation that gives the scores it was told and remembers the weights it saw."""

    def __init__(self, scores: list[float], name: str = "score") -> None:
        self.scores, self.name = scores, name
        self.seen: list[dict[str, torch.Tensor]] = []

    def __call__(self, model: torch.nn.Module) -> dict[str, float]:
        self.seen.append(weights(model))
        return {self.name: self.scores[len(self.seen) - 1]}


NAN = float("nan")


@pytest.mark.parametrize(
    ("metric", "scores", "best"),
    [
        ("score", [0.1, 0.5, 0.3, 0.2], 1),
        ("score", [0.1, 0.5, 0.5, 0.2], 1),  # the first of equals
        ("score", [0.1, 0.2, 0.3, 0.4], 3),
        ("loss", [0.4, 0.1, 0.2, 0.3], 1),
        ("score", [NAN, 0.1, NAN, 0.05], 1),
        ("loss", [NAN, 0.3, 0.1, NAN], 2),
        ("score", [-0.5, -0.1, -0.3, NAN], 1),
        ("mistakes", [0.4, 0.1, 0.2, 0.3], 1),  # the metric says that lower is better
        ("mistakes", [0.4, NAN, 0.2, 0.3], 2),
    ],
)
def test_training_ends_with_the_best_weights(tmp_path, metric, scores, best):
    script = Script(scores, metric)
    model = make_tagger()
    progress = fit(model, FEATURES, tmp_path, task=TaggingTask(metric), evaluate=script, epochs=4)
    assert progress.best_step == 2 * (best + 1)
    assert same(weights(model), script.seen[best])
    assert not same(script.seen[0], script.seen[-1])


class BleuTask(TaggingTask):
    """A score from 0 to 100 that is noise below 1."""

    primary_metric = "bleu"

    def score_of(self, name):
        return Score("bleu", range=(0.0, 100.0), floor=1.0)


@pytest.mark.parametrize(
    ("bleu", "loss", "best"),
    [
        ([0.3, 0.1, 0.2, 0.0], [4.0, 3.0, 2.0, 2.5], 2),  # all of it noise: the least loss
        ([0.9, 0.1, 1.0, 0.9], [2.0, 1.0, 3.0, 0.5], 2),  # the first that is not
        ([1.5, 0.1, 1.2, 1.4], [4.0, 3.0, 2.0, 1.0], 0),
        ([0.5, 2.0, 3.0, 0.5], [1.0, 2.0, 3.0, 0.5], 2),
    ],
)
def test_the_loss_chooses_while_the_score_is_noise(tmp_path, bleu, loss, best):
    values = iter([{"bleu": one, "loss": other} for one, other in zip(bleu, loss, strict=True)])
    evaluate = lambda model: next(values)  # noqa: E731
    progress = fit(make_tagger(), FEATURES, tmp_path, task=BleuTask("bleu"), evaluate=evaluate, epochs=4)
    assert progress.best_step == 2 * (best + 1)
    assert [line["validation_bleu"] for line in history(tmp_path) if "validation_bleu" in line] == bleu


@pytest.mark.parametrize(
    ("scores", "loss", "best"),
    [
        ([NAN] * 4, [4.0, 3.0, 2.0, 2.5], 2),  # undefined on these rows, whatever is predicted
        ([0.0] * 4, [4.0, 3.0, 2.0, 2.5], 2),  # nothing is found, or there is nothing to find
        ([0.0, 0.0, 0.1, 0.0], [4.0, 3.0, 5.0, 2.5], 2),
    ],
)
def test_the_loss_chooses_where_the_score_tells_nothing(tmp_path, scores, loss, best):
    values = iter([{"score": one, "loss": other} for one, other in zip(scores, loss, strict=True)])
    task = TaggingTask("score")
    progress = fit(make_tagger(), FEATURES, tmp_path, task=task, evaluate=lambda _: next(values), rows=9, epochs=4)
    assert progress.best_step == 2 * (best + 1)


@pytest.mark.parametrize(
    ("metric", "rows", "scores", "best"),
    [
        ("score", 100, [0.5, 0.8, 0.77, 0.7], 2),  # a standard error at 0.8 is 0.04
        ("score", 1000, [0.5, 0.8, 0.77, 0.7], 1),  # and here 0.013
        ("score", 1000, [0.5, 0.8, 0.79, 0.788], 3),
        ("score", 100, [0.8, 0.77, 0.85, 0.82], 3),
        ("score", 100, [0.8, 0.77, 0.74, 0.77], 3),
        ("score", 100, [0.0, 0.0, 0.0, 0.0], 3),
        ("score", 100, [1.0, 0.99, 1.0, 0.99], 2),
        ("score", 100, [0.5, NAN, 0.48, NAN], 2),
        ("mistakes", 100, [0.2, 0.21, 0.2, 0.22], 0),
        ("loss", 100, [0.2, 0.21, 0.2, 0.22], 0),
    ],
)
def test_the_last_that_is_not_worse_by_more_than_chance_is_kept(tmp_path, metric, rows, scores, best):
    script, model = Script(scores, metric), make_tagger()
    progress = fit(model, FEATURES, tmp_path, task=TaggingTask(metric), evaluate=script, rows=rows, epochs=4)
    assert (progress.best_step, progress.best_score) == (2 * (best + 1), pytest.approx(scores[best]))
    assert same(weights(model), script.seen[best])


def test_weights_worse_than_those_at_the_start_are_never_kept():
    job = Job(make_tagger(), TaggingTask(), FEATURES, collate, rows=100, score=Score("score"))
    assert job.keeps(0.78, 0.8, 0.77)
    assert job.keeps(0.78, 0.8, 0.78)
    assert not job.keeps(0.78, 0.8, 0.79)
    assert not job.keeps(0.75, 0.8, 0.7)


def test_evaluations_are_in_the_history(tmp_path):
    fit(make_tagger(), FEATURES, tmp_path, evaluate=Script([0.1, 0.2, 0.3]), epochs=3)
    lines = [line for line in history(tmp_path) if "validation_score" in line]
    assert lines == [{"step": step, "validation_score": score} for step, score in ((2, 0.1), (4, 0.2), (6, 0.3))]


@pytest.mark.parametrize(
    ("values", "steps"),
    [
        ({"epochs": 3}, [2, 4, 6]),
        ({"epochs": 3, "evaluate_every": 4}, [4, 6]),
        ({"epochs": 3, "evaluate_every": 100}, [6]),
        ({"max_steps": 3}, [2, 3]),
    ],
)
def test_evaluations_are_every_so_many_steps_and_at_the_end(tmp_path, values, steps):
    fit(make_tagger(), FEATURES, tmp_path, evaluate=Script([0.1] * 9), **values)
    assert [line["step"] for line in history(tmp_path) if "validation_score" in line] == steps


def test_early_stopping(tmp_path):
    script = Script([0.1, 0.4, 0.3, 0.4, 0.9])
    model = make_tagger()
    progress = fit(model, FEATURES, tmp_path, evaluate=script, evaluate_every=1, early_stopping=2, epochs=10)
    assert len(script.seen) == 4  # two evaluations no better than the second
    assert (progress.step, progress.best_step) == (4, 2)
    assert same(weights(model), script.seen[1])


def test_without_an_evaluation_the_last_weights_stay(tmp_path):
    model = make_tagger()
    progress = fit(model, FEATURES, tmp_path, epochs=2)
    assert (progress.step, progress.best_step, progress.best_score) == (4, 0, None)
    assert not (tmp_path / "checkpoints" / "best.safetensors").exists()


def test_a_seed_decides_the_order(tmp_path):
    results = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        (tmp_path / name).mkdir()
        model = make_tagger()
        fit(model, FEATURES, tmp_path / name, seed=seed, epochs=2)
        results.append(weights(model))
    assert same(results[0], results[1])
    assert not same(results[0], results[2])


def test_label_smoothing_trains_on_it_and_reports_the_true_loss(tmp_path):
    lines = {}
    for smoothing in (0.0, 0.3):
        folder = tmp_path / str(smoothing)
        folder.mkdir()
        fit(make_tagger(), FEATURES, folder, learning_rate=0, label_smoothing=smoothing)
        lines[smoothing] = history(folder)
    assert [line["loss"] for line in lines[0.0]] == [line["loss"] for line in lines[0.3]]
    for plain, smoothed in zip(lines[0.0], lines[0.3], strict=True):
        assert abs(plain["grad_norm"] - smoothed["grad_norm"]) > 1e-3


class TestNotFinite:
    def fit(self, tmp_path, bad_batch: int):
        calls = 0

        def poisoned(features):
            nonlocal calls
            calls += 1
            if calls == bad_batch:
                with torch.no_grad():
                    model.outer.weight[0, 0] = float("inf")
            return collate(features)

        model = make_tagger()
        fit(model, FEATURES, tmp_path, collate=poisoned, epochs=3, checkpoint_every=2)

    def test_it_stops_and_keeps_the_checkpoint(self, tmp_path):
        with pytest.raises(TrainingError, match=r"not finite at step 4.*checkpoint is kept.*Lower learning_rate"):
            self.fit(tmp_path, bad_batch=4)
        assert TrainingState(tmp_path / "checkpoints").saved_step() == 2
        assert [line["step"] for line in history(tmp_path)] == [1, 2, 3]

    def test_it_promises_no_checkpoint_where_there_is_none(self, tmp_path):
        with pytest.raises(TrainingError, match="not finite at step 1") as caught:
            self.fit(tmp_path, bad_batch=1)
        assert "kept" not in str(caught.value)
        assert caught.value.exit_code == 1

    def test_it_names_all_rows_that_are_packed_into_a_feature(self):
        session: Any = SimpleNamespace(examples={"train": [Example({}, "data/a.csv", line) for line in range(2, 7)]})
        job: Any = SimpleNamespace(features=[Feature(0, 3, {}, also=(3, 4)), Feature(1, 1, {}), Feature(2, 1, {})])
        assert places(session, job, [1, 0]) == "rows a.csv:2, a.csv:3, a.csv:5, a.csv:6"
