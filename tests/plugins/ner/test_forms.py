"""What columns hold is told by its shape: tags or spans, words or token objects, in all the forms that tools write."""

from __future__ import annotations

from typing import Any

import pytest

from taskzoo import DataError, Example, Row
from taskzoo_ner.rows import prepare_rows

TEXT = "Ada left Oslo."
ENTITIES = [("Ada", "PER"), ("Oslo", "LOC")]


def prepared(*rows: dict[str, Any], scheme: str = "auto", labelled: bool = True) -> list[Example]:
    return prepare_rows([Row(row, "data.jsonl", n) for n, row in enumerate(rows, 1)], scheme, labelled=labelled)


def entities(example: Example) -> list[tuple[str, str]]:
    return [(example["text"][e["start"] : e["end"]], e["label"]) for e in example["entities"]]


@pytest.mark.parametrize(
    "spans",
    [
        [[0, 3, "PER"], [9, 13, "LOC"]],
        [("PER", 0, 3), ("LOC", 9, 13)],
        [[0.0, 3.0, "PER"], [9.0, 13.0, "LOC"]],
        [[0, 3, "PER", "Ada"], [9, 13, "LOC", "Oslo"]],
        [{"start": 0, "end": 3, "text": "Ada", "labels": ["PER"]}, {"start": 9, "end": 13, "labels": ["LOC"]}],
        [{"id": 7, "label": "PER", "start_offset": 0, "end_offset": 3}, {"label": "LOC", "start": 9, "end": 13}],
        [{"type": "PER", "offsets": [[0, 3]], "text": ["Ada"]}, {"type": "LOC", "offsets": [[9, 13]]}],
        [{"type": "PER", "begin": 0, "end": 3}, {"category": "LOC", "offset": 9, "length": 4}],
        [
            {"label": ["PER"], "points": [{"start": 0, "end": 3}]},
            {"label": ["LOC"], "points": [{"start": 9, "end": 13}]},
        ],
        [{"value": {"start": 0, "end": 3, "labels": ["PER"]}}, {"value": {"start": 9, "end": 13, "labels": ["LOC"]}}],
        {"entities": [(0, 3, "PER"), (9, 13, "LOC")]},
        {"PER": {"Ada": [[0, 2]]}, "LOC": {"Oslo": [[9, 12]]}},
        "[[0, 3, 'PER'], [9, 13, 'LOC']]",
        '[{"start": 0, "end": 3, "label": "PER"}, {"start": 9, "end": 13, "label": "LOC"}]',
    ],
    ids=range(14),
)
@pytest.mark.parametrize("role", ["spans", "tags"])
def test_spans_of_every_tool(spans: Any, role: str) -> None:
    """``tags`` too: ``labels``, ``label`` and ``ner`` are names of either."""
    assert entities(prepared({"text": TEXT, role: spans})[0]) == ENTITIES


@pytest.mark.parametrize(
    "row",
    [
        {"tokens": ["Ada", "left", "Oslo"], "tags": ["B-PER", "O", "B-LOC"]},
        {"text": ["Ada", "left", "Oslo"], "tags": ["B-PER", "O", "B-LOC"]},
        {"tokens": "Ada left Oslo", "tags": "B-PER O B-LOC"},
        {"text": "Ada left Oslo", "tags": ["B-PER", "O", "B-LOC"]},
        {"tokens": "['Ada', 'left', 'Oslo']", "tags": '["B-PER", "O", "B-LOC"]'},
        {"tokens": "['Ada' 'left'\n 'Oslo']", "tags": "['B-PER' 'O' 'B-LOC']"},
        {"tokens": [{"text": "Ada", "tag": "B-PER"}, {"text": "left", "tag": "O"}, {"text": "Oslo", "tag": "B-LOC"}]},
        {"text": "ignored", "tokens": ["Ada", "left", "Oslo"], "tags": ["B-PER", "O", "B-LOC"]},
    ],
    ids=range(8),
)
def test_words_of_every_tool(row: dict[str, Any]) -> None:
    (example,) = prepared(row)
    assert (example["text"], entities(example)) == ("Ada left Oslo", ENTITIES)


def test_a_tag_per_character() -> None:
    (example,) = prepared({"text": "王明 在北京", "tags": ["B-PER", "I-PER", "O", "O", "B-LOC", "I-LOC"]})
    assert entities(example) == [("王 明", "PER"), ("北 京", "LOC")]


def test_token_objects_are_not_read_where_text_and_spans_are() -> None:
    tokens = [{"text": "Ada", "start": 0, "end": 3, "id": 0}]
    (example,) = prepared({"text": TEXT, "tokens": tokens, "spans": [[0, 3, "PER"]]})
    assert entities(example) == ENTITIES[:1]
    assert prepared({"text": TEXT, "tokens": tokens}, labelled=False)[0]["text"] == TEXT


def test_a_text_without_entities() -> None:
    assert prepared({"text": TEXT, "tags": []}, {"text": TEXT, "spans": [[0, 3, "PER"]]})[0]["entities"] == []


def test_a_span_given_twice_is_one() -> None:
    (example,) = prepared({"text": TEXT, "spans": [[0, 3, "PER"], [9, 13, "LOC"], [0, 3, "PER"]]})
    assert entities(example) == ENTITIES
    assert example["_found"]["repeated_spans"] == 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"text": TEXT, "spans": [[0, 3, "PER"], [0, 3, "ORG"]]}, "overlap"),
        ({"text": TEXT, "spans": [{"start": 0, "end": 3, "labels": ["PER", "ORG"]}]}, "has 2 labels"),
        ({"text": TEXT, "spans": [{"start_offset": 0, "end_offset": 3, "label": 4}]}, "number 4 for a label"),
        ({"text": TEXT, "spans": {"PER": ["Ada"]}}, "no offsets"),
        ({"text": TEXT, "spans": [{"offset": "0", "length": 3, "label": "PER"}]}, "needs whole numbers"),
        ({"text": TEXT, "spans": [{"offset": 0, "length": None, "label": "PER"}]}, "needs whole numbers"),
        ({"text": TEXT, "spans": [{"label": "PER", "points": [1, 2]}]}, "the point 1 of a span is not {start, end}"),
        ({"text": TEXT, "spans": [{"label": "PER", "points": []}]}, "needs whole numbers"),
        ({"tokens": ["Ada"], "spans": [], "tags": [["B-PER"]]}, "is not text"),
        ({"text": TEXT, "spans": [{"type": "PER", "offsets": [[0, 3], [5, 7]]}]}, "needs whole numbers"),
        ({"tokens": ["Ada"], "spans": [[0, 1, "PER"]]}, "give one tag per token, or the text"),
        ({"text": TEXT, "tags": ["O", "O"]}, "3 words, separated by spaces, but there are 2 tags"),
    ],
)
def test_what_cannot_be_read_is_explained(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=r"^data\.jsonl:1: ") as caught:
        prepared(fields)
    assert message in str(caught.value)


def test_tags_without_types_have_one() -> None:
    rows = prepared({"tokens": list("abc"), "tags": ["B", "I", "O"]}, {"tokens": ["d"], "tags": ["B"]})
    assert [row["tags"] for row in rows] == [["B-ENTITY", "I-ENTITY", "O"], ["B-ENTITY"]]
    (bioes,) = prepared({"tokens": list("abcd"), "tags": ["B", "E", "O", "S"]})
    assert bioes["tags"] == ["B-ENTITY", "I-ENTITY", "O", "B-ENTITY"]


def test_tags_with_and_without_types_are_not_mixed() -> None:
    with pytest.raises(DataError, match=r"^data\.jsonl:2: Tag 'B' .* names no type and other tags do"):
        prepared({"tokens": ["a"], "tags": ["B-PER"]}, {"tokens": ["b"], "tags": ["B"]})


def test_types_without_prefix_are_read_as_io_on_request() -> None:
    row = {"tokens": list("abcd"), "tags": ["PER", "PER", "O", "LOC"]}
    assert prepared(row, scheme="IO")[0]["tags"] == ["B-PER", "I-PER", "O", "B-LOC"]
    with pytest.raises(DataError, match='with scheme="IO"'):
        prepared(row)
