"""Small files in the form of real exports: what is read, and what is counted because it is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from taskzoo import DataError

from .kit import read_back, spans_of


def lines(path: Path, *values: Any) -> Path:
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
    return path


def region(start: int, end: int, label: str, text: str) -> dict[str, Any]:
    value = {"start": start, "end": end, "text": text, "labels": [label]}
    return {"value": value, "id": "Dx1", "from_name": "label", "to_name": "text", "type": "labels", "origin": "manual"}


def studio(path: Path, text: str, *annotations: list[dict[str, Any]]) -> Path:
    done = [
        {"id": n, "completed_by": n, "result": found, "was_cancelled": False} for n, found in enumerate(annotations)
    ]
    path.write_text(json.dumps([{"id": 1, "annotations": done, "predictions": [], "data": {"text": text}}]))
    return path


@pytest.mark.parametrize("shift", [0, 1], ids=["code points", "UTF-16 units"])
def test_label_studio_counts_code_points_or_in_older_versions_utf16_units(tmp_path: Path, shift: int) -> None:
    path = studio(tmp_path / "a.json", "😀 Ada", [region(2 + shift, 5 + shift, "PER", "Ada")])
    assert spans_of(read_back(path, "ner")[0]) == [["😀 Ada", [(2, 5, "PER")]]]


def test_label_studio_says_what_it_leaves_out(tmp_path: Path) -> None:
    first = [
        region(0, 18, "ORG", "Bank of New Zealand"[:18]),
        region(8, 11, "LOC", "New"),
        {"type": "relation", "from_id": "a", "to_id": "b", "direction": "right"},
        {"type": "choices", "from_name": "topic", "to_name": "text", "value": {"choices": ["money"]}},
    ]
    path = studio(tmp_path / "a.json", "Bank of New Zealand", first, [region(8, 11, "LOC", "New")])
    rows, notes = read_back(path, "ner")
    assert spans_of(rows) == [["Bank of New Zealand", [(0, 18, "ORG")]]]
    assert notes == {
        "spans that overlap a longer one, left out": 1,
        "relations, left out": 1,
        "results of the type choices, left out": 1,
        "further annotations of the same task, left out": 1,
        "tasks whose annotations differ, one of them read": 1,
    }


def test_two_entries_in_a_text_area_are_two_references(tmp_path: Path) -> None:
    written = {"type": "textarea", "from_name": "label", "to_name": "text", "value": {"text": ["Hallo", "Guten Tag"]}}
    rows, _ = read_back(studio(tmp_path / "a.json", "Hello", [written]), "translation")
    assert (rows[0]["source"], rows[0]["target"]) == ("Hello", ["Hallo", "Guten Tag"])


def test_doccano_with_relations(tmp_path: Path) -> None:
    spans = [{"id": 7, "label": "PER", "start_offset": 3, "end_offset": 6}]
    relation = {"id": 1, "from_id": 7, "to_id": 7, "type": "same"}
    path = lines(tmp_path / "a.jsonl", {"id": 1, "text": "😀 Ada", "entities": spans, "relations": [relation]})
    rows, notes = read_back(path, "ner")
    assert spans_of(rows) == [["😀 Ada", [(2, 5, "PER")]]]
    assert notes == {"relations, left out": 1, "spans counted in UTF-16 units, converted": 1}


def test_doccano_whose_offsets_cannot_be_utf16(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", {"id": 1, "text": "😀Ada", "label": [[1, 4, "PER"]], "Comments": []})
    assert spans_of(read_back(path, "ner")[0]) == [["😀Ada", [(1, 4, "PER")]]]


def test_doccano_in_which_spans_overlap(tmp_path: Path) -> None:
    value = {"id": 1, "text": "New York Times", "label": [[0, 8, "LOC"], [0, 14, "ORG"]], "Comments": []}
    rows, notes = read_back(lines(tmp_path / "a.jsonl", value), "ner")
    assert spans_of(rows) == [["New York Times", [(0, 14, "ORG")]]]
    assert notes == {"spans that overlap a longer one, left out": 1}


def test_prodigy_of_two_annotators(tmp_path: Path) -> None:
    tokens = [{"text": "Ada", "start": 0, "end": 3, "id": 0}, {"text": "left", "start": 4, "end": 8, "id": 1}]
    span = {"start": 0, "end": 3, "token_start": 0, "token_end": 0, "label": "PER"}
    base = {"text": "Ada left", "tokens": tokens, "_input_hash": 5, "_task_hash": 6, "_view_id": "ner_manual"}
    path = lines(
        tmp_path / "a.jsonl",
        {**base, "spans": [span], "answer": "accept", "_annotator_id": "x", "relations": [{"head": 0, "child": 1}]},
        {**base, "spans": [], "answer": "accept", "_annotator_id": "y"},
        {**base, "_task_hash": 7, "spans": [], "answer": "ignore", "_annotator_id": "x"},
    )
    rows, notes = read_back(path, "ner")
    assert spans_of(rows) == [["Ada left", [(0, 3, "PER")]]]
    assert notes == {
        "answers of further annotators to the same example, left out": 1,
        "examples with the answer ignore, left out": 1,
        "relations, left out": 1,
    }


def test_brat(tmp_path: Path) -> None:
    text = "😀 Ada\r\nLovelace and Bo met north and south America\n"
    (tmp_path / "1.txt").write_bytes(text.encode())
    north = text.index("north")
    (tmp_path / "1.ann").write_text(
        "T1\tPER 2 5;7 15\tAda Lovelace\n"
        f"T2\tLOC {north} {north + 5};{north + 16} {north + 23}\tnorth America\n"
        "T3\tPER 20 22\tBo\nR1\tKnows Arg1:T1 Arg2:T3\t\nE1\tMeet:T4 Who:T1\nA1\tNegated E1\n*\tEquiv T1 T3\n"
        "N1\tReference T1 Wikipedia:1\tAda\n#1\tAnnotatorNotes T1\tsure\nT4\tMeet 23 26\tmet\n",
        encoding="utf-8",
    )
    rows, notes = read_back(tmp_path, "ner")
    assert spans_of(rows) == [[text, [(2, 15, "PER"), (20, 22, "PER"), (23, 26, "Meet")]]]
    assert notes == {
        "spans of several parts, left out": 1,
        "relations, left out": 2,
        "events, left out": 1,
        "attributes, left out": 1,
        "normalizations, left out": 1,
        "notes of annotators, left out": 1,
    }


def test_spacy_with_cats_and_entities(tmp_path: Path) -> None:
    pairs = [["Ada left", {"entities": [[0, 3, "PER"]], "cats": {"A": 1, "B": 0.0}}]]
    path = tmp_path / "a.json"
    path.write_text(json.dumps(pairs))
    rows, notes = read_back(path, "classification")
    assert [(row["text"], row["label"]) for row in rows] == [("Ada left", ["A"])]
    assert notes == {"spans, left out": 1}
    rows, notes = read_back(path, "ner")
    assert spans_of(rows) == [["Ada left", [(0, 3, "PER")]]]
    assert notes == {"labels of whole texts, left out": 2}


@pytest.mark.parametrize(("start", "end", "said"), [(0, 99, "has 'Ada left' there"), (4, 7, "has 'lef' there")])
def test_a_span_that_contradicts_its_text_is_an_error_with_its_line(
    tmp_path: Path, start: int, end: int, said: str
) -> None:
    good = {"text": "Bo left", "spans": [], "answer": "accept"}
    span = {"start": start, "end": end, "label": "PER", "text": "Ada"}
    path = lines(tmp_path / "a.jsonl", good, {"text": "Ada left", "spans": [span], "answer": "accept"})
    with pytest.raises(DataError, match=rf"a\.jsonl:2: the span {start}-{end} \(PER\) says 'Ada' and the text {said}"):
        spans_of(read_back(path, "ner")[0])
