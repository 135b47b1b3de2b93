"""How predictions are explained."""

from __future__ import annotations

import math
from collections.abc import Mapping

from taskzoo.errors import RequestError
from taskzoo.evidence import Evidence, Question, Word
from taskzoo.explanations.asking import Asked

from ..bench import Bench
from .common import NotApplicable, close, require
from .promise import promise


@promise(
    why="`zoo explain` shows people words as reasons; a wrong place or number gives them wrong reasons.",
    fix="Give entities the characters of the text they come from, and let value() and score() be the same number.",
    after="rows batching predictions",
)
def check_evidence(bench: Bench) -> None:
    """What predictions say has a finite value, the same by arrays and, where there are gradients, by the outputs."""
    from taskzoo.explanations.gradients import Gradients

    asked = Asked(bench.run)
    rows = bench.raw["test"][:4]
    try:
        subjects = [asked.subject(row) for row in rows]
        found = [
            (s, c)
            for s, p in zip(subjects, bench.run.predict_rows(rows), strict=True)
            for c in asked.evidence.claims(p)
        ]
    except RequestError as reason:
        raise NotApplicable(str(reason)) from None
    if not found:
        raise NotApplicable("nothing is predicted for a few rows of the demo set")
    for subject, claim in found:
        if claim.span is not None:
            _check_place(f"the entity {claim.name!r}", claim.span, subject.texts)
    for subject, claim in found[:4]:
        (value,) = asked.values(subject, [(subject.texts, claim)])
        require(math.isfinite(value), f"the evidence for {claim.name!r} is {value}")
        if asked.evidence.differentiable:
            require(type(asked.evidence).places is not Evidence.places, "evidence with gradients needs places()")
            try:
                _check_tokens(asked, asked.question(subject, claim), subject.texts)
            except RequestError:  # this model's tokenizer does not tell places, so gradients are refused
                continue
            gradient = Gradients(asked, asked.question(subject, claim)).gradient_x_input()
            same = close(gradient.value, value, 1e-3, 1e-3)
            require(same, f"evidence for {claim.name!r}: value() is {value:.6g}, and score() {gradient.value:.6g}")


def _check_tokens(asked: Asked, question: Question, texts: Mapping[str, str]) -> None:
    """Tokens lie within their texts, which they cover from the first letter."""
    features = asked.features(question)
    places = asked.evidence.places(question, features, asked.run.processor)
    found = [place for of_feature in places for place in of_feature if place is not None]
    for place in found:
        _check_place("a token", place, texts)
    for role in {place.role for place in found}:
        first = min(place.start for place in found if place.role == role)
        blank = len(texts[role]) - len(texts[role].lstrip())
        require(first <= blank, f"the first token of {role!r} is said to begin at {first}, and its text at {blank}")


def _check_place(what: str, place: Word, texts: Mapping[str, str]) -> None:
    role, start, end = place
    length = len(texts.get(role, ""))
    good = role in texts and 0 <= start <= end <= length
    require(good, f"{what} is said to be at {start}:{end} of {role!r}, which has {length} letters")
