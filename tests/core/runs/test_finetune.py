"""``taskzoo.finetune`` with rows in memory: the word for no rows, and nothing said where nobody listens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from transformers.utils import logging

import taskzoo
from taskzoo.runs.request import DataRequest

from .kit import read, text_rows


def test_no_rows_of_a_split_and_nothing_on_the_terminal(
    tiny_checkpoint: Callable[..., Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    bars = logging.is_progress_bar_enabled()
    logging.enable_progress_bar()  # a command in this process may have switched them off
    capfd.readouterr()
    try:
        taskzoo.finetune(
            "classification",
            model=tiny_checkpoint(),
            train=text_rows(30, 1),
            validation="none",
            test=["none"],
            output=tmp_path / "run",
            method="linear-probe",
            precision="fp32",
            baseline=False,
        )
        said = capfd.readouterr()
    finally:
        if not bars:
            logging.disable_progress_bar()
    assert (said.out, said.err) == ("", "")
    assert read(tmp_path / "run" / "manifest.json")["rows"] == {"train": 30, "validation": 0, "test": 0}


def test_the_word_goes_with_rows_for_every_command() -> None:
    """Searches and recommendations make their own request."""
    rows = text_rows(3, 1)
    request = DataRequest(train=rows, validation="none", test=["none"])
    assert (request.memory, request.files) == ({"train": rows, "validation": [], "test": []}, {})
    named = DataRequest(train="a.csv", validation="none")
    assert (named.memory, named.files) == ({}, {"train": ["a.csv"], "validation": ["none"]})
    mixed = DataRequest(train=rows, test="a.csv")
    assert (mixed.memory, mixed.files) == ({"train": rows}, {"test": ["a.csv"]})
