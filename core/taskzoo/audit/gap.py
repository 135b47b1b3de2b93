"""What an audit finds, and the correction for all that it looked at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from taskzoo.metrics.significance import LEVEL, holm

from .differences import detectable_mean, detectable_share

SLICES, WORDS, LABELS, GROUPS = "slices", "words", "labels", "groups"
PERTURBATIONS, PAIRS = "perturbations", "pairs"
FLIPS = "share of answers that change"
MOVES = "mean absolute change, in standard deviations of the predictions"
MOVES_OF_EQUALS = "mean absolute change of numbers that are all predicted alike, in their own unit"
CHRF = "mean chrF of the output against that for the unchanged text"


@dataclass(frozen=True, slots=True)
class Gap:
    """One difference that was looked at.

    Args:
        family: the kind of comparison, within which p-values are corrected.
        about: what is compared with what, for people.
        of: the quantity that differs.
        value: the difference; positive where ``about`` is worse off, or has more of what it should not have.
        ci95: its interval; NaN where there is none.
        p: two-sided, of this comparison alone; NaN where there is none.
        sides: both quantities.
        rows: how many rows (or templates) they are of.
        scale: what the difference is divided by to be a share that ``--max-gap`` is compared with; 0: it is not.
        deviation: of the scores of single rows, where they are more than right or wrong; NaN: they are not.
        detectable: the difference that these rows would show with a probability of 80%; infinite if there is none, NaN
            where it is not computed.
        adjusted: the p-value corrected for all comparisons of the audit.
    """

    family: str
    about: str
    of: str
    value: float
    ci95: tuple[float, float]
    p: float
    sides: tuple[float, float]
    rows: tuple[int, int]
    scale: float = 1.0
    deviation: float = math.nan
    detectable: float = math.nan
    adjusted: float = math.nan

    @property
    def found(self) -> bool:
        """Whether it is more than chance, among all that were looked at."""
        return self.adjusted <= LEVEL and self.ci95[0] > 0

    @property
    def share(self) -> float:
        """Its size as a share of the range of the quantity; that of other quantities is not comparable: 0."""
        return abs(self.value) / self.scale if self.scale else 0.0

    def exceeds(self, most: float) -> bool:
        """Whether it was found, and its whole interval lies beyond ``most``."""
        return self.found and self.scale > 0 and self.ci95[0] / self.scale > most

    def to_dict(self) -> dict[str, Any]:
        """For JSON; what is undefined is ``None``."""
        return {
            "about": self.about,
            "of": self.of,
            "gap": known(self.value),
            "ci95": None if math.isnan(self.ci95[0]) else list(self.ci95),
            "p": known(self.p),
            "p_adjusted": known(self.adjusted),
            "found": self.found,
            "sides": [known(side) for side in self.sides],
            "rows": list(self.rows),
            "scale": self.scale,
            "detectable": known(self.detectable),
        }


@dataclass(frozen=True, slots=True)
class Changed:
    """What a perturbation did to predictions.

    Args:
        name: of the perturbation.
        what: it does, for people.
        rows: how many rows it changed, all of which were predicted again.
        flips: how many of their answers changed; ``None`` for numbers and texts.
        ci95: the interval of their share, or of ``mean``.
        mean: the share of flips, or the mean of ``unit``.
        unit: what ``mean`` is of: :data:`FLIPS`, :data:`MOVES`, :data:`MOVES_OF_EQUALS` or :data:`CHRF`.
        must_stay: whether the right answer is the same as before.
        examples: text before and after, with both answers.
    """

    name: str
    what: str
    rows: int
    flips: int | None
    ci95: tuple[float, float]
    mean: float
    must_stay: bool
    unit: str
    examples: tuple[tuple[str, str, str, str], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name,
            "what": self.what,
            "rows": self.rows,
            "measure": self.unit,
            "value": known(self.mean),
            "flips": self.flips,
            "ci95": None if math.isnan(self.ci95[0]) else list(self.ci95),
            "answer_must_stay": self.must_stay,
            "examples": [dict(zip(("before", "after", "answer", "new_answer"), e, strict=True)) for e in self.examples],
        }


@dataclass(frozen=True, slots=True)
class Section:
    """All of one kind that was looked at.

    Args:
        name: :data:`SLICES`, :data:`WORDS`, ...
        title: for people.
        gaps: everything that was compared.
        notes: what to know of them, a sentence each.
        changes: of perturbations.
    """

    name: str
    title: str
    gaps: tuple[Gap, ...] = ()
    notes: tuple[str, ...] = ()
    changes: tuple[Changed, ...] = field(default=())

    @property
    def found(self) -> list[Gap]:
        """Gaps that are more than chance, the largest first."""
        return sorted((gap for gap in self.gaps if gap.found), key=lambda gap: (-gap.share, gap.adjusted))

    @property
    def closest(self) -> list[Gap]:
        """All gaps, the least probable first."""
        return sorted(self.gaps, key=lambda gap: (not gap.found, gap.adjusted, gap.p, -gap.share))


def corrected(sections: Sequence[Section]) -> list[Section]:
    """The sections with p-values for all comparisons together: Holm's within a section, times their number.

    Slices also say what their rows would have shown.
    """
    families = sum(bool(section.gaps) for section in sections)
    done = []
    for section in sections:
        p_values = holm([gap.p for gap in section.gaps])
        tests = families * sum(not math.isnan(p) for p in p_values)
        pairs = zip(section.gaps, p_values, strict=True)
        gaps = tuple(
            replace(gap, adjusted=p if math.isnan(p) else min(1.0, families * p), detectable=_detectable(gap, tests))
            for gap, p in pairs
        )
        done.append(replace(section, gaps=gaps))
    return done


def _detectable(gap: Gap, tests: int) -> float:
    """What the rows of a slice would show, at the level of the first of so many tests."""
    if gap.family != SLICES or not tests:
        return math.nan
    if math.isnan(gap.deviation):
        return detectable_share(gap.sides[1], *gap.rows, LEVEL / tests)
    return detectable_mean(gap.deviation, *gap.rows, LEVEL / tests)


def known(value: float) -> float | None:
    """``None`` for what is undefined, which JSON has no number for."""
    return float(value) if math.isfinite(value) else None
