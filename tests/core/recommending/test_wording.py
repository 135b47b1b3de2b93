"""The order of choices, and what is said of the first."""

from __future__ import annotations

from typing import Any

from taskzoo.recommending.recommend import _place
from taskzoo.recommending.result import Choice, Estimate, Reading, RowFacts
from taskzoo.recommending.wording import sentence_of

ROWS = RowFacts({"train": 100, "validation": 10, "test": 50}, 2, "en", given=False, words=5)


def choice(model: str, score: float | None = None, minutes: float = 1.0, **more: Any) -> Choice:
    found = Choice(model, "auto", here=True, reads=Reading("yes"), command="zoo run", **more)
    found.minutes = Estimate(minutes, minutes, minutes, "steps")
    found.score = None if score is None else Estimate(score, score - 0.1, score + 0.1, "a probe")
    if found.too_slow:
        found.obstacles.append("it takes more than 5 minutes")
    return found


def test_what_takes_too_long_goes_last_with_a_score_or_without() -> None:
    given = [
        choice("slow", too_slow=True),
        choice("slow and good", 0.9, 50, too_slow=True),
        choice("good", 0.8),
        choice("better", 0.85),
        choice("unknown", obstacles=["its terms must be agreed to on the hub", "another"]),
    ]
    names = [one.model for one in sorted(given, key=_place)]
    assert names == ["better", "good", "unknown", "slow and good", "slow"]


def test_a_higher_score_that_takes_too_long_is_not_called_less() -> None:
    quick, slow, worse = choice("quick", 0.6), choice("slow", 0.85, 50, too_slow=True), choice("worse", 0.4)
    said = sentence_of([quick], sorted([slow, quick], key=_place), "accuracy", ROWS)
    assert "slow with auto should reach 0.850, but it takes more than 5 minutes." in said
    said = sentence_of([quick], sorted([worse, quick], key=_place), "accuracy", ROWS)
    assert "worse with auto should reach 0.400, which is less." in said
