"""The recommendation in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from taskzoo.languages import as_language, language_name

from .result import Choice, Estimate, RowFacts


def language_text(code: str) -> str:
    """The name of a language; of one that has none here, its code."""
    return language_name(code) if as_language(code) else f"the language {code!r}"


def score_text(estimate: Estimate) -> str:
    """``0.812 [0.731, 0.886]``."""
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def minutes_text(estimate: Estimate) -> str:
    """``2.1 [1.8 to 4.9]``; short times in digits enough to differ from 0."""
    digits = 1 if estimate.value >= 1 else 2
    value, low, high = (f"{number:,.{digits}f}" for number in (estimate.value, estimate.low, estimate.high))
    return f"{value} [{low} to {high}]"


def sentence_of(kept: Sequence[Choice], every: Sequence[Choice], metric: str, rows: RowFacts) -> str:
    """What to take, why, and the command."""
    best = kept[0]
    taken = f"Take {best.model} with method {best.method}"
    if best.score is None:
        if best.obstacles:
            reason = f"nothing better is known here, although {'; '.join(best.obstacles)}"
        else:
            reason = "; ".join(best.why) or "nothing in the catalogue speaks against it"
        measured = f"it has no measured score ({best.no_score})"
        return f"{taken}: {reason}, but {measured}. The command: {best.command}"
    reason = f"it should reach {metric} {score_text(best.score)} on the {rows.counts['test']:,} test rows"
    if best.minutes:
        reason += f" after {minutes_text(best.minutes)} minutes"
    for other, score in [(one, one.score) for one in every if one.score and one is not best][:1]:
        near = abs(best.score.value - score.value) <= (best.score.high - best.score.low) / 4
        if near:
            relation = "which is too close to tell the two apart"
        else:
            relation = "which is less" if score.value < best.score.value else f"but {'; '.join(other.obstacles)}"
        reason += f"; {other.model} with {other.method} should reach {score.value:.3f}, {relation}"
    said = f"{taken}, because {reason}."
    if best.obstacles:
        said += f" Against it: {'; '.join(best.obstacles)}."
    return f"{said} The command: {best.command}"


def notes_of(kept: Sequence[Choice], rows: RowFacts, made: Mapping[str, Any], failures: Sequence[str]) -> list[str]:
    """What a person should know besides, a sentence each."""
    notes = [_language_note(rows)]
    if made:
        notes.append("Splits that are missing were made of the training rows, as a run does with the same seed.")
    if kept[0].score:
        notes.append(f"Scores are forecast from {kept[0].score.basis}.")
    elif kept[0].here:
        notes.append(f"No score is forecast: {kept[0].no_score}.")
    if timed := next((one.minutes for one in kept if one.minutes), None):
        notes.append(f"The time of {kept[0].method} is that of {timed.basis}.")
    if kept[0].reads.word == "no":
        named = language_text(rows.language) if rows.language else "that language"
        listed = [one.model for one in kept if one.reads.word == "yes"]
        instead = f": {', '.join(dict.fromkeys(listed))}" if listed else ""
        notes.append(f"Models for {named} may do better, but are not here to be measured{instead}.")
    return [*notes, *failures]


def _language_note(rows: RowFacts) -> str:
    if not rows.language:
        return "The language of the texts could not be guessed; say which it is with --language."
    named = language_text(rows.language)
    return f"The texts are in {named}." if rows.given else f"The texts seem to be in {named}."
