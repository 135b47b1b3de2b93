"""The nested JSON of SQuAD 1.1 and 2.0, and both forms of CMRC 2018."""

from __future__ import annotations

import json
import re
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from taskzoo import DataError, Row
from taskzoo.data.columns import Columns
from taskzoo.data.readers import FileReader

_BEGINS = re.compile(rb'\s*(?:\xef\xbb\xbf)?\s*(?:\{[^\[\]]*"data"\s*:\s*\[\s*\{|\[\s*\{)')
_KEYS = re.compile(rb'"(?:paragraphs|context_text|qas)"\s*:')
_QUESTION = re.compile(r'"(?:question|query_text)"\s*:\s*("(?:[^"\\]|\\.)*")')


class Squad(FileReader):
    """``{"data": [{"paragraphs": [{"context": ..., "qas": [{"question": ..., "id": ..., "answers": [...]}]}]}]}``.

    With ``is_impossible`` a question has no answer. The flat form of CMRC is a list of ``{"context_text": ...,
    "context_id": ..., "qas": [{"query_text": ..., "query_id": ..., "answers": [...]}]}``.
    """

    name = "squad"
    roles: ClassVar[tuple[str, ...]] = ("question", "context", "answers")

    def matches(self, head: bytes) -> bool:
        return bool(_BEGINS.match(head)) and bool(_KEYS.search(head))

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        text = _decoded(data, columns)
        try:
            value = json.loads(text)
        except json.JSONDecodeError as error:
            raise columns.error(f"broken JSON at column {error.colno} ({error.msg}).", error.lineno) from None
        found, lines, line = [], _lines(text), 1
        for place, row in _questions(value, columns):
            if lines[row["question"]]:
                line = lines[row["question"]].popleft()
            with columns.leaving_out():
                found.append((line, _checked(row, place, columns)))
        return columns.rows(found)


def _lines(text: str) -> dict[str, deque[int]]:
    """Question -> the lines that it stands in, in order; the text is read once, however many questions it has."""
    lines: dict[str, deque[int]] = defaultdict(deque)
    line, at = 1, 0
    for match in _QUESTION.finditer(text):
        line, at = line + text.count("\n", at, match.start()), match.start()
        lines[json.loads(match[1])].append(line)
    return lines


def _decoded(data: bytes, columns: Columns) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise columns.error(f"byte 0x{data[error.start]:02X} is not UTF-8; save the file as UTF-8.", line) from None


def _questions(value: Any, columns: Columns) -> Iterator[tuple[str, dict[str, Any]]]:
    """The place of each question, and its row before the answers are read."""
    flat = isinstance(value, list)
    items = value if flat else _get(value, "data", list, "the file", columns)
    for number, item in enumerate(items):
        place = f"[{number}]" if flat else f"data[{number}]"
        paragraphs = [item] if flat else _get(item, "paragraphs", list, place, columns)
        for index, paragraph in enumerate(paragraphs):
            where = place if flat else f"{place}.paragraphs[{index}]"
            context = _get(paragraph, "context_text" if flat else "context", str, where, columns)
            for order, qa in enumerate(_get(paragraph, "qas", list, where, columns)):
                here = f"{where}.qas[{order}]"
                _get(qa, "query_text" if "query_text" in qa else "question", str, here, columns)
                yield here, {"context": context, **_row(qa)}


def _row(qa: Mapping[str, Any]) -> dict[str, Any]:
    row = {"question": qa.get("query_text", qa.get("question")), "id": qa.get("query_id", qa.get("id"))}
    wanted = {name: qa[name] for name in ("answers", "is_impossible") if name in qa}
    return {name: value for name, value in {**row, **wanted}.items() if value is not None}


def _checked(row: dict[str, Any], place: str, columns: Columns) -> dict[str, Any]:
    """The row without ``is_impossible``, which must agree with the answers."""
    impossible = row.pop("is_impossible", None)
    answers = row.get("answers", [] if impossible else None)
    if not isinstance(answers, list | type(None)):
        raise columns.error(f"{place}.answers is a {_name(answers)} and must be a list.")
    if impossible is not None and answers is not None and bool(answers) == bool(impossible):
        said = f"is_impossible is {json.dumps(impossible)}"
        raise columns.error(f"{place}: {said}, and there are {len(answers)} answers; correct one of the two.")
    return row if answers is None else {**row, "answers": answers}


def _get(value: Any, key: str, kind: type, place: str, columns: Columns) -> Any:
    """The value of a key, or the error that it is missing or of another type."""
    if not isinstance(value, Mapping):
        raise columns.error(f"{place} is a {_name(value)} and must be an object with {key!r}.")
    found = value.get(key)
    if not isinstance(found, kind):
        what = f"has no {key!r}" if key not in value else f"has a {key!r} that is a {_name(found)}"
        raise _malformed(f"{place} {what}", columns)
    return found


def _malformed(message: str, columns: Columns) -> DataError:
    form = 'data[].paragraphs[] with "context" and "qas", as in SQuAD, or a list with "context_text" and "qas"'
    return columns.error(f"{message}; expected {form}.")


def _name(value: Any) -> str:
    return {dict: "JSON object", list: "list", str: "text", type(None): "null"}.get(type(value), type(value).__name__)
