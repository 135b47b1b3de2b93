"""Modules of ``evaluate`` score any task, and metrics of tasks are modules of ``evaluate``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import evaluate
import numpy as np
import pytest

from taskzoo.engine.scoring import Predictions, score
from taskzoo.errors import DataError, RequestError
from taskzoo.metrics.evaluate_modules import EvaluateMetric, as_evaluate_module
from taskzoo.metrics.multi_label import MultiLabel
from taskzoo.metrics.single_label import SingleLabel
from taskzoo.metrics.translation import TranslationScores
from taskzoo.types import Score

SCRIPT = '''
"""The share of equal answers."""
import datasets
import evaluate

class Same(evaluate.Metric):
    def _info(self):
        kind = {kind}
        return evaluate.MetricInfo(
            description="", citation="", inputs_description="",
            features=datasets.Features({{"predictions": kind, "references": {gold}}}),
        )

    def _compute(self, predictions, references, worth=1.0):
        same = [p == r or [p] == r for p, r in zip(predictions, references)]
        return {{"same": worth * sum(same) / len(same), "first": str(predictions[0]), "count": len(same)}}
'''
INTEGER, FLOAT, TEXT = (f'datasets.Value("{name}")' for name in ("int32", "float64", "string"))


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """A function from the types of the two sides to the path of a module script; nothing is written elsewhere."""
    folder = tmp_path_factory.mktemp("modules")

    def write(kind: str, gold: str = "kind") -> str:
        path = folder / "same" / "same.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(SCRIPT.format(kind=kind, gold=gold), encoding="utf-8")
        return str(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("evaluate.config.HF_MODULES_CACHE", str(folder / "cache"))
        patch.setattr("evaluate.config.HF_METRICS_CACHE", str(folder / "metrics"))
        patch.syspath_prepend(folder / "cache")  # an earlier cache may be there, too
        forget_modules()
        yield write
    forget_modules()


def forget_modules() -> None:
    """Those of another cache folder must not be found in this one."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "evaluate_modules"]:
        del sys.modules[name]


def test_labels_become_ids_where_the_module_wants_them(script: Callable[..., str]) -> None:
    predictions = [{"label": label, "text": "t"} for label in "abca"]
    references = [{"label": label} for label in "abac"]
    metric = EvaluateMetric(script(INTEGER), [Score("same")])
    assert metric.statistics(predictions, references) == [(0, 0), (1, 1), (2, 0), (0, 2)]
    assert metric.compute(predictions, references) == {"same": 0.5}
    ordered = EvaluateMetric(metric.module, labels=["c", "b"])
    assert ordered.statistics(predictions, references) == [(2, 2), (1, 1), (0, 2), (2, 0)]
    assert ordered.compute(predictions, references) == {"same": 0.5, "count": 4.0}  # all numbers
    assert EvaluateMetric(script(TEXT)).statistics(predictions, references)[2] == ("c", "a")


@pytest.mark.parametrize(
    ("kind", "gold", "pair", "expected"),
    [
        (FLOAT, "kind", ({"value": 1.5, "text": "t"}, {"value": 2}), (1.5, 2)),
        (TEXT, "kind", ({"text": "a cat"}, {"targets": ["the cat", "a cat"]}), ("a cat", "the cat")),
        (TEXT, "[kind]", ({"text": "a cat"}, {"targets": ["the", "a cat"]}), ("a cat", ["the", "a cat"])),
        (TEXT, "[kind]", ({"text": "a"}, {"text": "b"}), ("a", ["b"])),
        (TEXT, "[kind]", ({"targets": ["a", "b"]}, {"targets": ["c"]}), ("a", ["c"])),
        (f"[{TEXT}]", "kind", ({"tags": ["O", "B-X"]}, {"tags": ["O", "O"]}), (["O", "B-X"], ["O", "O"])),
        (f"[{INTEGER}]", "kind", ({"tags": ["O", "B"]}, {"tags": ["O", "O"]}), ([1, 0], [1, 1])),
        (f"[{INTEGER}]", "kind", ({"labels": ["y"]}, {"labels": ["x", "z"]}), ([0, 1, 0], [1, 0, 1])),
    ],
)
def test_answers_are_plain(kind: str, gold: str, pair: tuple[Any, Any], expected: Any, script: Any) -> None:
    metric = EvaluateMetric(script(kind, gold))
    assert metric.statistics([pair[0]], [pair[1]]) == [expected]
    assert metric.compute([pair[0]], [pair[1]])["count"] == 1


def test_a_weight_repeats_and_no_interval_is_made(script: Callable[..., str]) -> None:
    metric = EvaluateMetric(script(TEXT), [Score("same"), Score("count", range=(0, 99))], arguments={"worth": 10})
    statistics = metric.statistics([{"text": "a"}, {"text": "b"}], [{"text": "a"}, {"text": "c"}])
    assert metric.scorer(statistics)(np.array([3.0, 1.0])) == {"same": 7.5, "count": 4.0}
    assert np.isnan(list(metric.compute([], []).values())).all()
    assert not metric.resamples


def test_the_engine_takes_it_as_any_metric(script: Callable[..., str]) -> None:
    class Task:
        def references(self, examples: Sequence[Any]) -> list[dict[str, Any]]:
            return [{"label": "b"}] * 20

        def metrics(self) -> list[Any]:
            return [SingleLabel(["a", "b"]), EvaluateMetric(script(INTEGER), [Score("same")])]

    predictions = [{"label": "ab"[i % 2], "_probabilities": [0.5, 0.5]} for i in range(20)]
    found = score(Task(), [None] * 20, Predictions(predictions), intervals=True)  # type: ignore[arg-type, list-item]
    assert found.scores["same"] == found.scores["accuracy"] == 0.5
    assert "accuracy" in found.intervals
    assert "same" not in found.intervals


def test_what_cannot_be_used_is_refused(script: Callable[..., str], tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"The evaluate module '.*missing' cannot be loaded: Couldn't find"):
        EvaluateMetric(str(tmp_path / "missing")).compute([{"label": "a"}], [{"label": "a"}])
    with pytest.raises(RequestError, match="gives no number 'f1', only same, count"):
        EvaluateMetric(script(TEXT), [Score("f1")]).compute([{"label": "a"}], [{"label": "a"}])
    with pytest.raises(DataError, match=r"Example 0 of the references has none of label, labels, .*; it has answer"):
        EvaluateMetric(script(TEXT)).compute([{"label": "a"}], [{"answer": "a"}])
    with pytest.raises(DataError, match="Example 0 of the predictions has no 'label'; it has answer"):
        EvaluateMetric(script(TEXT)).compute([{"answer": "a"}], [{"label": "a"}])


@pytest.mark.parametrize(
    ("metric", "predictions", "references"),
    [
        (
            SingleLabel(["a", "b"]),
            [{"label": "a", "_probabilities": np.array([0.7, 0.3])}] * 2,
            [{"label": "a"}, {"label": "b"}],
        ),
        (MultiLabel(["a", "b"]), [{"labels": ["a"]}, {"labels": []}], [{"labels": ["a", "b"]}, {"labels": ["c"]}]),
        (TranslationScores(), [{"text": "a cat", "more": {"x": 1}}], [{"targets": ["the cat", "cats"]}]),
    ],
)
def test_metrics_are_modules_of_evaluate(metric: Any, predictions: Any, references: Any) -> None:
    module = as_evaluate_module(metric)
    assert isinstance(module, evaluate.Metric)
    expected = pytest.approx(metric.compute(predictions, references), nan_ok=True)
    assert module.compute(predictions=predictions, references=references) == expected
    module.add_batch(predictions=predictions[:-1], references=references[:-1])
    module.add(prediction=predictions[-1], reference=references[-1])
    assert module.compute() == expected
    assert evaluate.combine([module]).compute(predictions=predictions, references=references) == expected
    with pytest.raises(DataError, match="references are missing, give both"):
        module.compute(predictions=predictions)


def test_code_of_the_hub_is_loaded_with_the_option_only(
    script: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def load(name: str, **_: Any) -> str:
        asked.append(name)
        return "module"

    monkeypatch.setattr(evaluate, "load", load)
    for name in ("wer", "owner/wer", "./wer"):
        with pytest.raises(RequestError, match=r"not run without trust_remote_code=True.* path of .*'./wer.py'"):
            _ = EvaluateMetric(name).module
    assert asked == []
    path = script(TEXT)
    assert EvaluateMetric("owner/wer", trust_remote_code=True).module == "module"
    assert EvaluateMetric(path).module == EvaluateMetric(str(Path(path).parent)).module == "module"
    assert asked == ["owner/wer", path, str(Path(path).parent)]
