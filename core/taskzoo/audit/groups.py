"""Group metrics: how far apart groups of a column are in what they are called, and how rightly.

The values are those of fairlearn for a label against the rest: ``demographic_parity_difference`` (share called so),
``true_positive_rate_difference`` and ``false_positive_rate_difference``, of which ``equalized_odds_difference`` is the
greater. The interval holds the true largest difference: it spans those of all pairs of groups, each at a level
corrected for their number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from taskzoo.metrics.parts import groups_of
from taskzoo.metrics.significance import LEVEL

from .audited_rows import AuditedRows
from .differences import exact_p, newcombe
from .gap import GROUPS, Gap, Section

FEWEST, MOST_GROUPS, MOST_LABELS = 30, 20, 20
"""Rows of a group that a rate is of; groups of a column, and labels."""

Counts = dict[str, tuple[int, int]]
"""Group -> count and total of a rate."""


def group_section(rows: AuditedRows, columns: Mapping[str, Sequence[str | None]]) -> Section | None:
    """The rates of the columns' groups; ``None`` without columns or labels."""
    labels = _labels(rows)
    if not columns or not labels:
        return None
    gaps, notes = [], list[str]()
    occurring = len({label for labels in rows.gold for label in labels})
    if occurring > MOST_LABELS:
        notes.append(f"Rates are of the {len(labels)} most frequent of {occurring:,} labels.")
    for name, values in columns.items():
        every = groups_of(values)
        groups = {value: chosen for value, chosen in every.items() if len(chosen) >= FEWEST}
        if not 2 <= len(groups) <= MOST_GROUPS:
            notes.append(f"{name} has {len(groups)} groups of at least {FEWEST} rows, so rates are not compared.")
            continue
        if len(groups) < len(every):
            notes.append(f"{name}: {len(every) - len(groups)} of {len(every)} groups have fewer than {FEWEST} rows.")
        rates = {f"{rate} {label!r}": of for label in labels for rate, of in _rates(rows, groups, label).items()}
        gaps += [_gap(f"{name}: {rate}", counts) for rate, counts in rates.items() if len(counts) > 1]
        missing = sum(len(counts) < len(groups) for counts in rates.values())
        if missing:
            notes.append(
                f"{name}: {missing:,} of {len(rates):,} rates are without a group that has fewer than {FEWEST} rows of "
                f"their kind, of which {sum(len(counts) < 2 for counts in rates.values()):,} have nothing to compare."
            )
    return Section(GROUPS, "Rates of groups", tuple(gaps), tuple(notes))


def _labels(rows: AuditedRows) -> list[str]:
    """The labels to look at, of two the second; none for a task without."""
    counts: dict[str, int] = {}
    for labels in rows.gold:
        for label in labels:
            counts[label] = counts.get(label, 0) + 1
    often = sorted(counts, key=lambda label: (-counts[label], label))[:MOST_LABELS]
    single = all(len(labels) == 1 for labels in rows.gold)
    return sorted(often)[1:] if len(often) == 2 and single else often


def _rates(rows: AuditedRows, groups: Mapping[str, np.ndarray], label: str) -> dict[str, Counts]:
    gold = np.array([label in labels for labels in rows.gold])
    called = np.array([label in labels for labels in rows.predicted])
    within = {
        "share called": np.ones(len(gold), dtype=bool),
        "share found of those that are": gold,
        "share called, of those that are not,": ~gold,
    }
    found: dict[str, Counts] = {}
    for rate, mask in within.items():
        chosen = {group: places[mask[places]] for group, places in groups.items()}
        found[rate] = {
            g: (int(called[places].sum()), len(places)) for g, places in chosen.items() if len(places) >= FEWEST
        }
    return found


def _gap(about: str, counts: Counts) -> Gap:
    """The largest difference between two groups."""
    order = sorted(counts, key=lambda group: -counts[group][0] / counts[group][1])
    pairs = list(combinations(order, 2))  # the higher share first
    first, second = (np.array([counts[pair[side]] for pair in pairs]).T for side in (0, 1))
    low, high = newcombe(tuple(first), tuple(second), 1 - LEVEL / len(pairs))
    p = float(np.min(exact_p(tuple(first), tuple(second))))
    (top, many), (bottom, few) = counts[order[0]], counts[order[-1]]
    return Gap(
        GROUPS,
        f"{about}, {order[0]} against {order[-1]}",
        "share of rows",
        top / many - bottom / few,
        (float(low.max()), float(high.max())),
        min(1.0, len(pairs) * p),
        (top / many, bottom / few),
        (many, few),
    )
