"""How predictions are explained."""

from __future__ import annotations

import math

from taskzoo.errors import RequestError
from taskzoo.explanations.asking import Asked

from ..bench import Bench
from .common import NotApplicable, close, require


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
    for subject, claim in found[:4]:
        (value,) = asked.values(subject, [(subject.texts, claim)])
        require(math.isfinite(value), f"the evidence for {claim.name!r} is {value}")
        if asked.evidence.differentiable:
            gradient = Gradients(asked, asked.question(subject, claim)).gradient_x_input()
            same = close(gradient.value, value, 1e-3, 1e-3)
            require(same, f"evidence for {claim.name!r}: value() is {value:.6g}, and score() {gradient.value:.6g}")
