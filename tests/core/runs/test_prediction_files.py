"""Predictions as CoNLL, and what CoNLL cannot hold; other formats: tests/core/bulk/test_output.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskzoo import RequestError, registry
from taskzoo.runs.prediction_files import check_prediction_file, conll_sentence


def test_what_conll_cannot_hold_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    assert conll_sentence({"tokens": ["Ada", "left"], "tags": ["B-PER", "O"]}, 1) == "Ada\tB-PER\nleft\tO\n\n"
    with pytest.raises(RequestError, match="row 1 cannot be written as CoNLL"):
        conll_sentence({"tokens": ["a\tb"], "tags": ["O"]}, 1)
    check_prediction_file(path, registry.task("ner"))
    with pytest.raises(RequestError, match=r"classification predicts no tags; name it \.jsonl"):
        check_prediction_file(path, registry.task("classification"))
