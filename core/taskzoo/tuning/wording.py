"""A search for settings in words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any

from taskzoo.score_text import score_text

from .reruns import BEST, DEFAULT, Reruns
from .store import COMPLETE, FAILED, PRUNED, Record

if TYPE_CHECKING:
    from .result import Tuned

LEAST = 8
"""Times the default settings: their trial, another one, and both again with the fewest seeds, on test rows, too."""
NAMED = 2
"""Reasons that are named."""


def trial_line(record: Record, best: Record | None, metric: str) -> str:
    """One line when a trial has ended."""
    what = settings_text(record.settings) or "the default settings"
    if record.state == COMPLETE and record.score is not None:
        found = f"validation {metric} {_number(record.score)}"
        if best is not None and best.number == record.number:
            found += " (best so far)"
    elif record.state == PRUNED:
        found = "pruned: others were better by then"
    else:
        found = f"failed: {record.reason}"
    if record.same_as is not None:
        found += f", as trial {record.same_as}"
    took = f"  {record.seconds:.0f} s" if record.seconds else ""
    return f"trial {record.number:<4}{found}{took}  {what}"


def settings_text(settings: Mapping[str, Any]) -> str:
    """``learning_rate=0.0001 epochs=3``."""
    return " ".join(
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}" for name, value in settings.items()
    )


def sentences_of(tuned: Tuned, seeds_asked: int) -> list[str]:
    """What the search says, each time what speaks against it, too."""
    return [*_trials(tuned), *_best(tuned), *_reruns(tuned, seeds_asked), *_test(tuned)]


def _trials(tuned: Tuned) -> Iterator[str]:
    states = Counter(trial.state for trial in tuned.trials if trial.counts)
    parts = [f"{states[state]} {state}" for state in (COMPLETE, PRUNED, FAILED) if states[state]]
    reasons = Counter(trial.reason for trial in tuned.trials if trial.state == FAILED and trial.counts)
    said = "; ".join(f"{reason.rstrip('.')} ({count})" for reason, count in reasons.most_common(NAMED))
    count = sum(states.values())
    yield f"{count} trial{'s' * (count != 1)}: {', '.join(parts)}{f' ({said})' if said else ''}."


def _best(tuned: Tuned) -> Iterator[str]:
    best, default, metric = tuned.best, tuned.default, tuned.score.name
    if best.is_default and sum(trial.counts for trial in tuned.trials) == 1:
        seconds = best.seconds or 0.0
        yield (
            f"The default settings, whose validation {metric} is {_number(best.score)}, took {seconds:.0f} s, which "
            f"left no time for others; a search needs at least {math.ceil(seconds * LEAST / 60)} minutes."
        )
        return
    if best.is_default:
        yield (
            f"No trial was better than the default settings, whose validation {metric} is {_number(best.score)}: "
            "they are recommended."
        )
        return
    against = f"{_number(default.score)} of the default settings" if default is not None else "no default settings"
    yield (
        f"The best trial, number {best.number}, has a validation {metric} of {_number(best.score)}, against {against}: "
        f"{settings_text(best.settings)}."
    )


def _reruns(tuned: Tuned, asked: int) -> Iterator[str]:
    best, default = tuned.reruns.get(BEST), tuned.reruns.get(DEFAULT)
    if tuned.best.is_default:
        return
    if best is None or default is None:
        yield "The time did not suffice to run it again with other seeds, so the default settings are recommended."
        return
    if isinstance(best, str):
        yield f"With another seed its settings failed ({best.rstrip('.')}), so the default settings are recommended."
        return
    sign = 1 if tuned.score.higher_is_better else -1
    mean, count = fmean(best.validation), len(best.seeds)
    luck = sign * ((tuned.best.score or 0.0) - mean)
    fewer = f" (not {asked}, for lack of time)" if count < asked else ""
    said = f"With {count} other seeds{fewer} the same settings have {_ends(best.validation)}"
    yield (
        f"{said}: {_number(luck)} of the best trial's score was the luck of being chosen among all."
        if luck > 0
        else (f"{said}, no less than the trial.")
    )
    if isinstance(default, str):
        yield f"The default settings failed ({default.rstrip('.')}), so those of the best trial are recommended."
        return
    gain, noise = tuned.gain or 0.0, tuned.noise or 0.0
    yield f"The default settings have {_ends(default.validation)} with the same seeds."
    causes = [*["other seeds"] * bool(tuned.spread), *["other validation rows"] * bool(best.rows_error)]
    by = f"{' and '.join(causes) or 'other seeds'} change by themselves (one standard error)"
    if tuned.recommended == BEST:
        yield (
            f"The gain of {_number(gain)} is more than the {_number(noise)} that {by}: the settings of the best trial "
            "are recommended."
        )
    else:
        gained = f"The gain of {_number(gain)} is within" if gain > 0 else f"That is no gain ({gain:+.3f}) beyond"
        yield f"{gained} the {_number(noise)} that {by}: the default settings are recommended."


def _test(tuned: Tuned) -> Iterator[str]:
    tested = {name: one for name, one in tuned.reruns.items() if isinstance(one, Reruns) and one.test}
    if tested:
        scores = ", ".join(f"{_ends(one.test)} with the {name} settings" for name, one in tested.items())
        yield (
            f"On the {tuned.rows['test']:,} test rows, which only these runs have seen and which chose nothing, "
            f"{tuned.score.name} is {scores}."
        )
    if tested and not tuned.best.is_default:
        yield (
            "The settings were chosen by the validation rows, whose scores therefore favour the best trial, with new "
            "seeds too; the test scores do not."
        )


def card_of(tuned: Tuned, title: str) -> str:
    """``README.md`` of the directory."""
    lines = [f"# Settings for {title}", "", *(f"{sentence}\n" for sentence in tuned.sentences)]
    lines += [f"    zoo run --config {tuned.path.name}/recipe.yaml", ""]
    lines += ["makes the recommended run, with the rows and the seed of the first of the runs here; `--train FILE` and"]
    lines += ["other options replace what it says.", "", "| searched | values | best |", "|---|---|---|"]
    lines += [
        f"| `{name}` | {values} | {_cell(tuned.best.settings.get(name))} |" for name, values in tuned.space.items()
    ]
    lines += ["", "| trial | state | " + tuned.score.name + " | seconds | settings |", "|---|---|---|---|---|"]
    lines += [
        f"| {trial.number} | {trial.state} | {_cell(trial.score)} | {_cell(trial.seconds)} | "
        f"{settings_text(trial.settings) or ('default' if trial.is_default else '')} |"
        for trial in tuned.trials
    ]
    files = (
        ("`recipe.yaml`", "the recommended settings"),
        ("`trials.csv`", "all trials"),
        ("`tune.json`", "all of this for programs"),
        ("`config.yaml`", "the default settings"),
        ("`best/`, `default/`", "the runs with other seeds; `zoo compare` compares them"),
        ("`trials/`", "configuration, scores and history of each trial, without its model"),
        ("`study.db`", "the Optuna study, where it is not in another database"),
    )
    return "\n".join([*lines, "", "| file | content |", "|---|---|", *(f"| {a} | {b} |" for a, b in files), ""])


def _ends(values: Sequence[float]) -> str:
    return f"{_number(fmean(values))} on average, from {_number(min(values))} to {_number(max(values))}"


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def _number(value: float | None) -> str:
    return score_text(value)


def best_rows(tuned: Tuned, count: int = 5) -> list[list[str]]:
    """The best trials and that of the default settings, as rows of a table."""
    complete = [trial for trial in tuned.trials if trial.state == COMPLETE and trial.score is not None]
    complete.sort(key=lambda trial: trial.score or 0.0, reverse=tuned.score.higher_is_better)
    shown = [trial for place, trial in enumerate(complete) if place < count or trial.is_default]
    return [
        [
            str(trial.number),
            _number(trial.score),
            f"{trial.seconds or 0:.0f}",
            settings_text(trial.settings) or "default",
        ]
        for trial in shown
    ]
