"""Files for labelling tools in the form that these import, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from taskzoo import DataError
from taskzoo.errors import RequestError
from taskzoo.labelling_tools import PreAnnotated, write_tasks

from .kit import row

FOUND = {"start": 2, "end": 5, "label": "PER", "score": 0.75}
NER = PreAnnotated(row(text="😀 Ada"), {"text": "😀 Ada", "entities": [FOUND]}, "unsure", 2)


def values(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_label_studio_has_predictions_and_a_configuration_that_fits(tmp_path: Path) -> None:
    write_tasks(tmp_path / "tasks.json", "label-studio", [NER])
    (task,) = json.loads((tmp_path / "tasks.json").read_text(encoding="utf-8"))
    assert task["data"] == {"text": "😀 Ada", "note": "unsure", "rank": 2}
    (prediction,) = task["predictions"]
    assert (prediction["model_version"], prediction["score"]) == ("taskzoo", 0.75)
    (result,) = prediction["result"]
    assert result["value"] == {"start": 2, "end": 5, "text": "Ada", "labels": ["PER"]}
    view = ElementTree.parse(tmp_path / "tasks.xml").getroot()
    control, text = view.find("Labels"), view.find("Text")
    assert control is not None
    assert text is not None
    assert (result["from_name"], result["to_name"]) == (control.get("name"), control.get("toName"))
    assert result["to_name"] == text.get("name")
    assert text.get("value") == "$text"
    assert [label.get("value") for label in control] == ["PER"]


def test_prodigy_and_doccano_have_the_score_and_the_note(tmp_path: Path) -> None:
    write_tasks(tmp_path / "p.jsonl", "prodigy", [NER])
    span = {"start": 2, "end": 5, "label": "PER"}
    assert values(tmp_path / "p.jsonl") == [
        {"text": "😀 Ada", "spans": [span], "meta": {"score": 0.75, "note": "unsure", "rank": 2}}
    ]
    write_tasks(tmp_path / "d.jsonl", "doccano", [NER])
    assert values(tmp_path / "d.jsonl") == [
        {"text": "😀 Ada", "label": [[3, 6, "PER"]], "model_score": 0.75, "note": "unsure", "rank": 2}
    ]


def test_brat_has_a_file_for_each_row_and_its_types(tmp_path: Path) -> None:
    write_tasks(tmp_path / "docs", "brat", [NER])
    files = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "docs").iterdir()}
    assert files["row-1.txt"] == "😀 Ada"
    assert files["row-1.ann"] == "T1\tPER 2 5\tAda\n#1\tAnnotatorNotes T1\tnote: unsure rank: 2\n"
    assert files["annotation.conf"].splitlines()[:2] == ["[entities]", "PER"]


def test_a_second_text_is_shown(tmp_path: Path) -> None:
    task = PreAnnotated(row(text="a", text_pair="b"), {"label": "same"})
    write_tasks(tmp_path / "tasks.json", "label-studio", [task])
    view = ElementTree.parse(tmp_path / "tasks.xml").getroot()
    assert [text.get("value") for text in view.findall("Text")] == ["$text", "$text_pair"]


LABEL = PreAnnotated(row(text="x"), {"label": "a"})


@pytest.mark.parametrize(
    ("tool", "tasks", "message"),
    [
        ("brat", [LABEL], "brat has nothing for labels of texts"),
        ("doccano", [PreAnnotated(row(text="x"), {"value": 1.5})], "doccano has nothing for numbers"),
        ("spacy", [PreAnnotated(row(source="x"), {"text": "y"})], "spaCy has nothing for texts to generate"),
        ("tally", [LABEL], "no labelling tool 'tally' here; use one of label-studio"),
        ("prodigy", [], "no rows to write for prodigy"),
        ("prodigy", [LABEL, NER], r"several kinds \(label, spans\)"),
        ("brat", [PreAnnotated(row(text="Ada"), {"entities": [(0, 3, "a person")]})], "and there is 'a person'"),
    ],
)
def test_what_a_tool_cannot_take_is_refused_and_nothing_written(
    tmp_path: Path, tool: str, tasks: list[PreAnnotated], message: str
) -> None:
    with pytest.raises(RequestError, match=message):
        write_tasks(tmp_path / "tasks", tool, tasks)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("entity", "message"),
    [
        ({"start": 1, "end": 9, "label": "PER"}, r"pool\.jsonl:3: the span 1-9 \(PER\) lies outside the text"),
        ({"start": 0, "end": 3, "label": "PER", "text": "Bo"}, "says 'Bo' and the text has 'Ada' there"),
        ({"start": "0", "end": 3, "label": "PER"}, "is not start, end and label"),
    ],
)
def test_a_span_that_does_not_fit_is_an_error(tmp_path: Path, entity: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        write_tasks(tmp_path / "tasks", "prodigy", [PreAnnotated(row(text="Ada"), {"entities": [entity]})])
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_empty_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(RequestError, match="brat needs a new folder"):
        write_tasks(tmp_path, "brat", [NER])
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    (tmp_path / "new").mkdir()
    write_tasks(tmp_path / "new", "brat", [NER])
    assert len(list((tmp_path / "new").iterdir())) == 3
