"""What is recommended: models with methods, each with what is forecast for it and from what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval, which holds what will be measured in 95% of cases, and what it is from."""

    value: float
    low: float
    high: float
    basis: str

    def holds(self, measured: float) -> bool:
        return self.low <= measured <= self.high


@dataclass(frozen=True, slots=True)
class RowFacts:
    """The rows that are to be learnt.

    Args:
        counts: split -> how many rows.
        classes: how many occur in training; 0 for a task without classes.
        language: code of the texts' language, ``""`` while unknown.
        given: whether the language was named rather than guessed.
        words: of the 95th percentile of training texts, separated by whitespace.
    """

    counts: dict[str, int]
    classes: int
    language: str
    given: bool
    words: int


@dataclass(frozen=True, slots=True)
class Reading:
    """Whether a model reads the texts: ``yes``, ``no`` or ``unknown``, and why, for people."""

    word: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """What a choice really reached.

    Args:
        run: the directory of the run.
        score: on the test rows; ``None`` where it is undefined.
        minutes: of training and validation.
        shortened: whether the time limit left fewer steps than the forecast is of.
        score_inside: whether the score is in the interval; ``None`` where there is none to compare.
        minutes_inside: the same for the time.
    """

    run: str
    score: float | None
    minutes: float
    shortened: bool
    score_inside: bool | None
    minutes_inside: bool | None


@dataclass(slots=True)
class Choice:
    """A model with a method.

    Attributes:
        model: by the name that ``--model`` takes.
        method: as ``--method`` takes it.
        here: whether it loads without a network.
        score: forecast of the test score; ``None`` with ``no_score``, the reason.
        minutes: forecast of the time for training and validation; ``None`` with ``no_minutes``, the reason.
        too_slow: whether that is more than there may be.
        memory: bytes that training is expected to need, ``None``: unknown.
        reads: whether the model reads the language of the texts.
        license: of the model, ``""``: unknown.
        parameters: of the model, ``None``: unknown.
        command: what runs it.
        why: reasons, a clause each.
        obstacles: what speaks against it, a clause each; the choices with none go first.
        check: what it really reached, where that was asked for.
    """

    model: str
    method: str
    here: bool
    reads: Reading
    command: str
    score: Estimate | None = None
    no_score: str = ""
    minutes: Estimate | None = None
    no_minutes: str = ""
    too_slow: bool = False
    memory: int | None = None
    license: str = ""
    parameters: int | None = None
    why: list[str] = field(default_factory=list)
    obstacles: list[str] = field(default_factory=list)
    check: Check | None = None


@dataclass(frozen=True, slots=True)
class Recommendation:
    """All choices, the best first.

    Args:
        task: its name.
        metric: the score that is forecast.
        rows: what was looked at.
        choices: at most as many as were asked for; ``left_out`` counts the others.
        sentence: what to take and why, with the command.
        notes: what else a person should know, a sentence each.
    """

    task: str
    metric: str
    rows: RowFacts
    choices: Sequence[Choice]
    left_out: int
    sentence: str
    notes: Sequence[str] = ()

    @property
    def best(self) -> Choice:
        return self.choices[0]

    def to_dict(self) -> dict[str, Any]:
        """As plain values, JSON-serialisable: ``recommend.json``."""
        return asdict(self)
