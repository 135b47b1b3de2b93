"""An audit in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator

from taskzoo.metrics.significance import POWER
from taskzoo.score_text import ends_text, score_text

from .audit import Audit
from .gap import GROUPS, LABELS, PAIRS, PERTURBATIONS, SLICES, WORDS, Changed, Gap, Section

BLIND_SPOTS = (
    "groups that no column, list or word names, and words that are rarer than the audit asks for;",
    "texts unlike the test rows: other topics, times, dialects, devices, or people who do not write in them;",
    "a shortcut that is in the test rows as it was in the training rows: it is right on both;",
    "labels that are wrong or unfair themselves: the model is compared with them;",
    "what answers are used for: an equal score for all groups may still harm one of them.",
)
"""What no audit of this kind can see."""


def opening(audit: Audit) -> str:
    """How much was looked at, and how much was found."""
    rows = f"{audit.rows:,} test row{'s' * (audit.rows != 1)} of {audit.task}"
    found = len(audit.found)
    what = f"{found:,} gap{'s' * (found != 1)}" if found else "No gap"
    if not audit.looked_at:
        return f"{rows}, {audit.score} {number(audit.mean)}. Nothing was compared."
    was = "are" if found > 1 else "is"
    return (
        f"{rows}, {audit.score} {number(audit.mean)}. {what} of {audit.looked_at:,} comparisons {was} more than chance "
        "(5% for all of them together)."
    )


def gap_line(gap: Gap) -> str:
    """A gap in one line: ``region = north: share of right answers 0.71, not 0.83: lower by 0.12 [0.08, 0.16]``."""
    first, second = number(gap.sides[0]), number(gap.sides[1])
    size = f"{number(gap.value)} {interval(gap.ci95)}"
    if gap.family in (SLICES, WORDS):
        body = f"{gap.of} {first}, {second} elsewhere: lower by {size}, {gap.rows[0]:,} rows"
    elif gap.family == PERTURBATIONS:
        body = f"{gap.of} {first} after, {second} before: lower by {size}, {gap.rows[0]:,} rows"
    elif gap.family == LABELS:
        body = f"{first} of {gap.rows[0]:,} rows with another label get it, {second} elsewhere: {size}"
    elif gap.family == GROUPS:
        body = f"{first} and {second}: {size}, {gap.rows[0]:,} and {gap.rows[1]:,} rows"
    else:
        body = f"{gap.of} {first} and {second}: {size}, {gap.rows[0]:,} templates"
    return f"{gap.about}: {body}{p_of(gap)}"


def p_of(gap: Gap) -> str:
    """The corrected p-value, where there is one."""
    if math.isnan(gap.adjusted):
        return ""
    return ", p < 0.001" if gap.adjusted < 0.001 else f", p = {gap.adjusted:.3f}"


def changed_line(one: Changed) -> str:
    """What a perturbation did, in one line."""
    rows = f"{one.rows:,} row{'s' * (one.rows != 1)}"
    if one.flips is not None:
        ends = f"[{one.ci95[0]:.1%}, {one.ci95[1]:.1%}]"
        said = f"{one.mean:.1%} of the answers change {ends}, {one.flips:,} of {rows}"
    else:
        said = f"{one.unit} {number(one.mean)} {interval(one.ci95)}, {rows}"
    return f"{one.name}: {said}" + ("" if one.must_stay else " (here they may have to change)")


def looked_at(section: Section) -> str:
    """How many comparisons a section has, and what they could have shown."""
    if not section.gaps:
        return "Nothing was compared."
    count = len(section.gaps)
    said = f"{count:,} comparison{'s' * (count != 1)}, {len(section.found):,} more than chance."
    known = sorted((gap.detectable, gap.rows[0]) for gap in section.gaps if not math.isnan(gap.detectable))
    if known:
        (least, many), (most, few) = known[0], known[-1]
        said += f" With a probability of {POWER:.0%} a slice of {many:,} rows shows {_a_gap(least)}"
        said += f", one of {few:,} rows {_a_gap(most)}." if few != many else "."
    return said


def _a_gap(size: float) -> str:
    return f"a gap of {number(size)}" if math.isfinite(size) else "no gap of any size"


def blind_spots() -> Iterator[str]:
    """What an audit cannot see, as sentences."""
    yield "What this audit cannot see:"
    yield from (f"- {spot}" for spot in BLIND_SPOTS)


def gate(audit: Audit, most: float) -> str:
    """What ``--max-gap`` compared, and with what result."""
    beyond = audit.exceeding(most)
    if not audit.looked_at:
        return f"Nothing was compared, so nothing can be said of gaps above {most:g}."
    if not beyond:
        return f"No gap that is more than chance has its whole interval above {most:g}."
    shown = "; ".join(gap.about for gap in beyond[:5]) + (f" and {len(beyond) - 5:,} more" if len(beyond) > 5 else "")
    return f"{len(beyond):,} gap{'s' * (len(beyond) != 1)} with the whole interval above {most:g}: {shown}."


def number(value: float) -> str:
    """A score, or a dash where it is undefined."""
    return score_text(value)


def interval(ends: tuple[float, float]) -> str:
    """``[0.012, 0.034]``; says so where there is none."""
    return "(no interval: nothing varies)" if math.isnan(ends[0]) else ends_text(ends)


FAMILY_HINTS = {
    SLICES: "Each slice is compared with all other rows.",
    WORDS: "Rows with a word are compared with those without it.",
    LABELS: "Of the rows whose gold answer lacks a label: how often those with a word get it, and those without.",
    GROUPS: "The largest difference between two groups; its interval is corrected for the number of pairs of groups.",
    PERTURBATIONS: "Texts are changed a little and predicted again.",
    PAIRS: "Sentences that differ in one name or group only.",
}
"""How to read the sections."""
