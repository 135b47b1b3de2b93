"""The translation edit rate is there when it is asked for."""

from __future__ import annotations

import pytest

from taskzoo import registry


@pytest.mark.parametrize("asked", [False, True])
def test_ter_is_an_option(asked):
    task = registry.load_task("translation")(registry.task("translation").resolve_options({"ter": asked}))
    scores = task.metrics()[0].compute([{"text": "a cat sits"}], [{"targets": ["the cat sits"]}])
    assert ("ter" in scores) is asked
    assert {"bleu", "chrf"} <= scores.keys()
    assert not task.score_of("ter").higher_is_better
