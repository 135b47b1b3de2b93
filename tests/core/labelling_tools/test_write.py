"""Files for labelling tools in the form that these import, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from taskzoo import DataError
from taskzoo.errors import RequestError
from taskzoo.labelling_tools import TOOLS, PreAnnotated, write, write_tasks

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


@pytest.mark.parametrize("tool", TOOLS)
def test_what_has_a_name_like_that_of_an_unfinished_file_stays(tmp_path: Path, tool: str) -> None:
    (tmp_path / "tasks.new").mkdir()
    (tmp_path / "tasks.new" / "mine.txt").write_text("x")
    (tmp_path / "tasks.xml.new").write_text("x")
    write_tasks(tmp_path / "tasks", tool, [NER])
    assert (tmp_path / "tasks.new" / "mine.txt").read_text() == "x"
    assert (tmp_path / "tasks.xml.new").read_text() == "x"


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_nothing_is_left_of_a_folder_that_could_not_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    def failing(fresh: Path, path: Path) -> None:
        assert len(list(fresh.iterdir())) == 3
        raise error

    monkeypatch.setattr(write, "replace", failing)
    with pytest.raises(error):
        write_tasks(tmp_path / "tasks", "brat", [NER])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("tool", TOOLS)
def test_half_a_character_is_refused_and_nothing_written(tmp_path: Path, tool: str) -> None:
    task = PreAnnotated(row(text="bad \ud800 text"), {"entities": []})
    with pytest.raises(RequestError, match=r"half of a character, which no file can hold: .*bad .*ud800 text"):
        write_tasks(tmp_path / "tasks", tool, [task])
    assert not list(tmp_path.iterdir())


def test_people_choose_from_all_labels_that_are_known(tmp_path: Path) -> None:
    write_tasks(tmp_path / "t.json", "label-studio", [LABEL], ["b", "a", "c"])
    view = ElementTree.parse(tmp_path / "t.xml").getroot()
    assert [choice.get("value") for choice in view.iter("Choice")] == ["a", "b", "c"]
    write_tasks(tmp_path / "t.jsonl", "prodigy", [LABEL], ["b", "c"])
    assert [option["id"] for option in values(tmp_path / "t.jsonl")[0]["options"]] == ["a", "b", "c"]
    write_tasks(tmp_path / "spacy.json", "spacy", [LABEL], ["b"])
    assert json.loads((tmp_path / "spacy.json").read_text())[0][1] == {"cats": {"a": 1.0, "b": 0.0}}
    write_tasks(tmp_path / "docs", "brat", [NER], ["LOC"])
    assert (tmp_path / "docs" / "annotation.conf").read_text().splitlines()[:3] == ["[entities]", "LOC", "PER"]
    number = PreAnnotated(row(text="x"), {"value": 1.5})
    write_tasks(tmp_path / "n.json", "label-studio", [number], ["LABEL_0"])
    assert [list(control) for control in ElementTree.parse(tmp_path / "n.xml").getroot().iter("Number")] == [[]]


def test_further_columns_go_where_a_tool_keeps_them(tmp_path: Path) -> None:
    columns = {"id": 7, "note": "mine", "colours": ["x"]}
    task = PreAnnotated(row(text="x"), {"label": "a"}, "unsure", 1, columns)
    write_tasks(tmp_path / "t.json", "label-studio", [task])
    kept = {"id": 7, "column_note": "mine", "colours": ["x"], "note": "unsure", "rank": 1}
    assert json.loads((tmp_path / "t.json").read_text())[0]["data"] == {"text": "x", **kept}
    write_tasks(tmp_path / "t.jsonl", "prodigy", [task])
    assert values(tmp_path / "t.jsonl")[0]["meta"] == kept
    write_tasks(tmp_path / "d.jsonl", "doccano", [task])
    assert values(tmp_path / "d.jsonl") == [
        {"text": "x", "label": ["a"], "column_id": 7, **{name: value for name, value in kept.items() if name != "id"}}
    ]


def test_a_file_that_is_no_configuration_written_here_stays(tmp_path: Path) -> None:
    (tmp_path / "tasks.xml").write_text("<View/>")
    with pytest.raises(RequestError, match=r"tasks\.xml'.* is there already and is not one that was written here"):
        write_tasks(tmp_path / "tasks.json", "label-studio", [NER])
    with pytest.raises(RequestError, match=r"new\.xml' is where the labelling configuration goes"):
        write_tasks(tmp_path / "new.xml", "label-studio", [NER])
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("tasks.xml", "<View/>")]
    for label in ("a", "b"):
        write_tasks(tmp_path / "mine.json", "label-studio", [PreAnnotated(row(text="x"), {"label": label})])
    assert 'value="b"' in (tmp_path / "mine.xml").read_text()
