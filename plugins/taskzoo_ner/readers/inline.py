"""Text with its entities marked in the line: ``Ada/B-PER left/O``, ``<PER>Ada</PER> left``, ``[Ada](PER) left``."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from taskzoo.data.columns import Columns
from taskzoo.data.readers import FileReader
from taskzoo.data.readers.files import split_lines, to_text
from taskzoo.data.readers.lines import Lines
from taskzoo.errors import shown
from taskzoo.types import Row

from .token_table import TokenTable

_TAGGED = re.compile(r"\S*\S([/|])(O|[BIELSUM]-\S+)")
_NAME = r"[^\W\d][\w.-]*"
_ADDRESS = r"(?!(?:https?|ftp|mailto):|[/#])"  # of a link in Markdown
_MARKED = re.compile(
    rf"<(?P<type>{_NAME})>(?P<text>[^<>]+)</(?P=type)>"
    rf"|\[(?P<words>[^\[\]]+)\](?:\({_ADDRESS}(?P<name>[\w.-]+)(?::[^()]*)?\)|(?P<values>\{{[^{{}}]*\}}))"
)
_AROUND = re.compile(r"<(doc|document|s|sent|sentence|text|p)>(.*)</\1>")
_ANY_MARK = re.compile(
    rf"</?{_NAME}(?:\s[^<>=]*=[^<>]*)?\s*/?>|\[[^\[\]]*\](?:\({_ADDRESS}[^()]*\)?|\{{\s*[\"'][^{{}}]*\}}?)"
)
"""What looks like one more, left in the text."""
_OTHER = re.compile(r"""\s*(<[?!]|<[^<>/]*>\s*$|\{|\[\s*([{"'\[]|$))""")  # XML, HTML, JSON
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
        found = [_spans_of(line) for line in lines]
        marked = sum(bool(spans) for _, spans, _ in found)
        return marked > 0 and marked >= sum(bool(left) for _, _, left in found)  # the few are told with their lines

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        if not columns.request.labelled:
            return Lines().parse(data, columns)
        rows: list[tuple[int, dict[str, Any]]] = []
        for number, line in enumerate(split_lines(to_text(data, columns.source), columns.source), 1):
            with columns.leaving_out():
                if not line.strip():
                    continue
                text, spans, left = _spans_of(line)
                if left:
                    what = f"{shown(left)} has no end, stands inside another or around one, or says no type"
                    raise columns.error(
                        f'{what}; entities are flat, as <PER>Ada</PER>, [Ada](PER) or [Ada]{{"entity": "PER"}}.',
                        number,
                    )
                rows.append((number, {"text": text, "spans": spans}))
        return columns.rows(rows)


def _spans_of(line: str) -> tuple[str, list[tuple[int, int, str]], str]:
    """The text without marks, its entities, and a mark that is left because it fits no entity, or ``""``."""
    around = _AROUND.fullmatch(line.strip())
    line = around[2] if around else line.strip()
    text, spans, at = "", [], 0
    for mark in _MARKED.finditer(line):
        if label := mark["type"] or mark["name"] or _entity(mark["values"]):
            words = mark["text"] or mark["words"]
            text += line[at : mark.start()]
            spans.append((len(text), len(text) + len(words), label))
            text, at = text + words, mark.end()
    text += line[at:]
    left = _ANY_MARK.search(text)
    return text, spans, left[0] if left else ""


def _entity(values: str) -> str:
    """The type in ``{"entity": "city", "value": "New York"}``, or ``""``."""
    try:
        found = json.loads(values).get("entity")
    except ValueError:
        return ""
    return found if isinstance(found, str) else ""


def _beginning(head: bytes) -> Sequence[str]:
    """The first lines that are not empty, without one that may be cut off."""
    lines = head.decode("utf-8", "ignore").lstrip("\ufeff").splitlines()
    lines = lines[:-1] if len(lines) > 1 and not head.endswith(b"\n") else lines
    return [line for line in lines if line.strip()][:_LINES]
