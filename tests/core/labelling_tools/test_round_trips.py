"""What is written for a tool, accepted there and exported, is read as what it was."""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskzoo.labelling_tools import TOOLS, PreAnnotated, write_tasks

from .kit import export, read_back, row, spans_of

WORDS = (
    "a",
    "Ada",
    "e\u0301",
    "😀",
    "👨\u200d👩\u200d👧",
    "שלום",
    "مرحبا",
    "中文",
    "\u200b",
    "\u200f",
    "x\u2028y",
    "1",
    "<&'\">",
    "{}",
    "#",
    ";",
)
GAPS = (" ", "\n", "\r\n", "\t", "\u00a0", "")
LABELS = ("PER", "LOC", "MISC_1")


@st.composite
def marked_texts(draw: st.DrawFn) -> tuple[str, list[tuple[int, int, str]]]:
    """A text with spans that begin and end with a word and do not overlap."""
    words = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=8))
    gaps = draw(st.lists(st.sampled_from(GAPS), min_size=len(words), max_size=len(words)))
    pieces = [piece for pair in zip(words, gaps, strict=True) for piece in pair]
    ends = list(accumulate(map(len, pieces)))
    places = [(end - len(word), end) for word, end in zip(pieces[::2], ends[::2], strict=True)]
    spans, at = [], 0
    while at < len(places):
        size = draw(st.integers(0, 3))
        ends_seen = not {"\u200b", "\u200f"} & {*words[at : at + 1], *words[at + size - 1 : at + size]}  # else trimmed
        if size and at + size <= len(places) and ends_seen:
            spans.append((places[at][0], places[at + size - 1][1], draw(st.sampled_from(LABELS))))
        at += size or 1
    return "".join(pieces), spans


def entities(text: str, spans: list[tuple[int, int, str]], **more: Any) -> dict[str, Any]:
    names = ("start", "end", "label")
    return {
        "text": text,
        "entities": [{**dict(zip(names, s, strict=True)), "text": text[s[0] : s[1]], **more} for s in spans],
    }


@pytest.mark.parametrize("tool", TOOLS)
@settings(max_examples=5, deadline=None)
@given(found=st.lists(marked_texts(), min_size=1, max_size=12))
def test_spans(tool: str, found: list[tuple[str, list[tuple[int, int, str]]]]) -> None:
    tasks = [PreAnnotated(row(text=text), entities(text, spans, score=0.5), "unsure", 1) for text, spans in found]
    with TemporaryDirectory() as folder:
        path = Path(folder, "tasks")
        write_tasks(path, tool, tasks)
        rows, notes = read_back(export(path, tool), "ner")
    assert spans_of(rows) == [[text, spans] for text, spans in found]
    assert notes.keys() <= {"notes of annotators, left out", "spans counted in UTF-16 units, converted"}


TEXTS = st.lists(st.sampled_from(WORDS + GAPS), min_size=1, max_size=6).map("".join).filter(str.strip)
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6).filter(
    lambda s: s == s.strip() != ""
)


@pytest.mark.parametrize("tool", ["label-studio", "prodigy", "doccano", "spacy"])
@settings(max_examples=5, deadline=None)
@given(found=st.lists(st.tuples(TEXTS, st.lists(NAMES, min_size=1, max_size=3, unique=True)), min_size=2, max_size=10))
def test_labels(tool: str, found: list[tuple[str, list[str]]]) -> None:
    tasks = [PreAnnotated(row(text=text), {"labels": names}) for text, names in found]
    with TemporaryDirectory() as folder:
        path = Path(folder, "tasks")
        write_tasks(path, tool, tasks)
        rows, notes = read_back(export(path, tool), "classification")
    assert [(one["text"], sorted(one["label"])) for one in rows] == [(text, sorted(names)) for text, names in found]
    assert not notes


@pytest.mark.parametrize("tool", ["label-studio", "prodigy", "doccano", "spacy"])
def test_one_label(tool: str, tmp_path: Path) -> None:
    given = [("good 😀", "pos", 0.9), ("bad\r\nvery", "neg", 0.7)]
    tasks = [PreAnnotated(row(text=text), {"label": label, "score": score}) for text, label, score in given]
    write_tasks(tmp_path / "tasks", tool, tasks)
    rows, notes = read_back(export(tmp_path / "tasks", tool), "sentiment")
    assert [(one["text"], one["label"]) for one in rows] == [(text, [label]) for text, label, _ in given]
    assert not notes


@pytest.mark.parametrize("tool", ["label-studio", "prodigy", "doccano"])
@pytest.mark.parametrize("task", ["translation", "summarization"])
@settings(max_examples=3, deadline=None)
@given(found=st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=8))
def test_texts_for_texts(tool: str, task: str, found: list[tuple[str, str]]) -> None:
    tasks = [PreAnnotated(row(source=source), {"text": target, "score": -1.5}, "long") for source, target in found]
    with TemporaryDirectory() as folder:
        path = Path(folder, "tasks")
        write_tasks(path, tool, tasks)
        rows, notes = read_back(export(path, tool), task)
    assert [(one["source"], one["target"]) for one in rows] == found
    assert not notes


def test_numbers(tmp_path: Path) -> None:
    tasks = [PreAnnotated(row(text=text), {"value": number}) for text, number in (("x", 1.5), ("y", -2.0))]
    write_tasks(tmp_path / "tasks", "label-studio", tasks)
    rows, _ = read_back(export(tmp_path / "tasks", "label-studio"), "sentiment")
    assert [one["label"] for one in rows] == [1.5, -2.0]
    write_tasks(tmp_path / "lines", "prodigy", tasks)
    rows, _ = read_back(export(tmp_path / "lines", "prodigy"), "sentiment", columns={"label": "value"})
    assert [one["label"] for one in rows] == ["1.5", "-2.0"]


@pytest.mark.parametrize("tool", TOOLS)
def test_labels_of_the_row_itself(tool: str, tmp_path: Path) -> None:
    """Without a prediction, people start from the labels that a row has."""
    spans = [{"start": 0, "end": 3, "label": "PER"}]
    write_tasks(tmp_path / "tasks", tool, [PreAnnotated(row(text="Ada left", spans=spans))])
    rows, _ = read_back(export(tmp_path / "tasks", tool), "ner")
    assert spans_of(rows) == [["Ada left", [(0, 3, "PER")]]]


@pytest.mark.parametrize("tool", ["label-studio", "prodigy", "doccano"])
def test_further_columns_do_not_change_what_is_read(tool: str, tmp_path: Path) -> None:
    columns = {"id": "a1", "note": "mine", "title": "T", "label": "old", "spans": [], "text": "other"}
    marked = PreAnnotated(row(text="Ada left"), entities("Ada left", [(0, 3, "PER")]), "unsure", 1, columns)
    write_tasks(tmp_path / "spans", tool, [marked])
    assert spans_of(read_back(export(tmp_path / "spans", tool), "ner")[0]) == [["Ada left", [(0, 3, "PER")]]]
    labelled = PreAnnotated(row(text="Ada left"), {"label": "new"}, "unsure", 1, columns)
    write_tasks(tmp_path / "labels", tool, [labelled])
    rows, _ = read_back(export(tmp_path / "labels", tool), "classification")
    assert [(one["text"], one["label"]) for one in rows] == [("Ada left", ["new"])]
