"""What all reader tests share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from taskzoo.data import read_rows
from taskzoo.errors import DataError
from taskzoo.task import Row

TABLE = ("jsonl", "json", "csv", "tsv")
CONLL = ("conll", *TABLE)
TEXT = {"text": "the text", "label": "its class"}
TOKENS = {"tokens": "list of words", "tags": "one tag per word"}


def texts(path: Path, **settings: Any) -> list[Row]:
    return read_rows(path, **{"formats": TABLE, "roles": TEXT, **settings})


def sentences(path: Path, **settings: Any) -> list[Row]:
    return read_rows(path, **{"formats": CONLL, "roles": TOKENS, **settings})


def pairs(rows: list[Row]) -> list[tuple[Any, Any]]:
    return [(row["text"], row["label"]) for row in rows]


def refused(path: Path, *parts: str, line: int = 0, read: Any = texts, **settings: Any) -> str:
    """The message of the DataError: one line and one sentence, with file, line and all ``parts`` in it."""
    with pytest.raises(DataError) as caught:
        read(path, **settings)
    message = str(caught.value)
    where = f"{path}:{line}: " if line else f"{path}: "
    assert message.startswith(where), message
    assert caught.value.line == line
    sentence = message[len(where) :]
    assert "\n" not in message
    assert "\r" not in message
    assert sentence[-1] in ".?"
    assert len(sentence) < 350
    for part in parts:
        assert part in sentence, message
    return sentence


PAIR_FORMATS = ("jsonl", "json", "csv", "tsv", "parquet", "parallel", "tmx")
PAIR = {"source": "the text", "target": "its translation"}


def translations(path: Path, source: str = "", target: str = "", **settings: Any) -> list[Row]:
    """Rows of a task that translates, from ``source`` into ``target`` (codes; ``""``: unknown)."""
    languages = {"source": source, "target": target}
    given = {"formats": PAIR_FORMATS, "roles": PAIR, "languages": languages, "required": frozenset(), **settings}
    return read_rows(path, **given)


def both(rows: list[Row]) -> list[tuple[Any, Any]]:
    return [(row["source"], row["target"]) for row in rows]
