"""Which method to believe: comprehensiveness and sufficiency (DeYoung et al. 2020, "ERASER"), on rows of the run.

Comprehensiveness is by how much the probability of what is predicted falls when the words are left out that a method
ranks first; sufficiency, by how much it falls when these are all that is left. A good ranking has a high
comprehensiveness and a low sufficiency. Both are means over the shares of words in :data:`SHARES`. The words of an
entity that is explained stay in any case: without them there would be nothing to ask about.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from taskzoo.engine.progress import Reporter, Silent
from taskzoo.errors import RequestError
from taskzoo.evidence import LOG_ODDS, PROBABILITY, VALUE, Claim, Word
from taskzoo.metrics.repeated import t_interval
from taskzoo.runs.inputs import is_blank
from taskzoo.runs.load import Run
from taskzoo.types import Row

from .asking import Asked, Subject
from .chosen import methods_of
from .explain import How, explained_claim
from .words import without

RANDOM, DRAWS = "random", 5
"""Words in random order, to compare with; the mean over so many orders."""
SHARES = (0.05, 0.1, 0.2, 0.5)
"""Of the words, at least one."""
LEAST_WORDS = 3
"""Of a text that is measured on."""


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over rows.

    Args:
        value: the mean.
        interval: its 95% interval by Student's t; ``None`` for fewer than two rows.
    """

    value: float
    interval: tuple[float, float] | None

    @classmethod
    def of(cls, values: Sequence[float]) -> Mean:
        """That of the values of the rows."""
        return cls(float(np.mean(values)), t_interval(values))

    def to_dict(self) -> dict[str, Any]:
        """With the names of ``metrics.json``."""
        return {"mean": self.value, "ci95": None if self.interval is None else list(self.interval)}


@dataclass(frozen=True, slots=True)
class Faithfulness:
    """What was measured.

    Args:
        rows: how many texts.
        left_out: how many further texts could not be explained.
        claims: how many predictions of them, such as entities.
        unit: in which the differences are: probability, or the unit of the predicted numbers.
        comprehensiveness, sufficiency: of each method, and of :data:`RANDOM`.
        difference: of each method against random, and of each pair of methods, in comprehensiveness minus sufficiency.
        best: the first of the methods unless another is better beyond chance; of several such, the best.
    """

    rows: int
    left_out: int
    claims: int
    unit: str
    comprehensiveness: dict[str, Mean]
    sufficiency: dict[str, Mean]
    difference: dict[tuple[str, str], Mean]
    best: str

    def to_dict(self) -> dict[str, Any]:
        """The content of ``explain.json``."""
        methods = {
            name: {
                "comprehensiveness": self.comprehensiveness[name].to_dict(),
                "sufficiency": self.sufficiency[name].to_dict(),
            }
            for name in self.comprehensiveness
        }
        pairs = [{"first": a, "second": b, **mean.to_dict()} for (a, b), mean in self.difference.items()]
        texts = {"rows": self.rows, "left_out": self.left_out, "claims": self.claims}
        known = {"unit": self.unit, "shares": list(SHARES)}
        return {"best": self.best, **texts, **known, "methods": methods, "differences": pairs}


def measure(
    run: Run, rows: Sequence[Row], *, steps: int = 32, seed: int = 0, reporter: Reporter | None = None
) -> Faithfulness:
    """Measure all methods that the run allows on these rows.

    Texts of fewer than three words are left out, and those that a method refuses, as one with too many words.

    Raises:
        RequestError: no row has a prediction to explain.
    """
    asked, reporter = Asked(run), reporter or Silent()
    given = [row for row in rows if not is_blank(run.spec, row)]
    predictions = run.predict_rows(given)
    methods = [*methods_of(asked), RANDOM]
    scores: dict[str, list[tuple[float, float]]] = {method: [] for method in methods}
    claims = texts = 0
    refused: list[RequestError] = []
    unit = PROBABILITY
    generator = np.random.default_rng(seed)
    with reporter.bar("rows measured", len(given)) as bar:
        for number, (row, prediction) in enumerate(zip(given, predictions, strict=True), 1):
            try:
                subject = asked.subject(row)
                found = _measured(asked, subject, asked.evidence.claims(prediction), (methods, steps, generator))
            except RequestError as error:
                refused.append(error)
                found = []
            texts += bool(found)
            claims += len(found)
            for method in methods if found else ():
                pairs = [each[method] for each in found]
                scores[method].append((float(np.mean([c for c, _ in pairs])), float(np.mean([s for _, s in pairs]))))
            if any(asked.evidence.unit(claim) == VALUE for claim in asked.evidence.claims(prediction)[:1]):
                unit = VALUE
            bar.update(number)
    if not texts:
        raise RequestError(
            f"None of the {len(given)} rows has a prediction and {LEAST_WORDS} words, so nothing can be measured."
            + "".join(f" Of {len(refused)}, the first was refused: {error}" for error in refused[:1])
        )
    total = {method: [c - s for c, s in pairs] for method, pairs in scores.items()}
    real = methods[:-1]
    compared = [(method, RANDOM) for method in real] + list(combinations(real, 2))
    difference = {(a, b): Mean.of([x - y for x, y in zip(total[a], total[b], strict=True)]) for a, b in compared}
    return Faithfulness(
        texts,
        len(refused),
        claims,
        unit,
        {method: Mean.of([c for c, _ in pairs]) for method, pairs in scores.items()},
        {method: Mean.of([s for _, s in pairs]) for method, pairs in scores.items()},
        difference,
        _best(real, difference),
    )


def _best(methods: Sequence[str], difference: Mapping[tuple[str, str], Mean]) -> str:
    """The first method, unless the interval of its difference to another one lies below 0."""
    best, most, first = methods[0], 0.0, methods[0]
    for other in methods[1:]:
        found = difference[first, other]
        if found.interval is not None and found.interval[1] < 0 and -found.value > most:
            best, most = other, -found.value
    return best


def _measured(
    asked: Asked, subject: Subject, claims: Sequence[Claim], how: tuple[Sequence[str], int, np.random.Generator]
) -> list[dict[str, tuple[float, float]]]:
    """For each claim: method -> comprehensiveness and sufficiency."""
    methods, steps, generator = how
    words = asked.words(subject)
    found = []
    for claim in claims:
        free = [word for word in words if not _inside(word, claim)]
        if len(free) < LEAST_WORDS:
            continue
        orders: dict[str, list[list[Word]]] = {
            RANDOM: [[free[i] for i in generator.permutation(len(free))] for _ in range(DRAWS)]
        }
        for method in methods:
            if method != RANDOM:
                explained = explained_claim(asked, subject, claim, words, How(method, steps, Silent()))
                by_word = {(w.role, w.start, w.end): w.evidence or 0.0 for w in explained.words}
                size = abs if claim.kind == "value" else float  # a number is neither for nor against
                orders[method] = [sorted(free, key=lambda word: -size(by_word[word.role, word.start, word.end]))]
        found.append(_scores(asked, subject, claim, free, orders))
    return found


def _scores(
    asked: Asked, subject: Subject, claim: Claim, free: Sequence[Word], orders: dict[str, list[list[Word]]]
) -> dict[str, tuple[float, float]]:
    """For each method the mean fall without its first words, and with nothing but them."""
    counts = [max(1, round(share * len(free))) for share in SHARES]
    wanted: dict[tuple[Word, ...], int] = {(): 0}
    for order in (order for several in orders.values() for order in several):
        for count in counts:
            wanted.setdefault(tuple(sorted(order[:count])), len(wanted))
            wanted.setdefault(tuple(sorted(order[count:])), len(wanted))
    values = asked.values(subject, [without(subject.texts, left_out, claim) for left_out in wanted])
    unit = asked.evidence.unit(claim)
    held = [as_probability(value, unit) for value in values]

    def fall(left_out: Sequence[Word]) -> float:
        change = held[0] - held[wanted[tuple(sorted(left_out))]]
        return abs(change) if unit == VALUE else change

    return {
        method: (
            float(np.mean([fall(order[:count]) for order in several for count in counts])),
            float(np.mean([fall(order[count:]) for order in several for count in counts])),
        )
        for method, several in orders.items()
    }


def _inside(word: Word, claim: Claim) -> bool:
    """Whether a word is one of the entity."""
    span = claim.span
    return span is not None and word.role == span.role and word.start < span.end and span.start < word.end


def as_probability(value: float, unit: str) -> float:
    """A value of evidence as a probability; a number, as it is."""
    if unit == LOG_ODDS:
        return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))
    return value if unit in (PROBABILITY, VALUE) else math.exp(min(0.0, value))
