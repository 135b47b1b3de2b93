"""Rows of any form become words with offsets, IOB2 tags and entities in characters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from taskzoo import DataError, Example, Row, registry
from taskzoo.data.readers import read_rows
from taskzoo.data.readers.base import ReadRequest
from taskzoo_ner.rows import prepare_rows


def one(labelled: bool = True, scheme: str = "auto", **fields: Any) -> Example:
    return prepare_rows([Row(fields, "data.jsonl", 3)], scheme, labelled=labelled)[0]


def surfaces(row: Example) -> list[str]:
    return [row["text"][start:end] for start, end in row["_words"]]


def entities(row: Example) -> list[tuple[str, str]]:
    return [(row["text"][e["start"] : e["end"]], e["label"]) for e in row["entities"]]


def test_tokens_get_offsets_in_the_joined_text() -> None:
    row = one(tokens=["Ann", "Lee", "left", "Rio"], tags=["B-PER", "I-PER", "O", "B-LOC"])
    assert row["text"] == "Ann Lee left Rio"
    assert surfaces(row) == ["Ann", "Lee", "left", "Rio"]
    assert entities(row) == [("Ann Lee", "PER"), ("Rio", "LOC")]


def test_tokens_that_contain_spaces_stay_one_word() -> None:
    row = one(tokens=["New York", "sleeps"], tags=["B-LOC", "O"])
    assert surfaces(row) == ["New York", "sleeps"]
    assert entities(row) == [("New York", "LOC")]


@pytest.mark.parametrize(
    ("text", "spans", "words"),
    [
        ("Ann Lee's dog.", [(0, 7, "PER")], ["Ann", "Lee", "'", "s", "dog", "."]),
        ("王小明在北京大学。", [(0, 3, "PER"), (4, 8, "ORG")], list("王小明在北京大学。")),
        ("I ❤️ 👩‍👩‍👧 in Zürich", [(11, 17, "LOC")], ["I", "❤️", "👩‍👩‍👧", "in", "Zürich"]),
        ("Zu\u0308rich, Jose\u0301!", [(0, 7, "LOC"), (9, 14, "PER")], ["Zu\u0308rich", ",", "Jose\u0301", "!"]),
        ("a\u00a0b\tc\nParis", [(6, 11, "LOC")], ["a", "b", "c", "Paris"]),
    ],
    ids=["apostrophe", "chinese", "emoji", "combining", "whitespace"],
)
def test_spans_keep_their_characters(text: str, spans: list[tuple[int, int, str]], words: list[str]) -> None:
    shift = text.index("Zürich") - 11 if "Zürich" in text else 0
    spans = [(start + shift, end + shift, label) for start, end, label in spans]
    row = one(text=text, spans=[list(span) for span in spans])
    assert row["text"] == text
    assert surfaces(row) == words
    assert entities(row) == [(text[a:b], label) for a, b, label in spans]
    assert row["_found"]["misaligned_entities"] == 0
    for start, end, label in spans:
        inside = [tag for (a, b), tag in zip(row["_words"], row["tags"], strict=True) if start <= a and b <= end]
        assert inside == [f"B-{label}"] + [f"I-{label}"] * (len(inside) - 1)


def test_spans_as_objects_lists_and_with_whitespace_at_the_ends() -> None:
    row = one(text="go to Rio now", spans=[{"start": 5, "end": 10, "label": "LOC"}])
    assert entities(row) == [("Rio", "LOC")]
    assert one(text="go to Rio now", spans=[[6, 9, "LOC"]])["tags"] == ["O", "O", "B-LOC", "O"]
    assert one(text="go to Rio now", spans=[])["tags"] == ["O"] * 4


@pytest.mark.parametrize("invisible", ["\u200f", "\u200e", "\u200b", "\ufeff", "\x07", "\u2066", " \u200b "])
def test_invisible_characters_at_the_ends_of_a_span_are_no_part_of_it(invisible: str) -> None:
    text = f"in {invisible}Tel Aviv{invisible} now"
    row = one(text=text, spans=[[3, len(text) - 4, "LOC"]])
    assert entities(row) == [("Tel Aviv", "LOC")]
    assert row["tags"] == ["O", "B-LOC", "I-LOC", "O"]
    assert row["_found"]["misaligned_entities"] == 0


def test_a_joiner_before_a_span_is_no_part_of_it() -> None:
    assert entities(one(text="in\u200dOslo", spans=[[2, 7, "LOC"]])) == [("Oslo", "LOC")]
    assert entities(one(text="in \u2060Oslo", spans=[[3, 8, "LOC"]])) == [("Oslo", "LOC")]


def test_an_entity_inside_a_word_is_counted() -> None:
    row = one(text="Pariswards", spans=[[0, 5, "LOC"]])
    assert row["_found"]["misaligned_entities"] == 1
    assert row["tags"] == ["B-LOC"]
    assert entities(row) == [("Paris", "LOC")]  # gold stays what it was: such an entity cannot be found


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (["I-PER", "I-PER", "O", "I-LOC"], ["B-PER", "I-PER", "O", "B-LOC"]),  # IOB1
        (["B-PER", "E-PER", "O", "S-LOC"], ["B-PER", "I-PER", "O", "B-LOC"]),  # BIOES
        (["B-PER", "L-PER", "O", "U-LOC"], ["B-PER", "I-PER", "O", "B-LOC"]),  # BILOU
        (["B-PER", "I-PER", "O", "B-LOC"], ["B-PER", "I-PER", "O", "B-LOC"]),
    ],
)
def test_every_scheme_becomes_iob2(tags: list[str], expected: list[str]) -> None:
    assert one(tokens=list("abcd"), tags=tags)["tags"] == expected


def test_an_inside_tag_of_another_type_is_no_entity() -> None:
    """``I-X`` after ``B-Y`` continues nothing: it is neither of type X nor part of Y, and it is counted."""
    row = one(tokens=["a", "b", "c"], tags=["B-PER", "I-LOC", "O"])
    assert entities(row) == [("a", "PER")]
    assert row["_found"]["invalid_transitions"] == 1


def test_rows_without_labels() -> None:
    row = one(labelled=False, tokens=["Ann", "left"], tags=["nonsense", "is not read"])
    assert row["tags"] is None
    assert row["entities"] is None
    assert surfaces(one(labelled=False, text="Ann left")) == ["Ann", "left"]
    assert surfaces(one(labelled=False, text="")) == []


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"tokens": ["a", "b"], "tags": ["O"]}, "2 tokens but 1 tags."),
        ({"tokens": [], "tags": []}, "no tokens"),
        ({"tokens": ["a", ""], "tags": ["O", "O"]}, "token 2 is empty"),
        ({"tokens": "a b", "tags": ["O"] * 4}, "2 words, separated by spaces, but there are 4 tags"),
        ({"tokens": 5, "tags": ["O"]}, "'tokens' must be a list"),
        ({"tokens": ["a"]}, "tokens but no 'tags'"),
        ({"tokens": ["a"], "tags": "O"}, "'tags' must be a list"),
        ({"tokens": ["a"], "tags": ["PER"]}, "'PER' belongs to no known tag scheme"),
        ({"tokens": ["a"], "tags": [3]}, "replace class numbers by their names"),
        ({"text": "  ", "spans": []}, "the text is empty"),
        ({"text": 5, "spans": []}, "not a string"),
        ({"text": "Rio"}, "no 'spans'"),
        ({"text": "Rio", "spans": [[0, 4, "LOC"]]}, "outside the text, which has 3 characters"),
        ({"text": "Rio", "spans": [[2, 1, "LOC"]]}, "outside the text"),
        ({"text": "Rio", "spans": [[-1, 1, "LOC"]]}, "outside the text"),
        ({"text": "Rio", "spans": [[0, 3, ""]]}, "needs whole numbers start and end and a label"),
        ({"text": "Rio", "spans": [["0", 3, "LOC"]]}, "needs whole numbers"),
        ({"text": "Rio", "spans": [[0, 3]]}, "is not {start, end, label}"),
        ({"text": "Rio", "spans": "LOC"}, "'spans' must be a list"),
        ({"text": "a  b", "spans": [[1, 3, "X"]]}, "holds no visible character"),
        ({"text": "New York", "spans": [[0, 8, "LOC"], [4, 8, "ORG"]]}, "overlap"),
        ({}, "needs 'tokens' or 'text'"),
    ],
)
def test_bad_rows_are_refused_with_their_place(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError) as caught:
        one(**fields)
    text = str(caught.value)
    assert text.startswith("data.jsonl:3: "), text
    assert message in text
    assert "\n" not in text


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        prepare_rows(read_rows(path, ReadRequest(registry.task("ner"))), "auto", labelled=True)
    return str(caught.value)


def test_the_line_of_a_bad_tag_in_a_conll_file(tmp_path: Path) -> None:
    path = tmp_path / "data.conll"
    path.write_text("Ann B-PER\nleft O\n\nfor O\nRio LOC\n", encoding="utf-8")
    assert refusal(path).startswith(f"{path}:5: Tag 'LOC'")


def test_the_line_of_a_bad_tag_in_json_lines(tmp_path: Path) -> None:
    import gzip

    lines = '{"tokens": ["a"], "tags": ["O"]}\n{"tokens": ["a", "b", "c"], "tags": ["O", "O", "LOC"]}\n'
    plain, packed = tmp_path / "data.jsonl", tmp_path / "data.jsonl.gz"
    plain.write_text(lines, encoding="utf-8")
    packed.write_bytes(gzip.compress(lines.encode()))
    for path in (plain, packed):
        assert refusal(path).startswith(f"{path}:2: ")


def test_the_place_of_a_bad_tag_in_memory() -> None:
    rows = [Row({"tokens": ["a", "b"], "tags": ["O", "LOC"]}, "train", 7)]
    with pytest.raises(DataError, match=r"^train:7: .*'LOC'"):
        prepare_rows(rows, "auto", labelled=True)
