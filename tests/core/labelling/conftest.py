"""Texts of which some labels are wrong, a run on them, and a pool of others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.core.runs.kit import FILLER, WORDS, text_rows, write_csv, zoo

from taskzoo.testing import make_tiny_checkpoint

WRONG = {7: "food", 40: "rain", 77: "animals", 111: "food", 150: "rain"}
"""Lines, from 2, whose labels are made wrong, with the label that they get if it is not theirs."""


def clear_rows(count: int, seed: int) -> list[dict[str, str]]:
    """Texts whose words tell their label."""
    rows = text_rows(count, seed)
    return [row for row in rows if set(row["text"].split()) & set(WORDS[row["label"]])]


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny encoder whose tokenizer knows the words."""
    texts = [row["text"] for row in text_rows(50, 3)] + FILLER
    return make_tiny_checkpoint(tmp_path_factory.mktemp("labelling") / "bert", "bert", texts)


@pytest.fixture(scope="session")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, set[int]]:
    """A file with wrong labels, and the lines where they are."""
    rows = clear_rows(260, 1)
    lines = set()
    for line, label in WRONG.items():
        row = rows[line - 2]
        row["label"] = label if row["label"] != label else "animals" if label != "animals" else "rain"
        lines.add(line)
    return write_csv(tmp_path_factory.mktemp("wrong") / "wrong.csv", rows), lines


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory, encoder: Path, wrong: tuple[Path, set[int]]) -> Path:
    """A finished run on the file with wrong labels."""
    path = tmp_path_factory.mktemp("labelled") / "run"
    arguments = ("--method", "linear-probe", "--precision", "fp32", "--no-baseline", "--quiet", "--output", path)
    made = zoo("run", "classification", "--model", encoder, "--train", wrong[0], *arguments)
    assert made.code == 0, made.err
    return path


@pytest.fixture(scope="session")
def pool(tmp_path_factory: pytest.TempPathFactory, wrong: tuple[Path, set[int]]) -> Path:
    """150 new texts with a number each, ten that the run has, written otherwise, two that repeat, one that is blank."""
    known = [row["text"].upper().replace(" ", ", ") for row in clear_rows(260, 1)[:10]]
    fresh = [row["text"] for row in clear_rows(400, 9)[:150]]
    texts = [*known, *fresh, f"{fresh[0]} !", fresh[1], " "]
    path = tmp_path_factory.mktemp("pool") / "pool.jsonl"
    path.write_text("".join(json.dumps({"id": i, "text": text}) + "\n" for i, text in enumerate(texts)))
    return path
