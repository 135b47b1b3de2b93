"""What is mined, and that it comes from training rows alone."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from taskzoo_similarity.hard_negatives import mine, with_negatives

import taskzoo
from taskzoo import Feature, RequestError


def feature(row: int, *texts: str, topic: str | None = None) -> Feature:
    ids = [[row + 1] * (2 + side) for side in range(len(texts))]
    return Feature(row, sum(map(len, ids)), {"side_ids": ids, "texts": list(texts), "topic": topic, "score": None})


def vectors(*cosines: float) -> list[np.ndarray]:
    """All texts are (1, 0); the others have these cosines with it."""
    return [np.array([[1.0, 0.0], [c, math.sqrt(1 - c * c)]]) for c in cosines]


def test_the_hardest_below_the_margin_are_mined() -> None:
    features = [feature(i, f"q{i}", f"a{i}") for i in range(4)]
    found = mine(features, vectors(0.9, 0.88, 0.5, 0.7), count=2, margin=0.95)
    assert found == [[3, 2], [3, 2], [], [2]], "0.88 is above 0.95 x 0.9, so it may be right for the first"


def test_what_is_right_is_never_mined() -> None:
    features = [
        feature(0, "q", "a", topic="t"),
        feature(1, "q", "b"),  # another right text of q
        feature(2, "r", "c", topic="t"),
        feature(3, "s", "q"),  # the text itself
        feature(4, "u", "d"),
        feature(5, "v", "d"),  # once
        feature(6, "w", "e"),  # of the topic by another row
        feature(7, "x", "e", topic="t"),
    ]
    assert mine(features, vectors(0.9, *[0.5] * 7), count=9, margin=1.0)[0] == [4]


def test_a_negative_is_the_right_text_of_another_row() -> None:
    one, other = feature(0, "q", "a"), feature(1, "r", "b")
    made = with_negatives(one, [other])
    assert made["texts"] == ["q", "a", "b"]
    assert made["side_ids"][2] == other["side_ids"][1]
    assert made.length == one.length + 3
    assert one["texts"] == ["q", "a"], "the feature itself stays"


def test_a_run_mines_and_says_how_many(tiny: Path, rows: Any, tmp_path: Path) -> None:
    from conftest import SHORT

    settings = {**SHORT, "method": "hard-negatives", "mined": 2, "mining_margin": 1.0}
    run = taskzoo.finetune("similarity", model=tiny, output=tmp_path / "run", **rows, **settings)
    assert 0 < run.manifest["mined_negatives"] <= 48
    with pytest.raises(RequestError, match="is for the task similarity"):
        taskzoo.finetune("classification", data="demo", model=tiny, output=tmp_path / "no", method="hard-negatives")
