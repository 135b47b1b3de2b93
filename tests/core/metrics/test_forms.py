"""What all metrics promise: weights that equal repetition, work offline, clear refusals, scores with a meaning."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskzoo.engine.scoring import Predictions, score
from taskzoo.errors import DataError
from taskzoo.metrics.base import CorpusMetric
from taskzoo.metrics.intervals import bootstrap_intervals
from taskzoo.metrics.multi_label import MultiLabel
from taskzoo.metrics.paired import difference_interval
from taskzoo.metrics.regression import Regression
from taskzoo.metrics.single_label import SingleLabel
from taskzoo.types import Metric, Score

LABELS = ["a/x", "a/y", "b"]
Examples = list[dict[str, Any]]
Draw = Callable[[np.random.Generator, int], tuple[Examples, Examples]]


def single(generator: np.random.Generator, rows: int, labels: Sequence[str] = LABELS) -> tuple[Examples, Examples]:
    """Coarse probabilities, so that there are ties, and now and then a gold label that the metric does not know."""
    probabilities = generator.dirichlet(np.ones(len(labels)), size=rows).round(1)
    predictions = [{"label": labels[p.argmax()], "_probabilities": p, "text": "t"} for p in probabilities]
    return predictions, [{"label": generator.choice([*labels, "a/new"])} for _ in range(rows)]


def two(generator: np.random.Generator, rows: int) -> tuple[Examples, Examples]:
    return single(generator, rows, LABELS[:2])


def multi(generator: np.random.Generator, rows: int) -> tuple[Examples, Examples]:
    probabilities = generator.random((rows, 3)).round(1)
    predictions = [
        {"labels": [name for name, q in zip(LABELS, p, strict=True) if q > 0.4], "_probabilities": p, "scores": {}}
        for p in probabilities
    ]
    gold = generator.random((rows, 4)) < 0.4
    return predictions, [{"labels": [n for n, g in zip([*LABELS, "new"], row, strict=True) if g]} for row in gold]


def values(generator: np.random.Generator, rows: int) -> tuple[Examples, Examples]:
    one, other = generator.normal(size=(2, rows)).round(1).tolist()
    return [{"value": v, "text": "t"} for v in one], [{"value": v} for v in other]


METRICS: dict[str, tuple[Callable[[], Any], Draw]] = {
    "single": (lambda: SingleLabel(LABELS), single),
    "hierarchy": (lambda: SingleLabel(LABELS, hierarchy="/"), single),
    "two labels": (lambda: SingleLabel(LABELS[:2]), two),
    "multi": (lambda: MultiLabel(LABELS), multi),
    "regression": (lambda: Regression(mean=0.5), values),
}
every_metric = pytest.mark.parametrize(("make", "draw"), METRICS.values(), ids=METRICS)


def agree(one: dict[str, float], two: dict[str, float]) -> bool:
    return one.keys() == two.keys() and all(one[n] == pytest.approx(two[n], abs=1e-9, nan_ok=True) for n in one)


@every_metric
@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), times=st.lists(st.integers(0, 3), min_size=1, max_size=12).filter(any))
def test_counting_an_example_twice_equals_having_it_twice(make: Any, draw: Draw, seed: int, times: list[int]) -> None:
    metric = make()
    predictions, references = draw(np.random.default_rng(seed), len(times))
    weighted = metric.scorer(metric.statistics(predictions, references))(np.array(times, dtype=np.float64))
    sides = (predictions, references)
    again = [[example for example, n in zip(side, times, strict=True) for _ in range(n)] for side in sides]
    assert agree(weighted, metric.scorer(metric.statistics(*again))(np.ones(sum(times))))


@every_metric
def test_the_bootstrap_equals_explicit_resampling(make: Any, draw: Draw) -> None:
    metric, samples = make(), 50
    statistics = metric.statistics(*draw(np.random.default_rng(0), 30))
    ours = bootstrap_intervals(30, metric.scorer(statistics), samples=samples, seed=3)
    generator = np.random.default_rng(3)
    drawn = [statistics[generator.integers(30, size=30)] for _ in range(samples)]
    found = [metric.scorer(resampled)(np.ones(30)) for resampled in drawn]
    for name, interval in ours.items():
        assert interval == pytest.approx(tuple(np.nanpercentile([f[name] for f in found], [2.5, 97.5])), abs=1e-9)


@every_metric
@pytest.mark.filterwarnings("error")
def test_nothing_to_score_is_undefined(make: Any, draw: Draw) -> None:
    metric = make()
    scores = metric.compute(predictions=[], references=[])
    assert scores
    assert np.isnan(list(scores.values())).all()
    assert set(metric.details([], [])) == set(metric.details(*draw(np.random.default_rng(0), 3)))


@every_metric
def test_statistics_of_an_example_depend_on_no_other(make: Any, draw: Draw) -> None:
    metric = make()
    predictions, references = draw(np.random.default_rng(1), 9)
    together = metric.statistics(predictions, references)
    assert together.dtype == np.float64
    alone = [metric.statistics([p], [r]) for p, r in zip(predictions, references, strict=True)]
    assert (np.concatenate(alone) == together).all()


@every_metric
def test_every_score_is_declared_and_in_its_range(make: Any, draw: Draw) -> None:
    metric = make()
    for seed in range(10):
        for name, value in metric.compute(*draw(np.random.default_rng(seed), 20)).items():
            (meaning,) = [score for score in metric.scores if score.describes(name)]
            assert np.isnan(value) or meaning.range[0] <= value <= meaning.range[1], name


@every_metric
def test_references_can_be_predictions(make: Any, draw: Draw) -> None:
    metric = make()
    _, references = draw(np.random.default_rng(3), 20)
    known = references
    if draw is not values:
        known = [r for r in references if set(r.get("labels", [r.get("label", "b")])) <= {*metric.labels}]
    scores = metric.compute(predictions=known, references=known)
    perfect = {score.name for score in metric.scores if not score.higher_is_better}
    for name, value in scores.items():
        if name not in ("mse_of_mean", "f1_samples"):
            assert value == pytest.approx(0.0 if name in perfect else 1.0, abs=1e-6), name


@every_metric
def test_scores_and_details_are_plain_numbers(make: Any, draw: Draw) -> None:
    import json

    metric = make()
    sides = draw(np.random.default_rng(4), 40)
    assert all(type(value) is float for value in metric.compute(predictions=sides[0], references=sides[1]).values())
    assert metric.details(*sides) == json.loads(json.dumps(metric.details(*sides), allow_nan=False))


@every_metric
def test_refusals_name_the_example(make: Any, draw: Draw) -> None:
    metric = make()
    predictions, references = draw(np.random.default_rng(5), 3)
    key = next(iter(references[0]))
    with pytest.raises(DataError, match="2 predictions for 3 references"):
        metric.statistics(predictions[:2], references)
    with pytest.raises(DataError, match=f"Example 1 of the references has no '{key}'"):
        metric.compute(predictions=predictions, references=[references[0], {}, references[2]])


@pytest.mark.parametrize("name", ["single", "multi"])
def test_probabilities_that_fit_no_labels_are_refused(name: str) -> None:
    make, draw = METRICS[name]
    predictions, references = draw(np.random.default_rng(6), 3)
    short = [predictions[0], {**predictions[1], "_probabilities": np.ones(2)}, predictions[2]]
    with pytest.raises(DataError, match="Example 1 has 2 probabilities for 3 labels"):
        make().statistics(short, references)
    broken = [*predictions[:2], {**predictions[2], "_probabilities": np.full(3, np.nan)}]
    with pytest.raises(DataError, match="Example 2 has probabilities that are not finite"):
        make().statistics(broken, references)


def test_values_that_are_not_finite_are_refused() -> None:
    with pytest.raises(DataError, match="Example 0 has values that are not finite"):
        Regression().statistics([{"value": float("inf")}], [{"value": 0.0}])


def hits(predictions: Sequence[Any], references: Sequence[Any]) -> np.ndarray:
    return np.array([[float(p["label"] == r["label"]), 1.0] for p, r in zip(predictions, references, strict=True)])


class Share(CorpusMetric):
    """A metric of the short form."""

    scores = (Score("share"),)

    def statistics(self, predictions: Sequence[Any], references: Sequence[Any]) -> np.ndarray:
        return hits(predictions, references)

    def from_sums(self, total: np.ndarray) -> dict[str, float]:
        return {"share": float(total[0] / total[1])}


class Other(Metric):
    """The same in the long form."""

    scores = (Score("other"),)

    def statistics(self, predictions: Sequence[Any], references: Sequence[Any]) -> np.ndarray:
        return hits(predictions, references)

    def scorer(self, statistics: np.ndarray) -> Any:
        return lambda weights: {"other": float(weights @ statistics[:, 0] / weights.sum())}


def test_the_engine_scores_both_forms_alike() -> None:
    class Task:
        def references(self, examples: Sequence[Any]) -> Examples:
            return [{"label": "b"}] * 20

        def metrics(self) -> list[Any]:
            return [Share(), Other(), SingleLabel(LABELS[1:])]

    predictions = [{"label": LABELS[1 + i % 2], "_probabilities": [0.5, 0.5]} for i in range(20)]
    found = score(Task(), [None] * 20, Predictions(predictions), intervals=True)  # type: ignore[arg-type, list-item]
    assert found.scores["share"] == found.scores["other"] == found.scores["accuracy"] == 0.5
    assert found.intervals["share"] == found.intervals["other"] == found.intervals["accuracy"]
    written = found.to_dict()
    assert (written["roc_auc"], written["roc_auc_ci95"]) == (None, None)  # one kind of gold: undefined


class ReciprocalRank(Metric):
    """The mean over queries of one by the rank of the best relevant candidate; an example is a candidate."""

    scores = (Score("mrr"),)

    def statistics(self, predictions: Sequence[Any], references: Sequence[Any]) -> np.ndarray:
        queries: dict[str, list[tuple[float, bool]]] = {}
        for prediction, reference in zip(predictions, references, strict=True):
            queries.setdefault(reference["query"], []).append((-prediction["value"], reference["relevant"]))
        ranked = [[relevant for _, relevant in sorted(candidates)] for candidates in queries.values()]
        return np.array([1 / (1 + relevant.index(True)) for relevant in ranked])

    def scorer(self, statistics: np.ndarray) -> Any:
        return lambda weights: {"mrr": float(weights @ statistics / weights.sum())}


def test_a_metric_may_be_about_groups_of_examples() -> None:
    """Its units, which the bootstrap draws, are fewer than the examples."""
    generator = np.random.default_rng(0)
    values = generator.random(40).round(3)
    references = [{"query": f"q{i % 8}", "relevant": i // 8 == i % 5} for i in range(40)]
    metric, better = ReciprocalRank(), [{"value": v + r["relevant"]} for v, r in zip(values, references, strict=True)]
    worse = [{"value": value} for value in values]
    assert metric.compute(better, references) == {"mrr": 1.0}
    statistics = metric.statistics(worse, references)
    assert len(statistics) == 8
    ((low, high),) = bootstrap_intervals(len(statistics), metric.scorer(statistics), samples=200).values()
    assert low < metric.compute(worse, references)["mrr"] < high
    first, second = (metric.scorer(metric.statistics(side, references)) for side in (better, worse))
    low, high = difference_interval(8, lambda w: first(w)["mrr"], lambda w: second(w)["mrr"], samples=200)
    assert 0 < low < high < 1


def test_work_offline_in_a_fresh_process_and_leave_nothing(tmp_path: Path) -> None:
    code = (
        "from taskzoo.metrics.multi_label import MultiLabel\n"
        "from taskzoo.metrics.regression import Regression\n"
        "from taskzoo.metrics.single_label import SingleLabel\n"
        "one, many, value = [{'label': 'a'}], [{'labels': ['a']}], [{'value': 1.0}]\n"
        "print(SingleLabel(['a', 'b']).compute(predictions=one, references=one)['accuracy'],\n"
        "      MultiLabel(['a', 'b']).compute(predictions=many, references=many)['f1_micro'],\n"
        "      Regression().compute(predictions=value, references=value)['mse'])\n"
        "import sys\n"
        "print('sklearn' in sys.modules, 'evaluate' in sys.modules, 'torch' in sys.modules)\n"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "XDG_"))}
    environment = {**kept, "HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["1.0", "1.0", "0.0", "False", "False", "False"], done.stderr
    assert list(tmp_path.rglob("*")) == []
