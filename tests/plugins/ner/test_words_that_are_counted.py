"""Entities that count words, and those that are marked in the line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from taskzoo import DataError, registry
from taskzoo.data.readers import ReadRequest, read_rows
from taskzoo.option_names import on_command_line
from taskzoo_ner.rows import prepare_rows

SPEC = registry.task("ner")
WORDS = ["Ada", "Lovelace", "left", "Oslo", "."]
SPANS = [[0, 1, "PER"], [3, 3, "LOC"]]
ENTITIES = [("Ada Lovelace", "PER"), ("Oslo", "LOC")]
TEXT = " ".join(WORDS)
MARKED = {"PER": "Ada Lovelace", "LOC": "Oslo"}


def entities(path: Path, **wanted: Any) -> list[list[tuple[str, str]]]:
    rows = prepare_rows(read_rows(path, ReadRequest(SPEC, **wanted)), "auto", labelled=True)
    return [[(row["text"][e["start"] : e["end"]], e["label"]) for e in row["entities"]] for row in rows]


def uie(text: str, ada: list[int], oslo: list[int], **more: Any) -> dict[str, Any]:
    found = [{"type": "PER", "text": "Ada Lovelace", "offset": ada}, {"type": "LOC", "text": "Oslo", "offset": oslo}]
    return {"text": text, "entity": found, **more}


FORMS: dict[str, dict[str, Any]] = {
    "GLiNER": {"tokenized_text": WORDS, "ner": SPANS},
    "W2NER": {
        "sentence": WORDS,
        "ner": [{"index": [0, 1], "type": "PER"}, {"index": [3], "type": "LOC"}],
        "word": [],
    },
    "UIE, words of the text": uie(TEXT, [0, 1], [3]),
    "UIE, words given": uie("Ada Lovelace left Oslo.", [0, 1], [3], tokens=WORDS),
}


@pytest.mark.parametrize("form", FORMS)
def test_entities_that_count_words(tmp_path: Path, form: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(FORMS[form]) + "\n", encoding="utf-8")
    assert entities(path) == [ENTITIES]
    (row,) = read_rows(path, ReadRequest(SPEC, labelled=False))
    assert row["tokens"] == WORDS


def test_entities_that_count_the_words_of_a_document(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    document = {"doc_key": "a", "sentences": [WORDS, ["Bo", "slept"]], "ner": [SPANS, [[5, 5, "PER"]]]}
    path.write_text(json.dumps(document) + "\n", encoding="utf-8")
    assert entities(path) == [ENTITIES, [("Bo", "PER")]]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"tokenized_text": WORDS, "ner": [[0, 9, "PER"]]}, "0 to 10 .PER. does not fit a sentence of 5 words"),
        ({"tokenized_text": WORDS, "ner": [[0, 1, "PER"], [1, 1, "LOC"]]}, "overlaps another span; .* must be flat"),
        ({"sentence": WORDS, "ner": [{"index": [0, 2], "type": "PER"}]}, r"words \[0, 2\] .PER. has gaps"),
        (uie(TEXT, [1, 2], [3]), "count neither the words nor the characters"),
        ({"tokenized_text": WORDS, "ner": [3]}, "lacks words, or entities of the form"),
    ],
)
def test_entities_that_do_not_fit(tmp_path: Path, value: Any, said: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(value) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=rf"a.jsonl:1: .*{said}"):
        entities(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", "Ada/B-PER Lovelace/I-PER left/O Oslo/B-LOC ./O\n"),
        ("a.txt", "Ada|NNP|I-PER Lovelace|NNP|I-PER left|VBD|O Oslo|NNP|I-LOC .|.|O\n"),
        ("a.md", "[Ada Lovelace](PER) left [Oslo](LOC) .\n"),
        ("a.txt", "<PER>Ada Lovelace</PER> left <LOC>Oslo</LOC> .\n"),
        ("a.txt", "<doc><PER>Ada Lovelace</PER> left <LOC>Oslo</LOC> .</doc>\n"),
        ("a.tsv", "B-PER\tAda\nI-PER\tLovelace\nO\tleft\nB-LOC\tOslo\nO\t.\n"),
        ("a.csv", 'sentence,word_labels\nAda Lovelace left Oslo .,"B-PER,I-PER,O,B-LOC,O"\n'),
        (
            "a.jsonl",
            json.dumps({"words": WORDS, "named_entities": ["B-PER", "I-PER", "O", "B-LOC", "O"]}) + "\n",
        ),
    ],
)
def test_entities_that_are_marked_at_the_words(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    assert entities(path) == [ENTITIES]


def test_tags_in_the_last_column_of_conll_u(tmp_path: Path) -> None:
    misc = ["Name=B-PER", "Name=I-PER|SpaceAfter=No", "_", "SpaceAfter=No|Name=B-LOC", "SpaceAfter=No"]
    lines = [f"{n}\t{word}" + "\t_" * 7 + f"\t{m}" for n, (word, m) in enumerate(zip(WORDS, misc, strict=True), 1)]
    path = tmp_path / "a.conllu"
    path.write_text("# text = x\n" + "\n".join(lines) + "\n\n", encoding="utf-8")
    assert entities(path, columns={"tokens": "1"}) == [ENTITIES]


def test_marks_are_text_where_no_labels_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("see [this](link) .\n", encoding="utf-8")
    (row,) = read_rows(path, ReadRequest(SPEC, labelled=False, incomplete=True))
    assert "see [this](link) ." in row.fields.values()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.conll", "<b>x</b> O\nOslo B-LOC\n"),
        ("a.tsv", "[a](b)\tO\nOslo\tB-LOC\n"),
        ("a.csv", "sentence_id,word,tag\n0,[a](b),O\n0,[1],O\n0,Oslo,B-LOC\n"),
        ("a.json", '[\n{"tokens": ["[a](b)", "Oslo"], "tags": ["O", "B-LOC"]}\n]\n'),
    ],
)
def test_tokens_that_look_like_marks_are_tokens(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    assert entities(path) == [[("Oslo", "LOC")]]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("<PER>Ada <LOC>Oslo</LOC></PER> left", "'<PER>' has no end, stands inside another"),
        ("<PER>Ada left", "'<PER>' has no end"),
        ('<PER id="1">Ada</PER> left', """'<PER id="1">' has no end"""),
        ("<人名>王小明</地名>", "'<人名>' has no end"),
        ("[Bank of [Oslo](LOC)](ORG)", r"'\[Bank of Oslo\]\(ORG\)' has no end"),
        ("[bus](vehicle kind)", r"'\[bus\]\(vehicle kind\)' .*says no type"),
        ('[Oslo]{"role": "to"}', "says no type"),
        ('[Oslo]{"entity": city}', "says no type"),
    ],
)
@pytest.mark.parametrize("before", [1, 300])
def test_marks_that_are_no_entities(tmp_path: Path, line: str, said: str, before: int) -> None:
    path = tmp_path / "a.txt"
    path.write_text("<PER>Ada</PER> left\n" * before + f"{line}\n", encoding="utf-8")
    with pytest.raises(DataError, match=rf"a.txt:{before + 1}: .*{said}.*; entities are flat"):
        entities(path)


def test_marks_of_rasa_and_of_other_scripts(tmp_path: Path) -> None:
    marks = ['[NY]{"entity": "city", "value": "New York"}', "[NY](city:New York)", "[NY](city)", "<市>NY</市>"]
    path = tmp_path / "a.txt"
    path.write_text("\n".join(f"to {mark} ." for mark in marks) + "\n", encoding="utf-8")
    assert entities(path) == [[("NY", "city")]] * 3 + [[("NY", "市")]]


@pytest.mark.parametrize(
    "text",
    ["if x < y and y > z", "write <ada@x.org>", "<http://x.org/a>", "see [this](https://x.org/a)", "f[0] {a} [1] (b)"],
)
def test_text_that_is_no_mark(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text(f"{text} in <LOC>Oslo</LOC>\n", encoding="utf-8")
    (row,) = read_rows(path, ReadRequest(SPEC))
    assert row["text"] == f"{text} in Oslo"
    assert len(row["spans"]) == 1


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"sätze": ["Ada"], "tags": ["O"]}, "no column for tokens; found 'sätze', 'tags'; .*--columns tokens=NAME"),
        ({"tokens": ["Ada"]}, "has tokens but no 'tags'.*--columns tags=NAME"),
        ({"text": "Ada"}, "has a text but no 'spans'.*--columns spans=NAME"),
    ],
)
def test_a_column_that_is_not_found_is_asked_for(tmp_path: Path, row: dict[str, Any], said: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    with on_command_line(), pytest.raises(DataError, match=said):
        entities(path)
