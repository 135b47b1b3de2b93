"""What is searched: a range or some values for each setting, by default or as somebody says."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taskzoo.config import split_settings
from taskzoo.errors import RequestError, shown
from taskzoo.option_names import option_name
from taskzoo.spec import TaskSpec

if TYPE_CHECKING:
    from taskzoo.runs.plan import Plan

NOT_SEARCHED = ("seed", "time_limit", "baseline", "evaluate_modules", "keep_checkpoints")
"""Settings that no validation score can choose: luck, or what is measured."""
OPTIONS = ("class_weights",)
"""Options of tasks that are searched by default where they have choices; and if nothing but a last layer is trained:"""
PROBE_OPTIONS = ("class_weights", "pooling")
RANKS = (4, 8, 16, 32, 64)
DIGITS = 3
"""Significant digits of a number from a range: more of them would only look exact."""
_RANGE = re.compile(r"([^:,\s]+):([^:,\s]+?)(:log)?")


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from ``low`` to ``high``, whole ones if both are; ``log``: evenly by their logarithm."""

    name: str
    low: float
    high: float
    log: bool = False

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}{' (log)' if self.log else ''}"

    def has(self, value: Any) -> bool:
        """Whether it holds the value."""
        return isinstance(value, int | float) and self.low <= value <= self.high

    def suggest(self, trial: Any) -> Any:
        """A value for an Optuna trial."""
        if isinstance(self.low, int) and isinstance(self.high, int):
            return trial.suggest_int(self.name, self.low, self.high, log=self.log)
        return float(f"{trial.suggest_float(self.name, self.low, self.high, log=self.log):.{DIGITS}g}")


@dataclass(frozen=True, slots=True)
class Choices:
    """Some values."""

    name: str
    values: tuple[Any, ...]

    def __str__(self) -> str:
        return ", ".join(map(str, self.values))

    def has(self, value: Any) -> bool:
        """Whether it holds the value."""
        return value in self.values

    def suggest(self, trial: Any) -> Any:
        """A value for an Optuna trial."""
        return trial.suggest_categorical(self.name, self.values)


Dimension = Range | Choices
Given = str | Sequence[Any]
"""``"1e-5:5e-4:log"`` or ``"8,16,32"``; in Python also a tuple ``(low, high)``, ``(low, high, "log")`` or a list."""


def parse_words(words: Sequence[str]) -> dict[str, str]:
    """``["learning_rate=1e-5:5e-4:log"]`` to a mapping.

    Raises:
        RequestError: a word without ``=``, or a name that is given twice.
    """
    found: dict[str, str] = {}
    for word in words:
        name, separator, value = word.partition("=")
        name = name.strip().replace("-", "_")
        if not (separator and name and value.strip()):
            raise RequestError(f"--space {word!r} is not of the form name=LOW:HIGH, name=LOW:HIGH:log or name=A,B,C.")
        if name in found:
            raise RequestError(f"--space gives {name} twice; give all its values at once, e.g. {name}=A,B,C.")
        found[name] = value
    return found


def parse_space(given: Mapping[str, Given], spec: TaskSpec) -> tuple[Dimension, ...]:
    """What is searched, every value checked as if it were set.

    Raises:
        UnknownNameError: neither a setting nor an option of the task, with the nearest.
        RequestError: a value that cannot be used, or nothing to choose from.
    """
    return tuple(_dimension(name, value, spec) for name, value in given.items())


def _dimension(name: str, given: Given, spec: TaskSpec) -> Dimension:
    if name in NOT_SEARCHED:
        raise RequestError(f"{name} is not a setting that a validation score can choose; leave it out of the space.")
    if not isinstance(given, str | list | tuple):
        raise RequestError(f"The space of {name} is {shown(given)}; give its values as a list, or (low, high).")
    ends = _ends(given)
    if ends is None:
        values = [part.strip() for part in given.split(",")] if isinstance(given, str) else list(given)
        typed = tuple(dict.fromkeys(_typed(name, value, spec) for value in values))
        if len(typed) < 2:
            one = f"{name}={values[0]}" if values else name
            raise RequestError(
                f"The space of {name}, {shown(given)}, is not a choice: give at least two values, or set {one}."
            )
        return Choices(name, typed)
    low, high, log = _typed(name, ends[0], spec), _typed(name, ends[1], spec), ends[2]
    if any(isinstance(end, bool) or not isinstance(end, int | float) for end in (low, high)):
        raise RequestError(f"{name} is not a number, so {shown(given)} is not a range; give its values: {name}=A,B,C.")
    if not low < high:
        raise RequestError(f"The range of {name}, {shown(given)}, must go from a smaller number to a larger one.")
    if log and low <= 0:
        raise RequestError(f"The range of {name}, {shown(given)}, has no logarithm at {low:g}; begin above 0.")
    return Range(name, low, high, log)


def _ends(given: Given) -> tuple[Any, Any, bool] | None:
    """Low, high and whether by logarithm; ``None`` for values."""
    if isinstance(given, str):
        match = _RANGE.fullmatch(given.strip())
        return (match[1], match[2], match[3] is not None) if match else None
    if isinstance(given, tuple) and len(given) in (2, 3) and given[2:] in ((), ("log",)):
        return given[0], given[1], len(given) == 3
    return None


def _typed(name: str, value: Any, spec: TaskSpec) -> Any:
    training, options = split_settings({name: value}, spec)
    return training[name] if training else spec.resolve_options(options)[name]


def default_space(plan: Plan, fixed: Mapping[str, Any]) -> tuple[Dimension, ...]:
    """What is searched where nobody says what: settings around the recipe's, as the method needs them.

    Args:
        plan: of a run with the default settings.
        fixed: settings that somebody gave, which are not searched.

    Raises:
        RequestError: the method has nothing to search, or all of it is fixed.
    """
    training, method, spec = plan.config.training, plan.method(), plan.spec
    found: list[Dimension] = []
    if method.takes_steps:
        rate = training.learning_rate
        found += [Range("learning_rate", _short(rate / 5), _short(rate * 5), log=True), _length(plan)]
        found += [_batches(plan)]
        found += [Range("warmup", 0.0, 0.3)] if training.warmup < 1 else []
        found += [Choices("weight_decay", tuple(sorted({0.0, 0.01, 0.1, training.weight_decay})))]
        if method.keeps_adapter:
            found += [Choices("lora_rank", tuple(sorted({*RANKS, training.lora_rank})))]
    classes = any(plan.task.classes(example) for example in plan.splits.examples["train"][:100])
    for name in OPTIONS if method.takes_steps else PROBE_OPTIONS if method.encodes_once else ():
        option = spec.options.get(name)
        if option is not None and option.choices and classes:
            found.append(Choices(name, option.choices))
    found = [one for one in found if one.name not in fixed and not (isinstance(one, Choices) and len(one.values) < 2)]
    if not found:
        raise RequestError(
            f"There is nothing to search with method={method.name} and these settings; say what with "
            f"{option_name('space')}."
        )
    return tuple(found)


def _length(plan: Plan) -> Range:
    """How long is trained: by steps where these decide, else by epochs."""
    training, rows = plan.config.training, len(plan.splits.examples["train"])
    for name in ("max_steps", "min_steps"):
        steps = getattr(training, name)
        if steps and (name == "max_steps" or steps > training.epochs * math.ceil(rows / training.batch_size)):
            return Range(name, max(1, steps // 2), 3 * steps, log=True)
    return Range("epochs", training.epochs / 2, training.epochs * 3, log=True)


def _batches(plan: Plan) -> Choices:
    training, rows = plan.config.training, len(plan.splits.examples["train"])
    name = "batch_tokens" if training.batch_tokens else "batch_size"
    size = getattr(training, name)
    most = max(size, rows if name == "batch_size" else size * 2)
    return Choices(name, tuple(n for n in dict.fromkeys((max(1, size // 2), size, size * 2)) if n <= most))


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
