"""Text with its entities marked in the line: ``Ada/B-PER left/O``, ``<PER>Ada</PER> left``, ``[Ada](PER) left``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from taskzoo.data.columns import Columns
from taskzoo.data.readers import FileReader
from taskzoo.data.readers.files import split_lines, to_text
from taskzoo.data.readers.lines import Lines
from taskzoo.types import Row

from .token_table import TokenTable

_TAGGED = re.compile(r"\S*\S([/|])(O|[BIELSUM]-\S+)")
_MARKED = re.compile(
    r"<(?P<type>[A-Za-z][\w.-]*)>(?P<text>[^<>]+)</(?P=type)>|\[(?P<words>[^\[\]]+)\]\((?P<name>[\w.-]+)\)"
)
_AROUND = re.compile(r"<(doc|document|s|sent|sentence|text|p)>(.*)</\1>")
_ANY_MARK = re.compile(r"</?[A-Za-z][\w.-]*>")
_OTHER = re.compile(r"""\s*(<[?!]|\{|\[\s*([{"'\[]|$))""")  # XML, HTML, JSON
_CELLS = re.compile(r"\t|\s(O|[BIELSUM]-\S+)\s*$")  # a table, a token and its tag
_LINES = 200


class TaggedWords(FileReader):
    """A sentence per line, with the tag behind each word; what stands between (``Ada|NNP|B-PER``) is not read."""

    name = "tagged-words"
    roles = ("tokens", "tags")

    def matches(self, head: bytes) -> bool:
        words = [word for line in _beginning(head) for word in line.split()]
        found = list(map(_TAGGED.fullmatch, words))
        marks = {word[1] for word in found if word}
        return None not in found and len(marks) == 1 and any("-" in word[2] for word in found if word)

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        lines = split_lines(to_text(data, columns.source), columns.source)
        sentences = [(number, line.split()) for number, line in enumerate(lines, 1) if line.strip()]
        found = _TAGGED.fullmatch(sentences[0][1][0]) if sentences else None
        mark = found[1] if found else "/"
        parts = min(word.count(mark) for _, words in sentences for word in words)
        rows: list[Row] = []
        for number, words in sentences:
            with columns.leaving_out():
                if odd := next((word for word in words if word.count(mark) == 0), None):
                    raise columns.error(f"the word {odd!r} has no tag behind a {mark!r}.", number)
                cells = [word.rsplit(mark, max(1, parts)) for word in words]
                values = {"tokens": [cell[0] for cell in cells], "tags": [cell[-1] for cell in cells]}
                rows += columns.rows([(number, values)])
        return rows


class MarkedText(FileReader):
    """A text per line with its entities in elements, or in the brackets of Rasa; plain lines where none are read."""

    name = "marked-text"
    roles = ("text", "spans")

    def matches(self, head: bytes) -> bool:
        lines = _beginning(head)
        if not lines or _OTHER.match(lines[0]) or any(map(_CELLS.search, lines)) or TokenTable().matches(head):
            return False
        elements = [_spans_of(line) for line in lines]
        return None not in elements and any(spans for _, spans in filter(None, elements))

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        if not columns.request.labelled:
            return Lines().parse(data, columns)
        rows: list[tuple[int, dict[str, Any]]] = []
        for number, line in enumerate(split_lines(to_text(data, columns.source), columns.source), 1):
            with columns.leaving_out():
                if not line.strip():
                    continue
                found = _spans_of(line)
                if found is None:
                    raise columns.error(
                        "an element has no end or stands inside another; entities must be flat.", number
                    )
                rows.append((number, {"text": found[0], "spans": found[1]}))
        return columns.rows(rows)


def _spans_of(line: str) -> tuple[str, list[tuple[int, int, str]]] | None:
    """The text without marks and its entities; ``None``: marks that do not fit together."""
    around = _AROUND.fullmatch(line.strip())
    line = around[2] if around else line.strip()
    text, spans, at = "", [], 0
    for mark in _MARKED.finditer(line):
        text += line[at : mark.start()]
        words = mark["text"] or mark["words"]
        spans.append((len(text), len(text) + len(words), mark["type"] or mark["name"]))
        text, at = text + words, mark.end()
    text += line[at:]
    return None if _ANY_MARK.search(text) else (text, spans)


def _beginning(head: bytes) -> Sequence[str]:
    """The first lines that are not empty, without one that may be cut off."""
    lines = head.decode("utf-8", "ignore").lstrip("\ufeff").splitlines()
    lines = lines[:-1] if len(lines) > 1 and not head.endswith(b"\n") else lines
    return [line for line in lines if line.strip()][:_LINES]
