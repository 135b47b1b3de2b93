"""The checks find what they are for: tasks with one fault each fail, for the right reason."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from taskzoo import Batch, Encoded, Example, Feature, Loss, Metric, Option, Row, Score
from taskzoo.errors import RequestError, UnknownNameError
from taskzoo.runs.data import demo_rows
from taskzoo.testing import Bench, TaskContract, checks
from taskzoo.testing.checks import NoRun, NotApplicable
from taskzoo.testing.checks.promise import promise
from taskzoo.types import Scorer
from taskzoo_ner import NER
from taskzoo_ner.metrics import SpanF1
from taskzoo_ner.task import NerTask

MakeBench = Callable[[type], Bench]


@pytest.fixture(scope="module")
def demo_set() -> dict[str, list[Row]]:
    """The demo set, read once."""
    return demo_rows(NER, NerTask(NER.resolve_options({})))


@pytest.fixture
def bench_of(
    demo_set: dict[str, list[Row]],
    tmp_path: Path,
    tiny_checkpoint: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[MakeBench]:
    """A function from a subclass of ``NerTask`` to its bench; all have the same rows and the same checkpoint."""
    monkeypatch.setattr("taskzoo.runs.data.demo_rows", lambda *_: demo_set)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)

    def make(cls: Any) -> Bench:
        cls.spec = NER
        bench = Bench(cls, tmp_path, family="bert", size=16)
        bench.__dict__["checkpoint"] = tiny_checkpoint("bert")
        return bench

    yield make
    torch.set_num_threads(threads)


def fails(bench: Bench, check: Callable[[Bench], None], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check(bench)


def test_every_check_has_a_result(bench_of: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    @promise(why="None.", fix="Nothing.")
    def check_nothing(bench: Bench) -> None:
        raise ValueError("two\nlines")

    monkeypatch.setattr(checks, "CHECKS", (checks.check_spec, checks.check_import, checks.check_rows, check_nothing))
    results = list(checks.run_checks(bench_of(type("Own", (NerTask,), {}))))
    assert [(r.check.name, r.status, r.reason) for r in results] == [
        ("spec", "ok", ""),
        ("import", "skipped", "the task belongs to no plugin"),
        ("rows", "ok", ""),
        ("nothing", "failed", "ValueError: two lines"),
    ]


def test_a_task_that_exits_has_failed_the_check(bench_of: MakeBench) -> None:
    @promise(why="None.", fix="Nothing.")
    def check_first(bench: Bench) -> None:
        raise SystemExit(0)

    @promise(why="None.", fix="Nothing.", after="first")
    def check_second(bench: Bench) -> None:
        raise SystemExit(0)

    bench = bench_of(type("Own", (NerTask,), {}))
    found = [(r.check.name, r.status, r.reason) for r in checks.run_checks(bench, (check_first, check_second))]
    assert found == [("first", "failed", "SystemExit: 0"), ("second", "follows", "mend 'first' first; 0")]


def test_the_class_and_the_command_make_the_same_checks() -> None:
    methods = {name.removeprefix("test_") for name in vars(TaskContract) if name.startswith("test_")}
    assert methods == {check.name.replace(" ", "_") for check in checks.CHECKS}


def test_every_check_has_a_reason_and_advice() -> None:
    names = [check.name for check in checks.CHECKS]
    for number, check in enumerate(checks.CHECKS):
        assert set(check.after) <= set(names[:number]), f"{check.name} comes after those it builds on"
        for text in (check.holds, check.why, check.fix):
            assert text.endswith(".")
            assert 20 < len(text) <= 200
    assert len({check.why for check in checks.CHECKS}) == len({check.fix for check in checks.CHECKS}) == len(names)


def test_a_check_that_fails_after_one_that_it_builds_on_follows(bench_of: MakeBench) -> None:
    @promise(why="None.", fix="Nothing.")
    def check_first(bench: Bench) -> None:
        """The first."""
        raise AssertionError("one thing")

    @promise(why="None.", fix="Nothing.", after="first")
    def check_second(bench: Bench) -> None:
        """The second."""
        raise KeyError("another")

    bench = bench_of(type("Own", (NerTask,), {}))
    found = [(r.check.name, r.status, r.reason) for r in checks.run_checks(bench, (check_first, check_second))]
    assert found == [("first", "failed", "one thing"), ("second", "follows", "mend 'first' first; 'another'")]
    (alone,) = checks.run_checks(bench_of(type("Own", (NerTask,), {})), (check_second,))
    assert (alone.status, alone.reason) == ("failed", "KeyError: 'another'")


def test_an_unexpected_error_shows_where_it_is_in_the_task(
    bench_of: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Breaks(NerTask):
        def references(self, examples: Sequence[Example]) -> list[dict[str, Any]]:
            return [{"tags": example["no such field"]} for example in examples]

    monkeypatch.setattr(checks, "CHECKS", (checks.check_rows,))
    (result,) = checks.run_checks(bench_of(Breaks))
    assert result.status == "failed"
    assert result.reason.startswith("The task Breaks of")
    assert "failed in references(): KeyError: 'no such field'" in result.reason
    assert "[test_checks.py:" in result.reason
    assert 'in references(): return [{"tags": example["no such field"]}' in result.reason


def test_after_a_failed_short_run_the_rest_is_not_run(bench_of: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    class Breaks(NerTask):
        def loss(self, outputs: Any, batch: Batch, *, label_smoothing: float = 0.0) -> Loss:
            raise ValueError("no loss today")

    bench = bench_of(Breaks)
    needing = (checks.check_run, checks.check_accumulation, checks.check_state, checks.check_metrics)
    monkeypatch.setattr(checks, "CHECKS", needing)
    first, *others = checks.run_checks(bench)
    assert first.status == "failed"
    assert "no loss today" in first.reason
    assert {(r.status, r.reason) for r in others} == {("not run", "the short run failed")}
    with pytest.raises(NoRun):
        checks.check_predictions(bench)


@pytest.mark.parametrize("member", ["loss", "collator", "encode", "prepare"])
def test_results_of_another_type(bench_of: MakeBench, member: str) -> None:
    """Tuples, dicts and rows where the contract has types of its own."""

    class Untyped(NerTask):
        def loss(self, outputs: Any, batch: Any, *, label_smoothing: float = 0.0) -> Any:
            loss = super().loss(outputs, batch, label_smoothing=label_smoothing)
            return (loss.total, loss.weight) if member == "loss" else loss

        def collator(self, processor: Any) -> Any:
            collate = super().collator(processor)

            class Other:
                def __init__(self, batch: Batch) -> None:
                    self.inputs, self.targets = batch.inputs, batch.targets

            return (lambda features: Other(collate(features))) if member == "collator" else collate

        def encode(self, examples: Sequence[Example], processor: Any) -> Any:
            encoded = super().encode(examples, processor)
            return encoded.features if member == "encode" else encoded

        def prepare(self, rows: Sequence[Row], split: str) -> Any:
            examples = super().prepare(rows, split)
            return [Row(e.fields, e.source, e.line) for e in examples] if member == "prepare" else examples

    check, message = {
        "loss": (checks.check_loss, r"must return taskzoo\.Loss"),
        "collator": (checks.check_loss, r"must return taskzoo\.Batch"),
        "encode": (checks.check_encoding, r"must return taskzoo\.Encoded"),
        "prepare": (checks.check_rows, r"must return taskzoo\.Example"),
    }[member]
    fails(bench_of(Untyped), check, message)


def test_only_training_rows_reach_fit(bench_of: MakeBench) -> None:
    sources: list[set[str]] = []

    class Spied(NerTask):
        def fit(self, examples: Sequence[Example]) -> None:
            sources.append({example.source for example in examples})
            super().fit(examples)

    assert bench_of(Spied).run.metrics["test"]
    assert sources == [{"train"}]


def test_a_parameter_that_is_never_used(bench_of: MakeBench) -> None:
    class Idle(NerTask):
        def head(self, checkpoint: str, **loading: Any) -> Any:
            model = super().head(checkpoint, **loading)
            model.idle = torch.nn.Linear(2, 2)
            return model

    fails(bench_of(Idle), checks.check_gradients, r"no gradient reaches idle\.weight, idle\.bias")
    named = type("Named", (Idle,), {"parameters_without_gradient": ("idle",)})
    checks.check_gradients(bench_of(named))


def test_a_token_that_no_feature_has(bench_of: MakeBench) -> None:
    class Prompted(NerTask):
        def collator(self, processor: Any) -> Any:
            collate = super().collator(processor)

            def with_prompt(features: Sequence[Any]) -> Batch:
                batch = collate(features)
                batch.inputs["input_ids"][:, 0] = len(processor) - 1
                return batch

            return with_prompt

    class Named(Prompted):
        def token_ids(self, feature: Feature) -> Any:
            return [*super().token_ids(feature), *range(2000)]

    fails(
        bench_of(Prompted), checks.check_token_ids, r"input_ids holds tokens that no feature has .*token_ids\(feature"
    )
    checks.check_token_ids(bench_of(Named))


def test_state_that_is_not_json(bench_of: MakeBench) -> None:
    class Arrays(NerTask):
        def state(self) -> dict[str, Any]:
            return {**super().state(), "weights": np.ones(2)}

    with pytest.raises(Exception, match="JSON"):
        checks.check_state(bench_of(Arrays))


class AnyForm(Metric):
    """Span F1 by a scorer of its own."""

    scores = (*SpanF1.scores, Score("pearson", range=(-1.0, 1.0)), Score("log_loss", False, (0.0, float("inf"))))

    def statistics(self, predictions: Sequence[Any], references: Sequence[Any]) -> np.ndarray:
        return SpanF1().statistics(predictions, references)

    def scorer(self, statistics: np.ndarray) -> Scorer:
        return lambda weights: self.weighted(statistics, weights)

    def weighted(self, statistics: np.ndarray, weights: np.ndarray) -> dict[str, float]:
        return SpanF1().from_sums(weights @ statistics)


def with_metric(metric: Any) -> type:
    class Task(NerTask):
        def metrics(self) -> Any:
            return [metric()]

    return Task


def test_metrics_with_a_scorer_of_their_own(bench_of: MakeBench) -> None:
    class Undefined(AnyForm):
        def weighted(self, statistics: np.ndarray, weights: np.ndarray) -> dict[str, float]:
            return {**super().weighted(statistics, weights), "pearson": float("nan")}

    bench = bench_of(with_metric(Undefined))
    checks.check_metrics(bench)
    assert bench.run.metrics["test"]["pearson"] is None


def test_members_that_are_missing_or_different(bench_of: MakeBench) -> None:
    from taskzoo import Task

    class Partial(Task):
        primary_metric = "f1"

        def fit(self, examples: Sequence[Example]) -> None: ...

    class Renamed(NerTask):
        def encode(self, rows: Any, tokenizer: Any) -> Any:
            return super().encode(rows, tokenizer)

    class Silent(NerTask):
        generates = True

    class OneName(NerTask):
        parameters_without_gradient = "pooler"  # type: ignore[assignment]

    fails(bench_of(Partial), checks.check_members, "lacks assemble, collator")
    fails(bench_of(Renamed), checks.check_members, r"encode\(\) lacks the parameter examples, processor")
    fails(bench_of(Silent), checks.check_members, "needs predict_batch")
    fails(bench_of(OneName), checks.check_members, "must be a tuple of strings")


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"summary": ""}, "no one-line summary"),
        ({"columns": {}}, "no columns"),
        ({"columns": {"text": dataclasses.replace(NER.columns["text"], help="")}}, "column text has no help"),
        ({"demo": None}, "no demo set"),
        ({"formats": ("xml",)}, "xml"),
        ({"options": {"seed": Option(1, "help")}}, "name of a training setting"),
        ({"options": {"mode": Option("a", "help", choices=("b",))}}, "is not one of b"),
        ({"options": {"mode": Option(-5, "help", minimum=0)}}, "at least 0"),
        ({"options": {"mode": Option("a", "")}}, "option mode has no help"),
    ],
)
def test_specs_that_hide_or_forget(bench_of: MakeBench, fault: dict[str, Any], message: str) -> None:
    bench = bench_of(NerTask)
    bench.__dict__["entry"] = dataclasses.replace(bench.entry, spec=dataclasses.replace(NER, **fault))
    fails(bench, checks.check_spec, message)


def test_a_plugin_that_imports_torch(bench_of: MakeBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torch.py").touch()  # quickly imported
    hook = "from taskzoo import hookimpl\n@hookimpl\ndef taskzoo_register_tasks(register):\n    "
    for name, line in (("heavy", "import torch"), ("slow", "import time; time.sleep(1.1)"), ("bad", "nothing_like_it")):
        (tmp_path / f"{name}_plugin.py").write_text(f"{line}\n{hook}pass\n")
        (tmp_path / f"{name}_hook.py").write_text(f"{hook}{line}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("taskzoo.testing.checks.spec.SLOW_IMPORT", 1.0)
    bench = bench_of(NerTask)
    faults = {
        "heavy_plugin": "importing heavy_plugin and calling its hooks imports torch; import",
        "slow_plugin": "takes 1",
        "missing": "hooks failed: ModuleNotFoundError: No module named 'missing'",
        "heavy_hook": "imports torch",
        "slow_hook": "takes 1",
        "bad_plugin": "hooks failed: NameError: name 'nothing_like_it'",
        "bad_hook": "hooks failed: NameError: name 'nothing_like_it'",
    }
    for module, message in faults.items():
        bench.__dict__["plugin_module"] = module
        fails(bench, checks.check_import, message)
    bench.__dict__["plugin_module"] = "taskzoo_ner"
    checks.check_import(bench)
    bench.__dict__["plugin_module"] = ""
    with pytest.raises(NotApplicable):
        checks.check_import(bench)


def test_a_task_is_configured_for_the_model_before_it_encodes(bench_of: MakeBench) -> None:
    class Configured(NerTask):
        width = 0

        def configure(self, processor: Any, config: Any) -> None:
            self.width = config.hidden_size

        def encode(self, examples: Sequence[Example], processor: Any) -> Encoded:
            assert self.width == 32
            return super().encode(examples, processor)

    checks.check_encoding(bench_of(Configured))


def test_a_family_of_a_kind_that_does_not_suit_is_refused(bench_of: MakeBench, tmp_path: Path) -> None:
    class Decoder(NerTask):
        spec = dataclasses.replace(NER, kinds=("decoder",), default_model=None)

    assert Bench(Decoder, tmp_path).family == "gpt2"
    with pytest.raises(RequestError, match="bert is of the kind encoder, and the task needs decoder"):
        Bench(Decoder, tmp_path, family="bert").check_request()
    with pytest.raises(UnknownNameError, match="demo/stars"):
        Bench(Decoder, tmp_path, data="stars").check_request()


def test_a_primary_score_that_is_not_a_number(bench_of: MakeBench) -> None:
    class Nothing(AnyForm):
        def weighted(self, statistics: np.ndarray, weights: np.ndarray) -> dict[str, float]:
            return {"f1": float("nan")}

    fails(bench_of(with_metric(Nothing)), checks.check_metrics, "right answers score f1=nan")
