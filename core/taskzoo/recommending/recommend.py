"""``taskzoo.recommend``: which model and method to take for these rows on this machine, and why."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from taskzoo import registry
from taskzoo.engine.memory import available_memory
from taskzoo.engine.progress import Reporter
from taskzoo.errors import RequestError
from taskzoo.models.text_fit import guess_language
from taskzoo.option_names import option_name
from taskzoo.runs.directory import write_json
from taskzoo.runs.execute import Stop, never
from taskzoo.runs.finetune import as_reporter
from taskzoo.runs.plan import Plan, make_plan
from taskzoo.runs.request import DataRequest, RunRequest, resolve_request

from .candidates import Candidate, find_candidates, named_language
from .checking import check_choices
from .looking import Looking
from .request import TOP, RecommendRequest
from .result import Choice, Recommendation, RowFacts
from .wording import notes_of, sentence_of

if TYPE_CHECKING:
    from taskzoo.registry import TaskReference
    from taskzoo.runs.finetune import Report

FILE = "recommend.json"
CLOSE = 0.005
"""Scores that differ by no more are alike: the faster choice goes first."""
CHECKED = 2
"""Choices that are run to check their forecasts."""


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
        check: run the best two on this machine and compare them with their forecasts.
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
    look = Looking(request, first, rows, free, reporter, stop)
    choices = sorted(look.choices(candidates), key=_place)
    if not choices:
        raise RequestError(f"No model is left to recommend. {' '.join(look.failures)}")
    checked = [one for one in choices if one.here][:CHECKED] if check else []
    check_choices(checked, look.plan_of, Path(output or ""), reporter, stop)
    kept = [one for place, one in enumerate(choices) if place < request.top or one.check]
    metric = look.metric or first.task.primary_metric
    sentence = sentence_of(kept, choices, metric, rows)
    notes = notes_of(kept, rows, first.splits.made, look.failures)
    if check and len(checked) < CHECKED:
        notes.append(f"Of these, {len(checked) or 'none'} can be run as a check: no other is on this machine.")
    result = Recommendation(entry.name, metric, rows, kept, len(choices) - len(kept), sentence, notes)
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        write_json(output / FILE, result.to_dict())
    return result


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
    """What choices are sorted by: those that take too long last; then by score; then by what facts say against them.

    Of models that nothing measured tells apart the smaller goes first, for it is faster.
    """
    size = choice.parameters or math.inf
    if choice.score is not None:
        minutes = choice.minutes.value if choice.minutes else math.inf
        return (choice.too_slow, 0, -round(choice.score.value / CLOSE), minutes)
    facts = (not choice.here, choice.reads.word != "yes", size)
    return (choice.too_slow, 2 if choice.obstacles else 1, len(choice.obstacles), *facts)
