"""Predictions before and after small changes to texts."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from taskzoo.types import Prediction, Row

from .answers import ENTITIES, TEXT, VALUE, answer_of, form_of, shown_answer
from .asking import Asked
from .audited_rows import RowScore
from .differences import mean_interval, of_pairs, wilson
from .edits import Edit, apply, moved_entities
from .gap import CHRF, FLIPS, MOVES, MOVES_OF_EQUALS, PERTURBATIONS, Changed, Gap, Section
from .perturb import Perturbation, missing, of_languages

EXAMPLES = 3
TITLE = "Changed texts"


@dataclass(frozen=True, slots=True)
class _Case:
    """A row that a perturbation changes."""

    place: int
    row: Row
    edits: list[Edit]


def perturbation_section(asked: Asked, languages: Sequence[str], score: RowScore, seed: int) -> Section:
    """All perturbations for the languages of the rows.

    Args:
        asked: the rows.
        languages: of each of them; one that is not known has what needs no list.
        score: of rows.
        seed: of chance.
    """
    first = asked.predict(asked.rows, "unchanged")
    changes, gaps, idle = [], [], []
    for one in of_languages(languages):
        cases = _cases(one, asked, languages, seed)
        if not cases:
            idle.append(one.name)
            continue
        after = asked.predict([case.row for case in cases], one.name)
        before = [first[case.place] for case in cases]
        changes.append(_changed(one, asked, cases, (before, after)))
        if one.must_stay and form_of(before[0], asked.rows[0].fields) != ENTITIES:
            gaps += _loss(one, [asked.references[case.place] for case in cases], (before, after), score)
    notes = [missing(languages)]
    if idle:
        notes.append(f"No row was changed by: {', '.join(idle)}.")
    if form_of(first[0], asked.rows[0].fields) == ENTITIES:
        notes.append(
            "Entities are compared with those of the unchanged text, at their new places, not with the gold ones."
        )
    return Section(PERTURBATIONS, TITLE, tuple(gaps), tuple(filter(None, notes)), tuple(changes))


def _cases(one: Perturbation, asked: Asked, languages: Sequence[str], seed: int) -> list[_Case]:
    cases, main = [], asked.roles[0]
    for place, (row, language) in enumerate(zip(asked.rows, languages, strict=True)):
        if one.languages and language not in one.languages:
            continue
        chance = random.Random(f"{seed} {one.name} {place}")
        fields, edits = dict(row.fields), dict[str, list[Edit]]()
        for role in asked.roles:
            text = fields.get(role)
            edits[role] = one.make(text, chance) if isinstance(text, str) else []
            if edits[role]:
                fields[role] = apply(str(text), edits[role])
        if any(edits.values()) and any(str(fields.get(role) or "").strip() for role in asked.roles):
            cases.append(_Case(place, Row(fields, row.source, row.line), edits[main]))
    return cases


def _changed(
    one: Perturbation,
    asked: Asked,
    cases: Sequence[_Case],
    sides: tuple[Sequence[Prediction], Sequence[Prediction]],
) -> Changed:
    """How many answers changed, or by how much."""
    before, after = sides
    given, count = asked.rows[0].fields, len(cases)
    form = form_of(before[0], given)
    if form == VALUE:
        moves = np.array([abs(a["value"] - b["value"]) for b, a in zip(before, after, strict=True)])
        moves, unit = (moves / asked.spread, MOVES) if asked.spread else (moves, MOVES_OF_EQUALS)
        flips, mean, ends = None, float(moves.mean()), mean_interval(moves)
        order = np.argsort(-moves)
    elif form == TEXT:
        alike = _chrf([p["text"] for p in before], [p["text"] for p in after])
        flips, mean, ends, unit = None, float(alike.mean()), mean_interval(alike), CHRF
        order = np.argsort(alike)
    else:
        same = [_same(b, a, case) for b, a, case in zip(before, after, cases, strict=True)]
        flips, unit = count - sum(same), FLIPS
        mean, (low, high) = flips / count, wilson(flips, count)
        ends, order = (float(low), float(high)), np.argsort(same, kind="stable")
    examples = [
        _example(cases[i], before[i], after[i], asked) for i in order[:EXAMPLES] if flips is None or not same[i]
    ]
    return Changed(one.name, one.what, count, flips, ends, mean, one.must_stay, unit, tuple(examples))


def _same(before: Prediction, after: Prediction, case: _Case) -> bool:
    roles = case.row.fields
    if form_of(before, roles) == ENTITIES:
        return bool(moved_entities(before, case.edits) == answer_of(after, roles))
    return bool(answer_of(before, roles) == answer_of(after, roles))


def _example(case: _Case, before: Prediction, after: Prediction, asked: Asked) -> tuple[str, str, str, str]:
    role, old = asked.roles[0], asked.rows[case.place].fields
    texts = str(old.get(role, "")), str(case.row.fields.get(role, ""))
    return *texts, shown_answer(before, texts[0], old), shown_answer(after, texts[1], old)


def _chrf(first: Sequence[str], second: Sequence[str]) -> np.ndarray:
    from sacrebleu.metrics import chrf

    metric = chrf.CHRF()
    pairs = zip(first, second, strict=True)
    return np.array([100.0 if a == b else metric.sentence_score(b, [a]).score for a, b in pairs])


def _loss(
    one: Perturbation,
    references: Sequence[Prediction],
    sides: tuple[Sequence[Prediction], Sequence[Prediction]],
    score: RowScore,
) -> list[Gap]:
    """What the change costs of the score; nothing where rows have none."""
    try:
        before, after = (score.of(side, references) for side in sides)
    except (KeyError, TypeError, ValueError, AttributeError):
        return []
    if len(before) != len(references):
        return []
    known = ~np.isnan(before) & ~np.isnan(after)
    if not known.any():
        return []
    found = of_pairs(before[known] - after[known])
    means = float(after[known].mean()), float(before[known].mean())
    rows, low = int(known.sum()), found.ci95[0]
    p = found.p if not math.isnan(low) else math.nan
    about = f"texts with changes: {one.name}"
    return [Gap(PERTURBATIONS, about, score.shown, found.value, found.ci95, p, means, (rows, rows), score.scale)]
