"""Candidates one after the other: measured on the rows where they are here, and judged by the catalogue elsewhere."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from taskzoo import registry
from taskzoo.config import TRAINING_FIELDS, Training
from taskzoo.engine.progress import Reporter
from taskzoo.errors import Interrupted, RequestError
from taskzoo.runs.execute import Stop
from taskzoo.runs.plan import Plan, make_plan
from taskzoo.runs.request import RunRequest, resolve_request

from .candidates import FULL_TRAINING, Candidate, facts_against
from .command import run_command
from .forecast import ProbeScore, forecast_score, is_known
from .local import Looked, look_at, reading_of
from .measured import shipped
from .request import RecommendRequest
from .result import Choice, Estimate, RowFacts

UNTOLD = (
    *("method", "seed", "time_limit", "precision", "micro_batch_size", "gradient_checkpointing", "compile", "fsdp"),
    *("cuda_graphs", "unpadded"),
    *("compact_embeddings", "length_pool", "log_every", "checkpoint_every", "checkpoint_minutes", "keep_checkpoints"),
    *("evaluation_tokens", "evaluate_modules", "baseline", "on_disk", "streaming"),
)
"""Settings that hardly change what a method gains; ``time_limit`` is compared with the time that it takes."""


class Looking:
    """Looks at one candidate after the other; ``failures`` are sentences about those that could not be loaded."""

    def __init__(
        self, request: RecommendRequest, first: Plan, rows: RowFacts, free: int, reporter: Reporter, stop: Stop
    ) -> None:
        self._request, self._first, self._rows, self._free = request, first, rows, free
        self._reporter, self._stop = reporter, stop
        given = request.max_minutes
        self._most = (first.config.training.time_limit or None) if given is None else given
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
                looked = look_at(plans, self._reporter, self._stop, partial(self._is_known, plans))
            except Interrupted:
                raise Interrupted(f"Stopped at model {number} of {len(candidates)}.") from None
            except RequestError as error:
                self.failures.append(f"{one.name} cannot be used: {error}")
                continue
            self._measured = self._measured or (one, looked)
            yield from self._of_local(one, looked, plans)

    def plan_of(self, model: str, method: str) -> Plan:
        """The plan of a run of a choice, within the time there is."""
        return self._plan(model, method, {} if self._most is None else {"time_limit": self._most})

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

    def _is_known(self, plans: Mapping[str, Plan], probe: ProbeScore) -> bool:
        methods = [method for method, plan in plans.items() if not self._changes(plan)]
        return is_known(probe, shipped(), methods, self._rows.counts["train"])

    def _changes(self, plan: Plan) -> str:
        """Settings that were asked for and change what the plan's method gains; ``""``: none."""
        asked = [name for name in self._request.settings if name in TRAINING_FIELDS and name not in UNTOLD]
        if not asked or not plan.method().takes_steps:
            return ""
        settings = {name: value for name, value in self._request.settings.items() if name not in asked}
        settings["method"] = plan.config.training.method
        usual = resolve_request(RunRequest(self._request.task, plan.config.model, self._request.data, settings))
        values, before = vars(plan.config.training), vars(usual.config.training)
        return ", ".join(f"{k}={v}" for k, v in values.items() if k not in UNTOLD and v != before[k])

    def _of_local(self, one: Candidate, looked: Looked, plans: Mapping[str, Plan]) -> Iterator[Choice]:
        """A choice for every method whose score can be forecast, and one for the default method in any case."""
        reads = reading_of(one.reads(self._rows.language), looked.fit)
        against = facts_against(one, reads, self._rows, self._free)
        for method, minutes in looked.minutes.items():
            forecast: Estimate | str = (
                looked.probe if isinstance(looked.probe, str) else self._score(looked, plans[method])
            )
            if isinstance(forecast, str) and method != Training.method:
                continue
            choice = self._choice(one, method)
            choice.reads, choice.obstacles, choice.memory = reads, list(against), looked.speed.memory
            self._set_minutes(choice, minutes)
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

    def _score(self, looked: Looked, plan: Plan) -> Estimate | str:
        assert not isinstance(looked.probe, str)
        self.metric = looked.probe.score.name
        counts, method = self._rows.counts, plan.config.training.method
        if changes := self._changes(plan):
            return f"what {method} gains was measured with its own settings, and not with {changes}"
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
        if (scaled := self._scaled(one)) is None:
            choice.no_minutes = "no model was timed that it could be compared with"
        else:
            self._set_minutes(choice, scaled)
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

    def _set_minutes(self, choice: Choice, minutes: Estimate) -> None:
        """Give a choice its forecast of time, and the obstacle that there is less."""
        choice.minutes, most = minutes, self._most
        if most is not None and minutes.value > most:
            choice.too_slow = True
            choice.obstacles.append(f"it takes more than {most:g} minutes")

    def _choice(self, one: Candidate, method: str) -> Choice:
        request = self._request
        settings = {**request.settings, "model": one.name, "method": method}
        command = run_command(self._first.entry.name, request.data, settings, self._most)
        return Choice(
            one.name, method, one.here, one.reads(""), command, license=one.license, parameters=one.parameters
        )
