"""What every task must get right, as plain functions: each raises ``AssertionError`` with a reason a person can use."""

from __future__ import annotations

import inspect
import json
import math
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest import mock

from taskzoo.config import TRAINING_FIELDS
from taskzoo.data.readers import find_splits
from taskzoo.errors import RequestError
from taskzoo.task import CONTRACT_VERSION, Encoded, Option, Row, Task, public

from .bench import SPLITS, Bench

if TYPE_CHECKING:
    import numpy as np

FORMATS = ("conll", "jsonl", "json", "csv", "tsv", "parquet", "parallel", "tmx")
ONE, HUNDRED = (0.0, 1.0), (0.0, 100.0)
RANGES = {
    "accuracy": ONE, "precision": ONE, "recall": ONE, "f1": ONE, "bleu": HUNDRED, "chrf": HUNDRED, "rouge": HUNDRED,
    "ter": (0.0, math.inf), "mse": (0.0, math.inf), "rmse": (0.0, math.inf), "mae": (0.0, math.inf),
    "pearson": (-1.0, 1.0), "spearman": (-1.0, 1.0), "r2": (-math.inf, 1.0), "mcc": (-1.0, 1.0), "hamming": ONE,
    "roc": ONE, "average": ONE, "ece": ONE, "log_loss": (0.0, math.inf), "length": (0.0, math.inf), "empty": ONE,
    "truncated": ONE, "novel": ONE, "coverage": ONE, "density": (0.0, math.inf), "similarity": ONE,
}  # fmt: skip
"""The range of a score by the beginning of its name, up to the first ``_`` or digit where there is no exact entry."""
ZERO_BY_NATURE = ("key.bias", "k_proj.bias", "key_proj.bias", "k_lin.bias")
"""Attention ignores what is added to all keys alike, so these gradients are zero but for rounding."""


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one check; ``reason`` is empty when it passed."""

    check: str
    reason: str
    seconds: float

    @property
    def ok(self) -> bool:
        return not self.reason


# what the registry is told


def check_spec(bench: Bench) -> None:
    """The spec is complete, its options do not hide engine settings, and its class and demo set are there."""
    spec = bench.spec
    _require(spec.summary.strip() and "\n" not in spec.summary, "the spec has no one-line summary")
    _require(spec.columns, "the spec names no columns; `zoo run` cannot find any in a file")
    _require(spec.contract <= CONTRACT_VERSION, f"the spec asks for contract {spec.contract}")
    unknown = [name for name in spec.formats if name not in FORMATS]
    _require(spec.formats and not unknown, f"the formats {unknown or 'are none'}; known are {', '.join(FORMATS)}")
    foreign = [role for role, name in spec.languages.items() if role not in spec.columns or name not in spec.options]
    _require(not foreign, f"languages names {foreign}, which are no columns, or have no option of the name given")
    paired = {"parallel", "tmx"} & set(spec.formats)
    _require(not paired or len(spec.languages) == 2, f"the formats {sorted(paired)} need two roles in `languages`")
    for name, option in spec.options.items():
        _require(isinstance(option, Option), f"the option {name!r} is no taskzoo.Option")
        _require(name not in TRAINING_FIELDS, f"the option {name!r} hides the engine setting of that name; rename it")
        _require(option.help.strip(), f"the option {name!r} has no help")
        choices = option.choices
        _require(not choices or option.default in choices, f"the default of option {name!r} is not among its choices")
    _require(spec.resolve_options({}) is not None, "the default options do not resolve")
    _require(spec.demo, "the spec names no demo set; `zoo run` without data and these checks need one")
    from taskzoo.runs.data import demo_folder

    _require("train" in find_splits(demo_folder(spec)), "the demo set has no training file")


def check_protocol(bench: Bench) -> None:
    """The class has every member of :class:`taskzoo.Task`, with parameters of the same names."""
    task = bench.new_task()
    missing = [name for name in _members() if not hasattr(task, name)]
    _require(not missing, f"{bench.task_class.__name__} lacks {', '.join(missing)} (see taskzoo.Task)")
    _require(isinstance(task, Task), f"{bench.task_class.__name__} does not fulfil taskzoo.Task")
    _require(isinstance(task.primary_metric, str) and task.primary_metric, "primary_metric must be a metric's name")
    for name in _members():
        expected = getattr(Task, name, None)
        if not inspect.isfunction(expected):
            continue
        wanted = [p for p in inspect.signature(expected).parameters if p not in ("self", "cls")]
        found = inspect.signature(getattr(task, name)).parameters
        takes_any = any(p.kind is p.VAR_KEYWORD for p in found.values())
        lacking = [p for p in wanted if p not in found and not takes_any]
        _require(not lacking, f"{name}() lacks the parameter {', '.join(lacking)}; it has {', '.join(found) or 'none'}")


# rows and features


def check_rows(bench: Bench) -> None:
    """Preparing keeps every row; references, signatures and plain texts have their promised forms."""
    task, _ = bench.fitted()
    for split, raw in bench.raw.items():
        rows = task.prepare(raw, split)
        _require(len(rows) == len(raw), f"prepare() made {len(rows)} rows of {len(raw)} ({split})")
        _require(all(isinstance(row, Row) for row in rows), "prepare() must return taskzoo.Row objects")
        lines = [(row.source, row.line) for row in rows]
        _require(lines == [(r.source, r.line) for r in raw], "prepare() loses where a row stands (source and line)")
        references = task.references(rows)
        _require(len(references) == len(rows), f"references() made {len(references)} answers for {len(rows)} rows")
        _json(references, "references()")
        for row in rows:
            signature = task.signature(row)
            good = isinstance(signature, tuple) and len(signature) == 2 and all(isinstance(s, str) for s in signature)
            _require(good, f"signature() must be a pair of strings and is {signature!r}")
    texts = _texts(bench)
    made = len(task.rows_from_texts(texts))
    _require(made == len(texts), f"rows_from_texts() made {made} rows of {len(texts)} texts")


def check_fit(bench: Bench) -> None:
    """Only training rows reach ``fit``, and other splits change nothing that the task has learnt."""
    from taskzoo.config import DataConfig, RunConfig, make_training
    from taskzoo.runs.plan import make_plan

    config = RunConfig(bench.name, str(bench.checkpoint), DataConfig(), bench.options, make_training({"seed": 1}))
    cls, seen = bench.task_class, []
    original = cls.fit

    def spy(self: Any, rows: Sequence[Row]) -> None:
        seen.append([row.source for row in rows])
        original(self, rows)

    with mock.patch.object(cls, "fit", spy):
        plan = make_plan(config, memory=bench.memory)
    _require(len(seen) == 1, f"fit() was called {len(seen)} times in one run")
    strangers = sorted({source for source in seen[0] if source != "train"})
    _require(not strangers, f"rows of {', '.join(strangers)} reached fit()")
    same = make_plan(
        config, memory={**bench.memory, "validation": bench.memory["train"], "test": bench.memory["train"]}
    )
    difference = _difference(plan.task.state(), same.task.state(), 0.0)
    _require(not difference, f"what the task learns depends on validation or test rows: {difference}")


def check_encoding(bench: Bench) -> None:
    """Every row has features the model can take, and neither the order of rows nor a second call changes them."""
    task, rows = bench.fitted()
    encoded = task.encode(rows, bench.tokenizer)
    _check_features(encoded, len(rows), len(bench.tokenizer), bench.tokenizer.model_max_length)
    again = task.encode(rows, bench.tokenizer)
    difference = _difference(_plain(encoded.features), _plain(again.features), 0.0)
    _require(not difference, f"a second encode() of the same rows gives other features: {difference}")

    order = sorted(range(len(rows)), key=lambda i: (i * 7919) % 101)
    shuffled_task, shuffled_rows = bench.fitted([bench.raw["train"][i] for i in order])
    difference = _difference(task.state(), shuffled_task.state(), 0.0)
    _require(not difference, f"the order of the training rows changes what is learnt (sort the labels): {difference}")
    shuffled = shuffled_task.encode(shuffled_rows, bench.tokenizer)
    before, after = _by_row(encoded), _by_row(shuffled)
    for new, old in enumerate(order):
        difference = _difference(_plain(before[old]), _plain(after[new]), 0.0)
        _require(not difference, f"a row is encoded otherwise when the rows are shuffled: {difference}")
    _require(encoded.counts == shuffled.counts, "the counts of encode() depend on the order of the rows")

    plain = task.rows_from_texts(_texts(bench))
    encoded = task.encode(plain, bench.tokenizer)
    _check_features(encoded, len(plain), len(bench.tokenizer), bench.tokenizer.model_max_length)


# learning


def check_gradients(bench: Bench, *, without: Sequence[str] = ()) -> None:
    """Every trainable parameter gets a gradient.

    Args:
        bench: the bench.
        without: parts of names of parameters that rightly get none, e.g. ``"pooler"``.
    """
    import torch

    from taskzoo.engine.forward import forward

    task, rows = bench.fitted()
    encoded = task.encode(rows, bench.tokenizer)
    model = bench.fresh_model(task).train()
    trainable = {name: p for name, p in model.named_parameters() if p.requires_grad}
    _require(trainable, "no parameter of the model is trainable")
    with torch.no_grad():
        for name, parameter in trainable.items():
            if "lora_B" in name:  # zero at first, which hides lora_A from the gradient
                parameter.normal_(std=0.1)
    batch = bench.batch(task, encoded, range(len(encoded.features)))
    loss, weight = task.loss(forward(task, model, batch), batch)
    torch.autograd.backward(loss / weight)
    none, zero = [], []
    for name, parameter in trainable.items():
        if any(part in name for part in without):
            continue
        if parameter.grad is None:
            none.append(name)
        elif not parameter.grad.isfinite().all():
            raise AssertionError(f"the gradient of {name} is not finite")
        elif not parameter.grad.any() and not name.endswith(ZERO_BY_NATURE):
            zero.append(name)
    _require(not none, f"no gradient reaches {_some(none)}; freeze it, use it, or name it as unused")
    _require(not zero, f"the gradient is zero throughout {_some(zero)}")


def check_loss(bench: Bench) -> None:
    """The loss is a sum and a weight: twice the examples give twice both, in any order."""
    import torch

    from taskzoo.engine.forward import forward

    task, rows = bench.fitted()
    encoded = task.encode(rows, bench.tokenizer)
    model = bench.fresh_model(task).eval()
    indices = list(range(min(8, len(encoded.features))))

    def loss(chosen: Sequence[int], **settings: float) -> tuple[torch.Tensor, torch.Tensor]:
        batch = bench.batch(task, encoded, chosen)
        with torch.no_grad():
            return task.loss(forward(task, model, batch), batch, **settings)

    one = loss(indices)
    _require(isinstance(one, tuple) and len(one) == 2, "loss() must return (sum, number of active targets)")
    _require(all(isinstance(v, torch.Tensor) and v.dim() == 0 for v in one), "loss() must return two scalar tensors")
    total, weight = (float(value) for value in one)
    _require(math.isfinite(total), f"the loss of a few demo rows is {total}")
    _require(weight > 0, "no target of the demo rows is active")
    for what, chosen, factor in (("doubled", indices * 2, 2), ("reversed", indices[::-1], 1)):
        new_total, new_weight = (float(value) for value in loss(chosen))
        same = math.isclose(new_total, factor * total, rel_tol=1e-4, abs_tol=1e-5)
        _require(same, f"the loss of a {what} batch is {new_total:.6g}, not {factor * total:.6g}: it must be a sum")
        _require(
            _close(new_weight, factor * weight),
            f"the weight of a {what} batch is {new_weight:g}, not {factor * weight:g}",
        )
    parts = [loss([i]) for i in indices]
    sums = [sum(float(part[k]) for part in parts) for k in (0, 1)]
    same = math.isclose(sums[0], total, rel_tol=1e-4, abs_tol=1e-5) and _close(sums[1], weight)
    _require(same, f"one by one the loss is {sums[0]:.6g}/{sums[1]:g}, as one batch {total:.6g}/{weight:g}")
    try:
        smoothed = loss(indices, label_smoothing=0.1)
    except RequestError:  # a task may refuse it
        return
    _require(math.isfinite(float(smoothed[0])), "the loss with label_smoothing=0.1 is not finite")
    _require(_close(float(smoothed[1]), weight), "label_smoothing changes the number of active targets")


def check_accumulation(bench: Bench) -> None:
    """One step over 12 examples at once and in micro-batches of 3 leaves the same weights, to rounding."""
    plain = {
        "max_steps": 1, "batch_size": 12, "optimizer": "sgd", "learning_rate": 0.1, "max_grad_norm": 0.0,
        "label_smoothing": 0.0,
    }  # fmt: skip
    models = [
        bench.finetune(f"accumulation-{size}", **plain, micro_batch_size=size).model.state_dict() for size in (0, 3)
    ]
    worst, name = max(
        (float((models[0][name] - models[1][name]).abs().max()), name)
        for name in models[0]
        if models[0][name].is_floating_point() and models[0][name].numel()
    )
    _require(worst < 2e-6, f"1 x 12 and 4 x 3 examples train differently: {name} is off by {worst:.2g}")


def check_batching(bench: Bench) -> None:
    """Padding and batch size change neither predictions nor loss."""
    rows = bench.run.task.prepare(bench.raw["test"], "test")
    alone, together = bench.predict(rows, max_tokens=1), bench.predict(rows)
    one_by_one, in_batches = ([public(p) for p in found.rows] for found in (alone, together))
    difference = _difference(one_by_one, in_batches, 1e-3)
    _require(not difference, f"a row is predicted otherwise in a batch than alone (padding is seen): {difference}")
    _require(alone.loss is not None and together.loss is not None, "labelled rows gave no loss")
    assert alone.loss is not None
    assert together.loss is not None
    same = math.isclose(alone.loss, together.loss, rel_tol=1e-5, abs_tol=1e-6)
    _require(same, f"the loss is {alone.loss:.7g} row by row and {together.loss:.7g} in one batch")


# a finished run


def check_state(bench: Bench) -> None:
    """``state()`` is JSON, and ``from_state`` makes a task that predicts the same from it."""
    task = bench.run.task
    state = json.loads(_json(task.state(), "state()"))
    twin = type(task).from_state(state)
    _require(isinstance(twin, type(task)), f"from_state() makes a {type(twin).__name__}")
    difference = _difference(state, json.loads(_json(twin.state(), "state()")), 0.0)
    _require(not difference, f"from_state(state()) has another state: {difference}")
    bench.adapt(twin)
    rows = task.prepare(bench.raw["test"], "test")
    mine, its = task.encode(rows, bench.tokenizer), twin.encode(rows, bench.tokenizer)
    difference = _difference(_plain(mine.features), _plain(its.features), 0.0)
    _require(not difference, f"a task from its state encodes otherwise: {difference}")


def check_save_and_load(bench: Bench) -> None:
    """The saved run predicts the same in a new process: labels keep their order, nothing is left behind."""
    run = bench.run
    rows_file = run.path / "data" / "test.jsonl"
    texts = _texts(bench)
    command = [sys.executable, "-m", "taskzoo.testing.fresh", str(run.path), str(rows_file)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}
    result = subprocess.run(
        command, input=json.dumps(texts), capture_output=True, text=True, env=environment, timeout=300, check=False
    )
    _require(result.returncode == 0, f"a new process cannot load the run: {_last_line(result.stderr)}")
    fresh = json.loads(result.stdout.splitlines()[-1])
    rows = run.task.prepare(bench.raw["test"], "test")
    here = {"rows": run.predict_rows(rows), "texts": run.predict(texts), "state": run.task.state()}
    for part, expected in here.items():
        difference = _difference(json.loads(_json(expected, part)), fresh[part], 1e-3)
        _require(not difference, f"after loading, {part} differ: {difference}")
    labels = {str(i): label for i, label in run.model.config.id2label.items()}
    _require(fresh["id2label"] == labels, f"the saved labels are {fresh['id2label']}, the model's {labels}")


def check_plain_transformers(bench: Bench) -> None:
    """``RUN/model`` loads with nothing but ``transformers`` and the code beside the weights; no weight is missing."""
    import transformers

    folder = bench.run.path / "model"
    config = transformers.AutoConfig.from_pretrained(folder)
    names = config.architectures or []
    _require(names, "the saved config.json names no architecture")
    own = getattr(config, "auto_map", None) or {}
    auto = next((auto for auto, path in own.items() if path.endswith(f".{names[0]}")), None)
    cls = getattr(transformers, auto or names[0], None)
    _require(
        cls is not None, f"the saved architecture {names[0]!r} is no class of transformers, and its code is not saved"
    )
    assert cls is not None
    _, report = cls.from_pretrained(folder, output_loading_info=True, trust_remote_code=auto is not None)
    missing = sorted(report["missing_keys"])
    _require(not missing, f"the saved model lacks {_some(missing)} when plain transformers loads it")
    transformers.AutoTokenizer.from_pretrained(folder)
    pickles = [file.name for file in folder.iterdir() if file.suffix in (".bin", ".pt", ".pkl")]
    _require(not pickles, f"the model folder holds pickle files: {', '.join(pickles)}")


def check_predictions(bench: Bench) -> None:
    """One JSON-serialisable prediction per row, with its reference in ``predictions.jsonl``; texts work too."""
    run = bench.run
    rows = run.task.prepare(bench.raw["test"], "test")
    predictions = run.predict_rows(rows)
    _require(len(predictions) == len(rows), f"{len(predictions)} predictions for {len(rows)} rows")
    _require(all(isinstance(p, dict) for p in predictions), "a prediction must be a dict")
    _json(predictions, "predictions")
    lines = (run.path / "predictions.jsonl").read_text(encoding="utf-8").splitlines()
    _require(len(lines) == len(rows), f"predictions.jsonl has {len(lines)} lines for {len(rows)} rows")
    _require(all("reference" in json.loads(line) for line in lines), "predictions.jsonl lacks references")
    texts = _texts(bench)
    _require(len(run.predict(texts)) == len(texts), "predict(texts) does not give one prediction per text")
    _json(run.predict(texts[0]), "predict(text)")


def check_metrics(bench: Bench) -> None:
    """Metrics need no network, lie in their range, follow from their statistics, and prefer right answers to others.

    A score may be undefined (NaN) on the few rows; then ``metrics.json`` holds ``null``.
    """
    import numpy as np

    from taskzoo.metrics.base import score_with

    run = bench.run
    rows = run.task.prepare(bench.raw["test"], "test")
    predictions, references = bench.predict(rows).rows, run.task.references(rows)
    scores: dict[str, float] = {}
    best: dict[str, float] = {}
    with _offline():
        metrics = run.task.metrics()
        _require(metrics, "metrics() is empty")
        for metric in metrics:
            name = type(metric).__name__
            forms = [form for form in ("scores", "weighted_scores") if hasattr(metric, form)]
            _require(
                len(forms) == 1, f"{name} must have either scores() or weighted_scores(), and has {forms or 'none'}"
            )
            statistics = metric.statistics(predictions, references)
            _check_statistics(name, statistics, len(rows))
            singly = [metric.statistics([p], [r]) for p, r in zip(predictions, references, strict=True)]
            same = np.allclose(np.concatenate(singly), statistics)
            _require(same, f"{name}.statistics() of one example depends on the others")
            ones = np.ones(len(rows))
            found = score_with(metric, statistics, ones)
            computed = metric.compute(predictions=predictions, references=references) or {}
            for key, value in found.items():
                same = key in computed and _close(computed[key], value)
                _require(same, f"{name}.compute() gives {key}={computed.get(key)}, its statistics {value}")
            times = (np.arange(len(rows)) + 1) % 3
            weighted = score_with(metric, statistics, times.astype(np.float64))
            repeated = statistics.repeat(times, axis=0)
            for key, value in score_with(metric, repeated, np.ones(len(repeated))).items():
                same = key in weighted and _close(weighted[key], value)
                _require(same, f"{name}: weights give {key}={weighted.get(key)}, the rows repeated as often {value}")
            scores.update(found)
            best.update(score_with(metric, metric.statistics(references, references), ones))
            _json(metric.details(predictions, references), f"{name}.details()")
    primary = run.task.primary_metric
    _require(primary == "loss" or primary in scores, f"primary_metric {primary!r} is not among {', '.join(scores)}")
    for name, value in scores.items():
        low, high = _range(name)
        good = math.isnan(value) or low - 1e-9 <= value <= high + 1e-9
        _require(good, f"{name}={value:.4g} is not between {low:g} and {high:g}")
    if primary != "loss":
        good = math.isfinite(best[primary]) and not best[primary] < scores[primary]
        _require(good, f"right answers score {primary}={best[primary]:.4g}, the model's {scores[primary]:.4g}")
    written = run.metrics["test"]
    for name, value in scores.items():
        kept = written.get(name, "nothing")
        same = kept is None if math.isnan(value) else isinstance(kept, (int, float)) and _close(kept, value, 1e-4, 1e-6)
        _require(same, f"metrics.json says {name}={kept}, the predictions {value}")


CHECKS: tuple[Callable[[Bench], None], ...] = (
    check_spec,
    check_protocol,
    check_rows,
    check_fit,
    check_encoding,
    check_loss,
    check_gradients,
    check_accumulation,
    check_batching,
    check_state,
    check_predictions,
    check_metrics,
    check_plain_transformers,
    check_save_and_load,
)
"""All checks, cheap ones first."""


def run_checks(bench: Bench) -> Iterator[Result]:
    """Run all checks, one after the other; a check that breaks has failed with the error as its reason."""
    for check in CHECKS:
        began = time.perf_counter()
        try:
            check(bench)
            reason = ""
        except AssertionError as error:
            reason = str(error) or "an assertion failed"
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
        yield Result(check_name(check), " ".join(reason.split()), time.perf_counter() - began)


def check_name(check: Callable[..., None]) -> str:
    """``check_save_and_load`` as ``save and load``."""
    return check.__name__.removeprefix("check_").replace("_", " ")


def _require(condition: object, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def _members() -> list[str]:
    return sorted({*(n for n in vars(Task) if not n.startswith("_")), *Task.__annotations__})


def _texts(bench: Bench) -> list[str]:
    """Plain texts to predict for: pieces of the rows, one of them with unknown characters."""
    texts = [text for text in bench.texts if text.strip()][:3]
    return [*texts, f"{texts[0]} \u4f60\u597d \U0001f600"]


def _json(value: Any, what: str) -> str:
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise AssertionError(f"{what} cannot be written as JSON: {error}") from None


def _check_features(encoded: Encoded, rows: int, vocabulary: int, longest: int) -> None:
    _require(isinstance(encoded, Encoded), "encode() must return taskzoo.Encoded")
    indices = [feature["row"] for feature in encoded.features]
    _require(indices == sorted(indices), "features must stand in the order of their rows")
    _require(set(indices) == set(range(rows)), f"encode() of {rows} rows gave features for {len(set(indices))} of them")
    for feature in encoded.features:
        ids = feature["input_ids"]
        good = isinstance(ids, list) and ids and all(isinstance(i, int) and 0 <= i < vocabulary for i in ids)
        _require(good, f"input_ids of row {feature['row']} must be a list of token ids")
        _require(len(ids) <= longest, f"row {feature['row']} has {len(ids)} tokens; the model takes {longest}")
    counted = all(isinstance(v, int) and v >= 0 for v in encoded.counts.values())
    _require(counted, f"counts must be numbers from 0: {encoded.counts}")


def _check_statistics(name: str, statistics: np.ndarray, examples: int) -> None:
    import numpy as np

    good = isinstance(statistics, np.ndarray) and statistics.ndim == 2 and statistics.shape[0] == examples
    _require(good, f"{name}.statistics() must have the shape [{examples}, k]; it has {np.shape(statistics)}")
    _require(statistics.dtype == np.float64, f"{name}.statistics() must be float64 and is {statistics.dtype}")
    _require(np.isfinite(statistics).all(), f"{name}.statistics() holds values that are not finite")


def _close(one: float, two: float, relative: float = 1e-6, absolute: float = 1e-9) -> bool:
    """Equal to rounding, or both undefined."""
    return math.isclose(one, two, rel_tol=relative, abs_tol=absolute) or (math.isnan(one) and math.isnan(two))


def _range(name: str) -> tuple[float, float]:
    if name in RANGES:
        return RANGES[name]
    stem = name.split("_")[0]
    return RANGES.get(stem) or RANGES.get(stem.rstrip("0123456789L")) or RANGES.get(stem[:5]) or (-math.inf, math.inf)


def _plain(value: Any) -> Any:
    """Features without the number of their row, as lists and numbers."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items() if key != "row"}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.tolist() if hasattr(value, "tolist") else value


def _by_row(encoded: Encoded) -> dict[int, list[Any]]:
    rows: dict[int, list[Any]] = {}
    for feature in encoded.features:
        rows.setdefault(feature["row"], []).append(feature)
    return rows


def _difference(one: Any, two: Any, tolerance: float, where: str = "") -> str:
    """Where two JSON-like values differ first, in words; empty if they are equal but for ``tolerance``."""
    numbers = (int, float)
    if isinstance(one, Mapping) and isinstance(two, Mapping):
        if set(one) != set(two):
            return f"{where or 'it'} has the keys {sorted(map(str, set(one) ^ set(two)))} on one side only"
        pairs = [(f"{where}.{key}".lstrip("."), one[key], two[key]) for key in one]
    elif isinstance(one, (list, tuple)) and isinstance(two, (list, tuple)):
        if len(one) != len(two):
            return f"{where or 'it'} has {len(one)} items and {len(two)}"
        pairs = [(f"{where}[{i}]", a, b) for i, (a, b) in enumerate(zip(one, two, strict=True))]
    elif isinstance(one, numbers) and isinstance(two, numbers) and not isinstance(one, bool):
        return "" if abs(one - two) <= tolerance else f"{where or 'it'} is {one!r} and {two!r}"
    else:
        return "" if one == two else f"{where or 'it'} is {one!r:.80} and {two!r:.80}"
    return next(filter(None, (_difference(a, b, tolerance, name) for name, a, b in pairs)), "")


@contextmanager
def _offline() -> Iterator[None]:
    """Any attempt to reach the network fails the check."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("a metric tried to reach the network")

    with mock.patch.object(socket.socket, "connect", refuse), mock.patch.object(socket, "getaddrinfo", refuse):
        yield


def _some(names: Sequence[str], limit: int = 6) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def _last_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


__all__ = ["CHECKS", "SPLITS", "Result", "check_name", "run_checks", *(check.__name__ for check in CHECKS)]
