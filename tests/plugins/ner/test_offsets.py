"""Spans that say which text they cover: what their offsets count is found over all rows, or they are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskzoo import DataError, Row
from taskzoo_ner.rows import prepare_rows

WRITERS: dict[str, Callable[[str, int, int], tuple[int, int]]] = {
    "": lambda text, start, end: (start, end),
    "characters with inclusive ends": lambda text, start, end: (start, end - 1),
    "characters from 1 with inclusive ends": lambda text, start, end: (start + 1, end),
    "UTF-16 units": lambda text, start, end: (_utf16(text[:start]), _utf16(text[:end])),
    "UTF-16 units with inclusive ends": lambda text, start, end: (_utf16(text[:start]), _utf16(text[:end]) - 1),
    "bytes": lambda text, start, end: (len(text[:start].encode()), len(text[:end].encode())),
    "bytes with inclusive ends": lambda text, start, end: (len(text[:start].encode()), len(text[:end].encode()) - 1),
}


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def span(text: str, start: int, end: int, unit: str) -> dict[str, Any]:
    first, last = WRITERS[unit](text, start, end)
    return {"start": first, "end": last, "label": "X", "text": text[start:end]}


def prepared(rows: list[tuple[str, list[dict[str, Any]]]]) -> Any:
    fields = [{"text": text, "spans": spans} for text, spans in rows]
    return prepare_rows([Row(row, "data.jsonl", n) for n, row in enumerate(fields, 1)], "auto", labelled=True)


@pytest.mark.parametrize("unit", WRITERS)
def test_every_unit_is_recognised_and_said(unit: str) -> None:
    text = "😀 Zoë met 张伟 in 𝕃ima"
    places = [(2, 5), (10, 12), (16, 20)]
    first = [span(text, start, end, unit) for start, end in places]
    rows = prepared([(text, first), ("no entity 😀", []), ("Ada", [span("Ada", 0, 3, unit)])])
    assert [(e["start"], e["end"]) for e in rows[0]["entities"]] == places
    assert [(e["start"], e["end"]) for e in rows[2]["entities"]] == [(0, 3)]
    said = {name: count for name, count in rows[0]["_found"].items() if "spans counted" in name}
    assert said == ({f"spans counted in {unit}, converted": 3} if unit else {})


_TEXTS = st.lists(st.sampled_from("abcdefghé张伟北京😀𝕃 ö"), min_size=4, max_size=12, unique=True).map("".join)


@settings(max_examples=40, deadline=None)
@given(st.lists(_TEXTS, min_size=1, max_size=4), st.sampled_from(list(WRITERS)), st.data())
def test_corrected_spans_cover_their_text(texts: list[str], unit: str, data: st.DataObject) -> None:
    rows, expected = [], []
    for text in texts:
        start = data.draw(st.integers(0, len(text) - 1).filter(lambda i, text=text: text[i] != " "))
        end = data.draw(st.integers(start + 1, len(text)).filter(lambda i, text=text: text[i - 1] != " "))
        rows.append((text, [span(text, start, end, unit)]))
        expected.append(text[start:end])
    found = prepared(rows)
    covered = [row["text"][e["start"] : e["end"]] for row in found for e in row["entities"]]
    assert [c.split() for c in covered] == [e.split() for e in expected]


def test_a_span_that_contradicts_its_text_is_refused_with_its_line() -> None:
    good = span("Ada left", 0, 3, "")
    bad = {**span("Bo left", 0, 2, ""), "start": 1, "end": 3}
    with pytest.raises(DataError) as caught:
        prepared([("Ada left", [good]), ("Bo left", [bad]), ("Ada left", [good])])
    assert str(caught.value).startswith("data.jsonl:2: the span 1-3 (X) says 'Bo' and the text has 'o ' there")
    assert "'Bo' begins at 0" in str(caught.value)


def test_units_of_two_kinds_in_one_file_are_refused() -> None:
    rows = [
        ("张伟住", [span("张伟住", 0, 2, "")]),
        ("李娜住", [span("李娜住", 0, 2, "characters with inclusive ends")]),
    ]
    with pytest.raises(DataError, match=r"data\.jsonl:"):
        prepared(rows)


def test_whitespace_and_composition_are_no_contradiction() -> None:
    text = "New\nYork, Zu\u0308rich"
    spans = [
        {"start": 0, "end": 8, "label": "LOC", "text": "New York"},
        {"start": 10, "end": 17, "label": "LOC", "text": "Zürich"},
    ]
    (row,) = prepared([(text, spans)])
    assert [(e["start"], e["end"]) for e in row["entities"]] == [(0, 8), (10, 17)]
    assert not any("converted" in name for name in row["_found"])


def test_spans_without_text_follow_those_with_it() -> None:
    text = "😀 Ada and Bo"
    bare = {key: value for key, value in span(text, 10, 12, "UTF-16 units").items() if key != "text"}
    (row,) = prepared([(text, [span(text, 2, 5, "UTF-16 units"), bare])])
    assert [text[e["start"] : e["end"]] for e in row["entities"]] == ["Ada", "Bo"]


@pytest.mark.parametrize(
    "name", ["text", "mention", "surface", "entity", "word", "span", "value", "name", "entity_text"]
)
@pytest.mark.parametrize("label", ["type", "label", "category"])
def test_inclusive_ends_are_corrected_whatever_the_text_of_a_span_is_called(name: str, label: str) -> None:
    """As in CMeEE: ``start_idx``, ``end_idx``, ``type`` and ``entity``."""
    spans = [{"start_idx": 0, "end_idx": 1, label: "LOC", name: "北京"}]
    (example,) = prepared([("北京的张三来了", spans)])
    assert example["entities"] == [{"start": 0, "end": 2, "label": "LOC"}]
    assert example["_found"]["spans counted in characters with inclusive ends, converted"] == 1


@pytest.mark.parametrize(
    "span",
    [
        {"start": 0, "end": 3, "entity": "PER", "word": "Ada"},
        {"start": 0, "end": 3, "entity": "PER", "value": "Ada"},
        {"start": 0, "end": 3, "entity_group": "PER", "word": "ada"},
        {"start": 0, "end": 3, "label": "PER", "entity": "T1", "name": "Countess of Lovelace"},
        {"start": 0, "end": 3, "type": "PER", "value": 1, "word": ["Ada"]},
        {"start": 0, "end": 3, "type": "PER", "name": ""},
    ],
)
def test_what_the_text_does_not_hold_is_no_claim_about_it(span: dict[str, Any]) -> None:
    (example,) = prepared([("Ada left Oslo", [span])])
    assert example["entities"] == [{"start": 0, "end": 3, "label": "PER"}]
    assert not any("converted" in name for name in example["_found"])


def test_offsets_that_contradict_the_entity_are_refused() -> None:
    with pytest.raises(DataError, match="says 'Oslo' and the text has 'Ada l' there; 'Oslo' begins at 9"):
        prepared([("Ada left Oslo", [{"start": 0, "end": 5, "type": "LOC", "entity": "Oslo"}])])
