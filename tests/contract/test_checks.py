"""The checks find what they are for: tasks with one fault each fail, for the right reason."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from taskzoo import Encoded, Row, registry
from taskzoo.metrics.base import WeightedMetric
from taskzoo.task import Option, TaskSpec
from taskzoo.testing import Bench, TaskContract, checks
from taskzoo_ner.metrics import SpanF1
from taskzoo_ner.task import NerTask

MakeBench = Callable[[type], Bench]


@pytest.fixture
def bench_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[MakeBench]:
    """A function from a task class to a bench that believes it to be ``ner``."""
    registry.tasks()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)

    def make(cls: type) -> Bench:
        monkeypatch.setattr("taskzoo.registry.lookup.load_task", lambda name: cls)
        return Bench("ner", tmp_path, family="bert", size=16)

    yield make
    torch.set_num_threads(threads)


def fails(bench: Bench, check: Callable[[Bench], None], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check(bench)


def test_every_check_has_a_result(bench_of: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    def check_nothing(bench: Bench) -> None:
        raise ValueError("two\nlines")

    monkeypatch.setattr(checks, "CHECKS", (checks.check_spec, checks.check_rows, check_nothing))
    results = list(checks.run_checks(bench_of(NerTask)))
    assert [(r.check, r.ok, r.reason) for r in results] == [
        ("spec", True, ""),
        ("rows", True, ""),
        ("nothing", False, "ValueError: two lines"),
    ]


def test_the_class_and_the_command_make_the_same_checks() -> None:
    methods = {name.removeprefix("test_") for name in vars(TaskContract) if name.startswith("test_")}
    assert methods == {check.__name__.removeprefix("check_") for check in checks.CHECKS}


def test_a_mean_is_no_sum(bench_of: MakeBench) -> None:
    class Mean(NerTask):
        def loss(self, outputs: Any, batch: Any, *, label_smoothing: float = 0.0) -> Any:
            total, weight = super().loss(outputs, batch, label_smoothing=label_smoothing)
            return total / weight, torch.ones(())

    fails(bench_of(Mean), checks.check_loss, "must be a sum")
    fails(bench_of(Mean), checks.check_accumulation, "train differently")


def test_padding_that_is_seen(bench_of: MakeBench) -> None:
    class Unmasked(NerTask):
        def collator(self, tokenizer: Any) -> Any:
            collate = super().collator(tokenizer)

            def without_mask(features: Sequence[Any]) -> Any:
                batch = collate(features)
                batch["inputs"]["attention_mask"] = torch.ones_like(batch["inputs"]["attention_mask"])
                return batch

            return without_mask

    fails(bench_of(Unmasked), checks.check_batching, "predicted otherwise|row by row")


def test_labels_in_the_order_of_rows(bench_of: MakeBench) -> None:
    class Unsorted(NerTask):
        def fit(self, rows: Sequence[Row]) -> None:
            super().fit(rows)
            self.labels = ["O", *dict.fromkeys(t for row in rows for tag in row["tags"] if tag != "O" for t in (
                f"B-{tag[2:]}", f"I-{tag[2:]}"))]  # fmt: skip

    fails(bench_of(Unsorted), checks.check_encoding, "order of the training rows")


def test_learning_from_test_rows(bench_of: MakeBench) -> None:
    class Peeks(NerTask):
        seen = 0

        def prepare(self, rows: Sequence[Row], split: str) -> list[Row]:
            if split == "test":
                self.seen = sum(len(str(row.fields)) for row in rows)
            return super().prepare(rows, split)

        def state(self) -> dict[str, Any]:
            return {**super().state(), "seen": self.seen}

    fails(bench_of(Peeks), checks.check_fit, "depends on validation or test rows: seen")


def test_a_parameter_that_is_never_used(bench_of: MakeBench) -> None:
    class Idle(NerTask):
        def head(self, checkpoint: str, **loading: Any) -> Any:
            model = super().head(checkpoint, **loading)
            model.idle = torch.nn.Linear(2, 2)
            return model

    fails(bench_of(Idle), checks.check_gradients, r"no gradient reaches idle\.weight, idle\.bias")
    checks.check_gradients(bench_of(Idle), without=["idle"])


def test_state_that_forgets(bench_of: MakeBench) -> None:
    class Forgets(NerTask):
        def state(self) -> dict[str, Any]:
            return {"labels": list(reversed(self.labels)), "options": self.options}

        @classmethod
        def from_state(cls, state: Mapping[str, Any]) -> Forgets:
            task = cls(state["options"])
            task.labels = sorted(state["labels"])
            return task

    fails(bench_of(Forgets), checks.check_state, r"another state: labels\[")


def test_state_that_is_no_json(bench_of: MakeBench) -> None:
    class Arrays(NerTask):
        def state(self) -> dict[str, Any]:
            return {**super().state(), "weights": np.ones(2)}

    with pytest.raises((AssertionError, TypeError), match="JSON"):
        checks.check_state(bench_of(Arrays))


def test_predictions_that_are_no_json(bench_of: MakeBench) -> None:
    class Floats(NerTask):
        def assemble(self, rows: Sequence[Row], parts: Any) -> list[dict[str, Any]]:
            return [{**p, "score": np.float32(1)} for p in super().assemble(rows, parts)]

    with pytest.raises((AssertionError, TypeError), match="JSON"):
        checks.check_predictions(bench_of(Floats))


def test_metrics_that_do_not_add_up(bench_of: MakeBench) -> None:
    class Relative(SpanF1):
        def statistics(self, predictions: Sequence[Any], references: Sequence[Any]) -> np.ndarray:
            return super().statistics(predictions, references) / len(predictions)

    class Task(NerTask):
        def metrics(self) -> Any:
            return [Relative()]

    fails(bench_of(Task), checks.check_metrics, "depends on the others")


def test_metrics_that_ask_the_network(bench_of: MakeBench) -> None:
    class Online(SpanF1):
        def scores(self, total: np.ndarray) -> dict[str, float]:
            import sys

            if any(name == "check_metrics" for name in _callers(sys._getframe())):
                socket.create_connection(("example.invalid", 80), timeout=1)
            return super().scores(total)

    class Task(NerTask):
        def metrics(self) -> Any:
            return [Online()]

    bench = bench_of(Task)
    assert bench.run.metrics  # made before the check, which alone finds itself among the callers
    fails(bench, checks.check_metrics, "reach the network")


class WeightedSpanF1(WeightedMetric):
    """Span F1 in the second form."""

    _info = SpanF1._info

    def statistics(self, predictions: Sequence[Any], references: Sequence[Any]) -> np.ndarray:
        return SpanF1().statistics(predictions, references)

    def weighted_scores(self, statistics: np.ndarray, weights: np.ndarray) -> dict[str, float]:
        return SpanF1().scores(weights @ statistics)


def with_metric(metric: Any) -> type:
    class Task(NerTask):
        def metrics(self) -> Any:
            return [metric()]

    return Task


def test_metrics_of_the_second_form(bench_of: MakeBench) -> None:
    class Undefined(WeightedSpanF1):
        def weighted_scores(self, statistics: np.ndarray, weights: np.ndarray) -> dict[str, float]:
            return {**super().weighted_scores(statistics, weights), "pearson": float("nan")}

    bench = bench_of(with_metric(Undefined))
    checks.check_metrics(bench)
    assert bench.run.metrics["test"]["pearson"] is None


class Unweighted(WeightedSpanF1):
    def weighted_scores(self, statistics: np.ndarray, weights: np.ndarray) -> dict[str, float]:
        return super().weighted_scores(statistics, np.ones(len(weights)))


class Both(WeightedSpanF1):
    scores = SpanF1.scores


class OutOfRange(WeightedSpanF1):
    def weighted_scores(self, statistics: np.ndarray, weights: np.ndarray) -> dict[str, float]:
        return {**super().weighted_scores(statistics, weights), "log_loss": -0.5}


class Nothing(WeightedSpanF1):
    def weighted_scores(self, statistics: np.ndarray, weights: np.ndarray) -> dict[str, float]:
        return {"f1": float("nan")}


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (Unweighted, "weights give .*, the rows repeated as often"),
        (Both, "either scores.. or weighted_scores"),
        (OutOfRange, "log_loss=-0.5 is not between"),
        (Nothing, "right answers score f1=nan"),
    ],
)
def test_metrics_that_are_wrong_in_the_second_form(bench_of: MakeBench, metric: type, message: str) -> None:
    fails(bench_of(with_metric(metric)), checks.check_metrics, message)


def _callers(frame: Any) -> Iterator[str]:
    while frame is not None:
        yield frame.f_code.co_name
        frame = frame.f_back


def test_rows_that_vanish(bench_of: MakeBench) -> None:
    class Drops(NerTask):
        def encode(self, rows: Sequence[Row], tokenizer: Any) -> Encoded:
            encoded = super().encode(rows, tokenizer)
            return Encoded([f for f in encoded.features if f["row"] != 3], encoded.counts)

    fails(bench_of(Drops), checks.check_encoding, "gave features for")


def test_a_member_that_is_missing(bench_of: MakeBench) -> None:
    class Partial:
        primary_metric = "f1"

        def __init__(self, options: Mapping[str, Any]) -> None: ...

        def fit(self, rows: Sequence[Row]) -> None: ...

    fails(bench_of(Partial), checks.check_protocol, "lacks assemble, collator, decode")


def test_specs_that_hide_or_forget(bench_of: MakeBench) -> None:
    good: dict[str, Any] = {"summary": "s", "columns": {"text": "t"}, "demo": "taskzoo_ner:demo", "formats": ("conll",)}
    for fault, message in (
        ({"summary": ""}, "no one-line summary"),
        ({"columns": {}}, "no columns"),
        ({"demo": None}, "no demo set"),
        ({"formats": ("xml",)}, "xml"),
        ({"options": {"seed": Option(1, "help")}}, "hides the engine setting"),
        ({"options": {"mode": Option("a", "help", choices=("b",))}}, "not among its choices"),
        ({"options": {"mode": Option("a", "")}}, "no help"),
    ):
        bench = bench_of(NerTask)
        bench.__dict__["spec"] = TaskSpec("ner", "taskzoo_ner.task:NerTask", **{**good, **fault})  # type: ignore[arg-type]
        fails(bench, checks.check_spec, message)


def test_a_task_is_adapted_to_the_model_before_it_encodes(bench_of: MakeBench) -> None:
    class Adapted(NerTask):
        width = 0

        def adapt(self, tokenizer: Any, config: Any) -> None:
            self.width = config.hidden_size

        def encode(self, rows: Sequence[Row], tokenizer: Any) -> Encoded:
            assert self.width == 32
            return super().encode(rows, tokenizer)

    checks.check_encoding(bench_of(Adapted))
