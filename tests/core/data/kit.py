"""What all reader tests share: the specs of two tasks, and one that translates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from taskzoo.data.readers import ReadRequest, read_rows
from taskzoo.errors import DataError
from taskzoo.spec import Column, TaskSpec
from taskzoo.types import Row

TABLE = ("jsonl", "json", "csv", "tsv")
CONLL = ("conll", *TABLE)
TEXT = {"text": "the text", "label": "its class"}
TOKENS = {"tokens": "list of words", "tags": "one tag per word"}
PAIR_FORMATS = ("jsonl", "json", "csv", "tsv", "parquet", "parallel", "tmx", "xliff", "po")
PAIR = {"source": "the text", "target": "its translation"}

TARGETS = {"label", "tags", "target"}
NAMES: Mapping[str, tuple[str, ...]] = {
    "tokens": ("words",),
    "tags": ("ner_tags", "labels", "ner"),
    "text": (
        *("sentence", "review", "content", "comment", "tweet", "phrase", "utterance", "message", "question"),
        *("review_text", "reviewText", "review_body", "文本", "内容", "评论", "评价", "句子", "正文"),
    ),
    "label": (
        *("category", "class", "intent", "sentiment", "labels", "categories", "emotion", "topic", "polarity"),
        *("stars", "rating", "overall", "score", "gold_label", "is_duplicate"),
        *("标签", "类别", "分类", "情感", "情感倾向", "评分", "星级"),
    ),
    "source": ("document", "article", "dialogue", "src", "原文"),
    "target": ("summary", "highlights", "tgt", "译文", "摘要"),
}
_NUMBERED = ("sentence", "sentence_", "text", "text_", "question", "question_")
PAIR_NAMES: Mapping[str, tuple[str, ...]] = {  # of tasks with two texts
    "text": (*(name + "1" for name in _NUMBERED), "sentence_a", "text_a", "premise", "句子1", "文本1"),
    "text_pair": (*(name + "2" for name in _NUMBERED), "sentence_b", "text_b", "hypothesis", "句子2", "文本2"),
}


def make_spec(
    roles: Mapping[str, str] = TEXT,
    formats: tuple[str, ...] = TABLE,
    required: Iterable[str] | None = None,
    languages: Iterable[str] = (),
) -> TaskSpec:
    """A task with these roles, all of them required by default; ``languages``: the roles that have one."""
    needed = set(roles if required is None else required)
    columns = {
        role: Column(
            help,
            required=role in needed,
            target=role in TARGETS,
            names=NAMES.get(role, ()) + (PAIR_NAMES.get(role, ()) if "text_pair" in roles else ()),
            language=f"{role}_lang" if role in languages else "",
        )
        for role, help in roles.items()
    }
    return TaskSpec(id="test", contract=2, columns=columns, formats=formats)


def read(path: str | Path, spec: TaskSpec, **request: Any) -> list[Row]:
    return read_rows(path, ReadRequest(spec, **request))


def texts(path: str | Path, *, roles: Any = TEXT, formats: Any = TABLE, required: Any = None, **request: Any) -> Any:
    return read(path, make_spec(roles, formats, required), **request)


def sentences(path: str | Path, *, roles: Any = TOKENS, formats: Any = CONLL, **settings: Any) -> list[Row]:
    rows: list[Row] = texts(path, roles=roles, formats=formats, **settings)
    return rows


def translations(
    path: str | Path,
    source: str = "",
    target: str = "",
    *,
    formats: Any = PAIR_FORMATS,
    required: Any = (),
    **request: Any,
) -> list[Row]:
    """Rows of a task that translates, from ``source`` into ``target`` (codes; ``""``: unknown)."""
    spec = make_spec(PAIR, formats, required, languages=PAIR)
    return read(path, spec, languages={"source": source, "target": target}, **request)


def pairs(rows: list[Row]) -> list[tuple[Any, Any]]:
    return [(row["text"], row["label"]) for row in rows]


def both(rows: list[Row]) -> list[tuple[Any, Any]]:
    return [(row["source"], row["target"]) for row in rows]


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
