"""Scores as text: what differs is seen to differ."""

from __future__ import annotations

import math

import pytest

from taskzoo.score_text import decimals, ends_text, score_text


@pytest.mark.parametrize(
    ("value", "ends", "text"),
    [
        (0.4321, (0.401, 0.463), "0.432 [0.401, 0.463]"),
        (31.26, (29.96, 33.01), "31.3 [30.0, 33.0]"),
        (1.65e-5, (1.2e-5, 2.0e-5), "0.000017 [0.000012, 0.000020]"),
        (0.0, (0.0, 0.0038), "0.000 [0.000, 0.004]"),
        (0.0, None, "0.000"),
        (3.65e8, None, "365000000.0"),
        (math.nan, None, "-"),
        (None, None, "-"),
    ],
)
def test_as_many_digits_as_the_size_asks_for(value: float | None, ends: tuple[float, float] | None, text: str) -> None:
    assert score_text(value, ends) == text


def test_differences_have_the_digits_of_their_scores_or_more() -> None:
    assert decimals(0.3, 0.1, 0.5, of=(31.2, 30.9)) == 1
    assert decimals(0.03, 0.01, 0.05, of=(31.2, 31.23)) == 3
    assert decimals(2e-5, math.nan, of=(3e-5, 1e-5)) == 6
    assert ends_text((0.0, 0.25)) == "[0.000, 0.250]"
