"""Predictions as CoNLL, and what CoNLL cannot hold; other formats: tests/core/bulk/test_output.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskzoo import RequestError, registry
from taskzoo.runs.prediction_files import check_prediction_file, conll_sentence, not_in_conll


def test_what_conll_cannot_hold_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    assert conll_sentence({"tokens": ["Ada", "left"], "tags": ["B-PER", "O"]}) == "Ada\tB-PER\nleft\tO\n\n"
    for word in ("a\tb", "a\n", "\r", "-DOCSTART-", "-DOCSTART-1", ""):
        assert not_in_conll({"tokens": ["Ada", word]}) == word
    assert not_in_conll({"tokens": ["Ada", "-", " ", "#", "x-DOCSTART-", "\u2028", "DOCSTART"]}) is None
    check_prediction_file(path, registry.task("ner"))
    with pytest.raises(RequestError, match=r"classification predicts no tags; name it \.jsonl"):
        check_prediction_file(path, registry.task("classification"))
