"""``taskzoo.recommend``: which model and method to take for these rows on this machine, and why."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from taskzoo import registry
from taskzoo.config import Training
from taskzoo.engine.memory import available_memory
from taskzoo.engine.progress import Reporter
from taskzoo.errors import Interrupted, RequestError
from taskzoo.models.text_fit import guess_language
from taskzoo.option_names import option_name
from taskzoo.runs.directory import write_json
from taskzoo.runs.execute import Stop, never
from taskzoo.runs.finetune import as_reporter
from taskzoo.runs.plan import Plan, make_plan
from taskzoo.runs.request import DataRequest, RunRequest, resolve_request

from .candidates import FULL_TRAINING, Candidate, facts_against, find_candidates, named_language
from .checking import check_choices
from .command import run_command
from .forecast import forecast_score
from .local import Looked, look_at, reading_of
from .measured import shipped
from .result import Choice, Estimate, Recommendation, RowFacts
from .wording import notes_of, sentence_of

if TYPE_CHECKING:
    from taskzoo.registry import TaskReference
    from taskzoo.runs.finetune import Report

FILE = "recommend.json"
TOP = 5
CLOSE = 0.005
"""Scores that differ by no more are alike: the faster choice goes first."""
CHECKED = 2
"""Choices that are run to check their forecasts."""


@dataclass(frozen=True)
class RecommendRequest:
    """What is to be recommended.

    Args:
        task: as :func:`taskzoo.finetune` takes it.
        data: the rows; those for training are needed.
        models: only these, by name, hub id or directory; none: all of the catalogue that suit.
        language: of the texts; ``None``: guessed.
        device: ``cpu`` or ``cuda``; ``None``: what a run would take.
        max_minutes: how long a training may take.
        top: how many choices are kept.
        settings: further settings and options of the task.
    """

    task: TaskReference
    data: DataRequest
    models: Sequence[str] = ()
    language: str | None = None
    device: str | None = None
    max_minutes: float | None = None
    top: int = TOP
    settings: Mapping[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Refuse what cannot be met, before a row is read.

        Raises:
            RequestError: no training rows are named, or a number or device that cannot be used.
            UnknownNameError: a language that is none.
        """
        if self.data.train is None and self.data.name is None:
            options = f"{option_name('train', 'FILE')} or {option_name('data', 'NAME')}"
            raise RequestError(f"Which rows is the model for? Give {options}.")
        if self.max_minutes is not None and not (math.isfinite(self.max_minutes) and self.max_minutes > 0):
            raise RequestError(f"{option_name('max_minutes')} is {self.max_minutes:g}; give minutes above 0.")
        if self.top < 1:
            raise RequestError(f"{option_name('top')} is {self.top}; give 1 or more.")
        if self.language is not None:
            named_language(self.language)
        has_cuda = torch.cuda.is_available()
        if self.device not in (None, "cpu", "cuda"):
            raise RequestError(f"There is no device {self.device!r}; there are cpu and cuda.")
        if self.device == "cuda" and not has_cuda:
            raise RequestError(f"{option_name('device', 'cuda')}: this machine has no CUDA device that torch can use.")
        if self.device == "cpu" and has_cuda:
            raise RequestError(
                f"{option_name('device', 'cpu')}: torch sees a CUDA device here and would use it; hide it with "
                "CUDA_VISIBLE_DEVICES= before torch is imported."
            )


def recommend(  # noqa: PLR0913 - the public API
    task: TaskReference,
    *,
    train: Any = None,
    validation: Any = None,
    test: Any = None,
    data: str | None = None,
    columns: Mapping[str, str] | None = None,
    models: Sequence[str] = (),
    language: str | None = None,
    max_minutes: float | None = None,
    top: int = TOP,
    check: bool = False,
    output: str | Path | None = None,
    reporter: Report = None,
    **settings: Any,
) -> Recommendation:
    """Models and methods for these rows, the best first, with forecasts of test score, time and memory.

    Models on this machine are probed: the last layer is fitted on their vectors of the training rows, and a few
    training steps are timed. Others are ordered by the facts of the catalogue, and have no score.

    Args:
        task: as for :func:`taskzoo.finetune`; so are ``train``, ``validation``, ``test``, ``data`` and ``columns``.
        train: the training rows.
        validation: rows that choose the best weights.
        test: rows whose score is forecast; where there are none, a part of the training rows.
        data: a data set by name.
        columns: role -> column.
        models: only these; by default all of the catalogue that suit the task.
        language: of the texts, by name or code; guessed by default.
        max_minutes: how long a training may take.
        top: how many choices are kept.
        check: run the best two and compare them with their forecasts.
        output: a directory to make; it gets ``recommend.json`` and the runs of ``check``, which needs it.
        reporter: as for :func:`taskzoo.finetune`.
        **settings: engine settings and options of the task.

    Raises:
        RequestError: the request cannot be met.
        DataError: rows that cannot be used.
    """
    rows = DataRequest(data, train, validation, test, columns=columns)
    request = RecommendRequest(task, rows, models, language, None, max_minutes, top, settings)
    return recommended(request, as_reporter(reporter), output=None if output is None else Path(output), check=check)


def recommended(
    request: RecommendRequest,
    reporter: Reporter,
    *,
    output: Path | None = None,
    check: bool = False,
    stop: Stop = never,
) -> Recommendation:
    """As :func:`recommend`; ``output`` is a directory that does not exist or is empty."""
    request.check()
    if check and output is None:
        raise RequestError(f"A check makes runs; say where they go ({option_name('output')}).")
    entry = registry.task_entry(request.task)
    candidates = find_candidates(entry, request.models)
    first = _plan(request, candidates[0])
    if check and not first.splits.examples.get("test"):
        raise RequestError("A check compares scores on test rows with their forecasts, and there are no test rows.")
    rows = _row_facts(request, first)
    reporter.say(f"rows      {', '.join(f'{split} {count:,}' for split, count in rows.counts.items())}")
    free = available_memory(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    look = _Looking(request, first, rows, free, reporter, stop)
    choices = sorted(look.choices(candidates), key=_place)
    kept = choices[: request.top]
    if check:
        check_choices([one for one in kept if one.score][:CHECKED], look.plan_of, Path(output or ""), reporter, stop)
    metric = look.metric or first.task.primary_metric
    sentence = sentence_of(kept, choices, metric, rows)
    notes = notes_of(kept, rows, first.splits.made, look.failures)
    result = Recommendation(entry.name, metric, rows, kept, len(choices) - len(kept), sentence, notes)
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        write_json(output / FILE, result.to_dict())
    return result


class _Looking:
    """Looks at one candidate after the other; ``failures`` are sentences about those that could not be loaded."""

    def __init__(
        self, request: RecommendRequest, first: Plan, rows: RowFacts, free: int, reporter: Reporter, stop: Stop
    ) -> None:
        self._request, self._first, self._rows, self._free = request, first, rows, free
        self._reporter, self._stop = reporter, stop
        self._measured: tuple[Candidate, Looked] | None = None
        self.failures: list[str] = []
        self.metric = ""

    def choices(self, candidates: Sequence[Candidate]) -> Iterator[Choice]:
        """Those of models that are here first, since their speed tells that of others."""
        for number, one in enumerate(candidates, 1):
            if not one.here:
                yield self._from_catalogue(one)
                continue
            self._reporter.say(f"model     {one.name}: probing its vectors and timing its steps")
            plans = self._plans(one)
            try:
                looked = look_at(plans, self._reporter, self._stop)
            except Interrupted:
                raise Interrupted(f"Stopped at model {number} of {len(candidates)}.") from None
            except RequestError as error:
                self.failures.append(f"{one.name} cannot be used: {error}")
                continue
            self._measured = self._measured or (one, looked)
            yield from self._of_local(one, looked)

    def plan_of(self, model: str, method: str) -> Plan:
        """The plan of a run of a choice, within the time there is."""
        most = self._request.max_minutes
        return self._plan(model, method, {} if most is None else {"time_limit": most})

    def _plans(self, one: Candidate) -> dict[str, Plan]:
        """Method -> plan, the default method first; without those that do not suit the task or its rows."""
        found = {Training.method: self._plan(one.name, Training.method)}
        for method in registry.methods():
            with suppress(RequestError):
                found.setdefault(method.name, self._plan(one.name, method.name))
        return found

    def _plan(self, model: str, method: str, more: Mapping[str, Any] | None = None) -> Plan:
        settings = {**self._request.settings, **(more or {}), "method": method}
        resolved = resolve_request(RunRequest(self._request.task, model, self._request.data, settings))
        if resolved.config.options != self._first.config.options:  # a recipe's, for this model
            return make_plan(resolved, self._request.data.memory)
        plan = Plan(**vars(resolved), task=copy.deepcopy(self._first.task), splits=self._first.splits)
        plan.method().check(plan.task, plan.config.training)
        return plan

    def _of_local(self, one: Candidate, looked: Looked) -> Iterator[Choice]:
        """A choice for every method whose score can be forecast, and one for the default method in any case."""
        reads = reading_of(one.reads(self._rows.language), looked.fit)
        against = facts_against(one, reads, self._rows, self._free)
        for method, minutes in looked.minutes.items():
            forecast: Estimate | str = looked.probe if isinstance(looked.probe, str) else self._score(looked, method)
            if isinstance(forecast, str) and method != Training.method:
                continue
            choice = self._choice(one, method)
            choice.reads, choice.obstacles = reads, [*against, *self._too_slow(minutes)]
            choice.minutes, choice.memory = minutes, looked.speed.memory
            if isinstance(forecast, Estimate):
                choice.score = forecast
                choice.why = [f"a probe of its vectors and {method} on other data sets were measured"]
            else:
                choice.no_score = forecast
                if not isinstance(looked.probe, str):
                    probe = looked.probe
                    spread = 1.96 * probe.error
                    choice.why = [f"a probe of its vectors has {probe.score.name} {probe.value:.3f} ± {spread:.3f}"]
            if reads.word == "yes":
                choice.why.append(reads.reason)
            choice.why += self._published(one)
            yield choice

    def _score(self, looked: Looked, method: str) -> Estimate | str:
        assert not isinstance(looked.probe, str)
        self.metric = looked.probe.score.name
        counts = self._rows.counts
        return forecast_score(looked.probe, shipped(), method, train_rows=counts["train"], test_rows=counts["test"])

    def _from_catalogue(self, one: Candidate) -> Choice:
        """What the catalogue says of a model that is not here."""
        reads = one.reads(self._rows.language)
        choice = self._choice(one, Training.method)
        choice.reads, choice.no_score = reads, "it is not on this machine"
        choice.obstacles = facts_against(one, reads, self._rows, self._free)
        choice.why = [*([reads.reason] if reads.word == "yes" else []), *self._published(one)]
        if one.parameters:
            choice.memory = FULL_TRAINING * one.parameters
        choice.minutes = self._scaled(one)
        if choice.minutes is None:
            choice.no_minutes = "no model was timed that it could be compared with"
        else:
            choice.obstacles += self._too_slow(choice.minutes)
        return choice

    def _published(self, one: Candidate) -> list[str]:
        """Scores on other rows that the catalogue has of a model, for people: they are no forecast for these."""
        results = one.entry.results if one.entry else ()
        return [f"the catalogue has {result}" for result in results if result.task == self._first.entry.id]

    def _scaled(self, one: Candidate) -> Estimate | None:
        """The time of a model that was timed, by numbers of parameters."""
        if self._measured is None:
            return None
        timed, looked = self._measured
        minutes = looked.minutes.get(Training.method)
        if minutes is None or not one.parameters or not timed.parameters:
            return None
        times = one.parameters / timed.parameters
        basis = f"scaled from {timed.name} by parameters, embeddings included; not timed"
        return Estimate(minutes.value * times, minutes.low * times, minutes.high * times, basis)

    def _too_slow(self, minutes: Estimate) -> list[str]:
        most = self._request.max_minutes
        return [f"it takes more than {most:g} minutes"] if most is not None and minutes.value > most else []

    def _choice(self, one: Candidate, method: str) -> Choice:
        command = run_command(self._first.entry.name, self._request.data, one.name, method, self._request.max_minutes)
        return Choice(
            one.name, method, one.here, one.reads(""), command, license=one.license, parameters=one.parameters
        )


def _plan(request: RecommendRequest, first: Candidate) -> Plan:
    """The rows, read and checked as a run would."""
    resolved = resolve_request(RunRequest(request.task, first.name, request.data, dict(request.settings)))
    plan = make_plan(resolved, request.data.memory)
    if added := plan.splits.made.get("added_rows"):  # names of labels, which nobody gave
        train = plan.splits.examples["train"][:-added]
        plan = replace(plan, splits=replace(plan.splits, examples={**plan.splits.examples, "train": train}))
    return plan


def _row_facts(request: RecommendRequest, plan: Plan) -> RowFacts:
    examples, task = plan.splits.examples, plan.task
    texts, _ = task.vocabulary_texts(examples["train"])
    words = sorted(len(text.split()) for text in texts)
    language = named_language(request.language) if request.language else guess_language(texts)
    return RowFacts(
        {split: len(examples.get(split, ())) for split in ("train", "validation", "test")},
        len({name for example in examples["train"] for name in task.classes(example)}),
        language,
        request.language is not None,
        words[int(0.95 * (len(words) - 1))] if words else 0,
    )


def _place(choice: Choice) -> tuple[Any, ...]:
    """What choices are sorted by: those that fit the time, then by score; then those whose facts say the least against.

    Of models that nothing measured tells apart the smaller goes first, for it is faster.
    """
    size = choice.parameters or math.inf
    if choice.score is not None:
        slow = any(clause.startswith("it takes more") for clause in choice.obstacles)
        minutes = choice.minutes.value if choice.minutes else math.inf
        return (3 if slow else 0, -round(choice.score.value / CLOSE), minutes)
    return (2 if choice.obstacles else 1, len(choice.obstacles), not choice.here, choice.reads.word != "yes", size)
