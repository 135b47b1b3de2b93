"""Learning curves: what is drawn, that each subset is scored as a run of its own would be, and what is said of it."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

import pytest

import taskzoo
from taskzoo.engine import last_layer, probe
from taskzoo.errors import Interrupted, RequestError
from taskzoo.runs import execute
from taskzoo.runs import learning_curve as subsets
from taskzoo.runs.curve import Curve, Outcome, look_ahead, metric_of
from taskzoo.runs.learning_curve import learning_curve
from taskzoo.runs.plan import Plan, make_plan
from taskzoo.runs.request import DataRequest, RunRequest, resolve_request
from taskzoo.runs.wording import curve_limits, curve_verdict
from taskzoo.types import Score

from .kit import read

WORDS = {"music": ["song", "choir", "violin"], "food": ["bread", "soup", "rice"], "rain": ["cloud", "storm", "fog"]}
PRECISE = {"precision": "fp32", "pooling": "mean", "seed": 3}


def rows(count: int, seed: int) -> list[dict[str, Any]]:
    """Texts of one class each, no two alike."""
    chance = random.Random(seed)
    labels = list(WORDS)
    return [
        {"text": f"{chance.choice(WORDS[labels[i % 3]])} {chance.choice('abcdefgh')} {seed}{i}", "label": labels[i % 3]}
        for i in range(count)
    ]


TRAIN, VALIDATION = rows(60, 1), rows(30, 2)


@pytest.fixture(scope="module")
def plan(model: Path) -> Any:
    """A function from a task, rows and settings to a plan."""

    def make(
        task: str = "classification",
        train: list[dict[str, Any]] = TRAIN,
        validation: list[dict[str, Any]] = VALIDATION,
        test: Any = (),
        **settings: Any,
    ) -> Plan:
        settings = {"method": "linear-probe", **PRECISE, **settings}
        data = DataRequest(train=train, validation=validation, test=test)
        return make_plan(resolve_request(RunRequest(task, str(model), data, settings)), data.memory)

    return make


def scores(outcome: Outcome) -> dict[str, float]:
    return {name: value for name, value in outcome.metrics.items() if isinstance(value, float)}


def test_every_text_is_encoded_once_for_all_subsets(plan: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[int] = []
    encode_once = last_layer.encode_once

    def counted(session: Any, features: Any, title: str, **more: Any) -> Any:
        encoded.append(len(features))
        return encode_once(session, features, title, **more)

    for module in (last_layer, probe):
        monkeypatch.setattr(module, "encode_once", counted)
    curve = learning_curve(plan(), tmp_path / "curve", sizes="6,15,30,all", repeats=2)
    assert encoded[-2:] == [60, 30]
    assert encoded[:-2] == [1]  # whether the head suits at all
    assert [(o.rows, o.seed) for o in curve.outcomes] == [(6, 3), (6, 4), (15, 3), (15, 4), (30, 3), (30, 4), (60, 3)]
    assert {o.metrics["rows"] for o in curve.outcomes} == {30}


def test_smaller_subsets_are_part_of_larger_ones_and_seeds_differ(
    plan: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Any] = []

    def record(plan: Plan, chosen: Any, *rest: Any) -> Any:
        drawn.extend(chosen)
        yield from ()

    monkeypatch.setattr(subsets, "probe_subsets", record)
    learning_curve(plan(), tmp_path / "curve", sizes="6,15,30", repeats=2)
    for seed in (3, 4):
        small, middle, large = (set(d.indices) for d in drawn if d.seed == seed)
        assert small < middle < large
        assert (len(small), len(middle), len(large)) == (6, 15, 30)
    assert drawn[0].indices != drawn[1].indices


@pytest.mark.parametrize("long_texts", ["truncate", "windows"])
def test_a_probe_of_a_subset_has_the_scores_of_a_run_on_its_rows(
    plan: Any, model: Path, tmp_path: Path, long_texts: str
) -> None:
    longer = [{**row, "text": " ".join([row["text"]] * 8)} for row in TRAIN]
    settings = {"long_texts": long_texts, "max_length": 24}
    request = plan(train=longer, **settings)
    drawn: list[Any] = []
    original = subsets.probe_subsets
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subsets, "probe_subsets", lambda p, s, *rest: drawn.extend(s) or original(p, s, *rest))
        curve = learning_curve(request, tmp_path / "curve", sizes="9,21,40", repeats=1)
    assert drawn[1].rows == 21
    run = taskzoo.finetune(
        "classification",
        model=str(model),
        train=[longer[i] for i in drawn[1].indices],
        validation=VALIDATION,
        test=[],
        output=tmp_path / "run",
        method="linear-probe",
        **PRECISE,
        **settings,
    )
    expected = run.metrics["validation"]
    found = scores(curve.outcomes[1])
    assert found["f1_macro"] == pytest.approx(expected["f1_macro"], abs=1e-6)
    assert found["log_loss"] == pytest.approx(expected["log_loss"], rel=1e-3)


def test_other_methods_make_a_run_of_each_subset_and_keep_no_weights(plan: Any, model: Path, tmp_path: Path) -> None:
    settings = {"method": "full", "max_steps": 2, "batch_size": 4}
    request = plan(**settings)
    path = tmp_path / "curve"
    curve = learning_curve(request, path, sizes="6,12,18", repeats=1)
    assert sorted(p.name for p in (path / "runs").iterdir()) == ["12-3", "18-3", "6-3"]
    for folder in (path / "runs").iterdir():
        assert {item.name for item in folder.iterdir()} == {"manifest.json", "metrics.json", "history.jsonl"}
    manifest = read(path / "runs" / "6-3" / "manifest.json")
    assert manifest["rows"] == {"train": 6, "validation": 30, "test": 0}
    assert manifest["splits"]["subset"] == {"rows": 6, "seed": 3}
    kept = read(path / "curve.json")
    assert [subset["rows"] for subset in kept["subsets"]] == [6, 12, 18]
    assert kept["subsets"][0]["scores"]["f1_macro"] == scores(curve.outcomes[0])["f1_macro"]
    assert kept["config"]["training"]["max_steps"] == 2


def test_the_task_of_a_run_knows_its_subset_only(plan: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weighted: list[list[float]] = []
    original = execute.start

    def start(one: Plan, path: Path, **rest: Any) -> Any:
        weighted.append(one.task.state()["head"]["state"]["class_weights"])
        return original(one, path, **rest)

    monkeypatch.setattr(execute, "start", start)
    uneven = [*TRAIN, *({"text": f"more {i}", "label": "food"} for i in range(40))]
    request = plan(train=uneven, method="full", max_steps=1, class_weights="balanced")
    before = request.task.state()["head"]["state"]["class_weights"]
    learning_curve(request, tmp_path / "curve", sizes="3,10,20", repeats=1)
    assert weighted[0] == pytest.approx([1.0, 1.0, 1.0])  # one row of each
    assert request.task.state()["head"]["state"]["class_weights"] == before != pytest.approx([1.0, 1.0, 1.0])


def test_test_rows_are_not_looked_at(plan: Any, tmp_path: Path) -> None:
    test = [{"text": "a test row", "label": "food"}]
    with_test = learning_curve(plan(test=test), tmp_path / "a", sizes="6,12,24", repeats=1)
    without = learning_curve(plan(), tmp_path / "b", sizes="6,12,24", repeats=1)
    assert [scores(o) for o in with_test.outcomes] == [scores(o) for o in without.outcomes]


def test_numbers_are_drawn_by_chance_and_their_error_falls(plan: Any, tmp_path: Path) -> None:
    chance = random.Random(5)
    labelled = [{"text": f"{'good ' * (i % 7)}{i}", "label": i % 7 + 0.5 * chance.random()} for i in range(80)]
    request = plan("sentiment", train=labelled[:60], validation=labelled[60:], kind="intensity")
    curve = learning_curve(request, tmp_path / "curve", sizes="8,20,all", repeats=2)
    kept = read(tmp_path / "curve" / "curve.json")
    assert kept["metric"] == "mse"
    assert not kept["higher_is_better"]
    assert kept["forecast"]["ci95"][0] <= kept["forecast"]["score"] <= kept["forecast"]["ci95"][1]
    assert set(curve.sizes) == {8, 20, 60}


def test_entities_take_the_full_method_only(plan: Any, tmp_path: Path) -> None:
    sentences = [{"tokens": ["Ada", "saw", str(i)], "tags": ["B-PER", "O", "O"]} for i in range(40)]
    settings = {"train": sentences[:30], "validation": sentences[30:], "precision": "fp32"}
    with pytest.raises(RequestError, match="method=full or method=lora"):
        learning_curve(_entities(plan, **settings), tmp_path / "probe")
    assert not (tmp_path / "probe").exists()
    request = _entities(plan, **settings, method="full", max_steps=1)
    curve = learning_curve(request, tmp_path / "full", sizes="4,8,16", repeats=1)
    assert curve.score.name == "f1"


def _entities(plan: Any, **settings: Any) -> Plan:
    with pytest.MonkeyPatch.context() as patch:
        patch.delitem(PRECISE, "pooling")
        made: Plan = plan("ner", **settings)
    return made


def test_a_subset_with_nothing_to_learn_is_refused_before_anything_is_written(plan: Any, tmp_path: Path) -> None:
    sentences = [{"tokens": ["it", "rained", str(i)], "tags": ["O"] * 3} for i in range(200)]
    sentences[0] = {"tokens": ["Ada", "slept"], "tags": ["B-PER", "O"]}
    request = _entities(plan, train=sentences, validation=sentences, method="full", max_steps=1)
    with pytest.raises(RequestError, match=r"A subset of 4 rows will not do.*no entity"):
        learning_curve(request, tmp_path / "curve", sizes="4,8,16", repeats=1)
    assert not (tmp_path / "curve").exists()


def test_without_validation_rows_there_is_nothing_to_score_on(plan: Any, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="scored on validation rows"):
        learning_curve(plan(validation=[]), tmp_path / "curve")


def test_an_interruption_keeps_the_scores_so_far(plan: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original, calls = execute.start, []

    def start(*given: Any, **settings: Any) -> Any:
        calls.append(given)
        if len(calls) == 2:
            raise Interrupted("Stopped after step 1 of 2; the state is saved.")
        return original(*given, **settings)

    monkeypatch.setattr(execute, "start", start)
    path = tmp_path / "curve"
    with pytest.raises(Interrupted, match="Stopped in subset 2 of 3"):
        learning_curve(plan(method="full", max_steps=1), path, sizes="6,12,18", repeats=1)
    kept = json.loads((path / "curve.json").read_text(encoding="utf-8"))
    assert [subset["rows"] for subset in kept["subsets"]] == [6]
    assert kept["forecast"] is None


MSE = Score("mse", higher_is_better=False, range=(0.0, math.inf))
BLEU = Score("bleu", range=(0.0, 100.0), unit="%")


class TestVerdict:
    """A curve made by hand, and what is said of it."""

    @staticmethod
    def curve(score: Score | str, values: dict[int, list[float | None]], **extra: Any) -> Curve:
        score = score if isinstance(score, Score) else Score(score)
        outcomes = [
            Outcome(size, seed, {score.name: value, **extra}, 0.0)
            for size, found in values.items()
            for seed, value in enumerate(found)
        ]
        made = Curve(score, 100, outcomes)
        made.forecast = look_ahead(made)
        return made

    def test_a_rising_score(self) -> None:
        rising = {n: [1 - 0.8 * n**-0.4 + d for d in (-0.002, 0.0, 0.002)] for n in (16, 32, 64, 128, 256, 512)}
        curve = self.curve("accuracy", rising)
        expected = 1 - 0.8 * 1024**-0.4
        assert curve.forecast is not None
        assert curve.forecast.rows == 1024
        assert curve.forecast.score == pytest.approx(expected, abs=0.01)
        assert curve.forecast.low <= curve.forecast.score <= curve.forecast.high <= 1
        assert curve_verdict(curve).startswith(
            "Doubling the labels to 1,024 should bring accuracy from 0.934 to about 0.95"
        )

    def test_a_flat_score(self) -> None:
        said = curve_verdict(self.curve("accuracy", {16: [0.898, 0.9], 64: [0.9, 0.9], 256: [0.9, 0.902]}))
        assert said.startswith("More labels like these will bring little: accuracy is about 0.90")
        assert "(512)" in said

    def test_a_noisy_score(self) -> None:
        noisy = {16: [0.2, 0.6], 64: [0.5, 0.3], 256: [0.4, 0.7]}
        said = curve_verdict(self.curve("f1", noisy))
        assert "may bring f1" in said
        assert "do not determine" in said

    def test_a_falling_error_is_a_gain_and_a_rising_one_is_none(self) -> None:
        falling = {n: [4 * n**-0.5, 4.05 * n**-0.5] for n in (16, 32, 64, 128)}
        assert "should bring mse from 0.356 to about 0.25" in curve_verdict(self.curve(MSE, falling))
        rising = {n: [0.1 * n**0.5, 0.101 * n**0.5] for n in (16, 32, 64, 128)}
        assert "no better here: 0.402 with 16, 1.137 with 128" in curve_verdict(self.curve(MSE, rising))

    def test_scores_in_percent(self) -> None:
        curve = self.curve(BLEU, {n: [100 - 90 * n**-0.2, 100 - 91 * n**-0.2] for n in (16, 64, 256)})
        assert curve.forecast is not None
        assert 70 < curve.forecast.score < 100

    @pytest.mark.parametrize(
        ("metric", "values"),
        [
            ("accuracy", {16: [0.5, 0.6], 64: [0.7, 0.8]}),
            ("accuracy", {16: [0.5], 64: [0.7], 256: [0.8]}),
            ("accuracy", {16: [None, None], 64: [0.7, 0.8], 256: [0.7, 0.8]}),
            (Score("gain", range=(0.0, math.inf)), {16: [500.0, 501.0], 64: [600.0, 601.0], 256: [700.0, 701.0]}),
        ],
    )
    def test_no_forecast_where_there_is_no_base_for_it(self, metric: str, values: Any) -> None:
        curve = self.curve(metric, values)
        assert curve.forecast is None
        assert curve_verdict(curve).startswith("There is no forecast")

    def test_an_error_in_percent_falls_to_nothing(self) -> None:
        falling = {n: [80 * n**-0.5, 81 * n**-0.5] for n in (16, 32, 64, 128)}
        curve = self.curve(Score("ter", higher_is_better=False, range=(0.0, math.inf), unit="%"), falling)
        assert curve.best == 0.0
        assert "should bring ter from" in curve_verdict(curve)

    def test_the_interval_counts_what_the_validation_rows_leave_open_but_not_in_the_gain(self) -> None:
        rising = {n: [1 - 0.8 * n**-0.4 + d for d in (-0.002, 0.0, 0.002)] for n in (16, 32, 64, 128, 256, 512)}
        alone = self.curve("accuracy", rising)
        last = rising[512][-1]
        counted = self.curve("accuracy", rising, accuracy_ci95=[last - 0.04, last + 0.03])
        assert alone.forecast is not None
        assert counted.forecast is not None
        assert counted.forecast.score == alone.forecast.score
        below = alone.forecast.score - alone.forecast.low
        assert counted.forecast.low == pytest.approx(alone.forecast.score - math.hypot(below, 0.04))
        above = alone.forecast.high - alone.forecast.score
        assert counted.forecast.high == pytest.approx(min(1.0, alone.forecast.score + math.hypot(above, 0.03)))
        assert counted.forecast.gains
        assert alone.forecast.gains
        assert "should bring accuracy" in curve_verdict(counted)

    def test_limits_name_what_the_validation_rows_leave_open(self) -> None:
        curve = self.curve("accuracy", {16: [0.5], 64: [0.7], 256: [0.8]}, accuracy_ci95=[0.72, 0.88])
        assert "100 validation rows" in curve_limits(curve)
        assert "between 0.720 and 0.880" in curve_limits(curve)


def test_the_metric_is_the_primary_one_or_the_first_with_a_unit() -> None:
    assert metric_of("f1_macro", ["accuracy", "f1_macro"]) == "f1_macro"
    assert metric_of("loss", ["mse", "mae", "loss"]) == "mse"
    assert metric_of("loss", ["loss"]) == "loss"
