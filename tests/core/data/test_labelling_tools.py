"""Labels of whole texts from Prodigy and Label Studio."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from taskzoo import DataError, registry
from taskzoo.data.readers import ReadRequest, read_rows

from .conftest import Write

Example = dict[str, Any]


def read(write: Write, values: list[Example], task: str = "classification", **wanted: Any) -> tuple[list[Any], Any]:
    """Text and label of each row, and what was noted."""
    path = write("export.jsonl", "".join(json.dumps(value) + "\n" for value in values))
    request = ReadRequest(registry.task(task), **wanted)
    return [(row["text"], row.get("label")) for row in read_rows(path, request)], request.notes


def task(text: str, *results: Mapping[str, Any], **fields: Any) -> Example:
    return {"data": {"review": text, "id": 7}, "annotations": [{"result": list(results), **fields}]}


def choice(*names: str, control: str = "topic") -> Example:
    return {"type": "choices", "from_name": control, "to_name": "text", "value": {"choices": list(names)}}


@pytest.mark.parametrize("name", ["classification", "sentiment"])
def test_what_was_rejected_or_ignored_in_prodigy_is_left_out_and_counted(write: Write, name: str) -> None:
    answers = ["accept", "reject", "ignore", "accept", "reject"]
    values = [{"text": f"x {i}", "label": "ab"[i % 2], "answer": answer} for i, answer in enumerate(answers)]
    rows, notes = read(write, values, name)
    assert rows == [("x 0", "a"), ("x 3", "b")]
    assert notes == {"examples with the answer reject, left out": 2, "examples with the answer ignore, left out": 1}


def test_the_options_chosen_in_prodigy_are_the_labels(write: Write) -> None:
    options = [{"id": "a", "text": "A"}, {"id": "b", "text": "B"}]
    values = [
        {"text": "x", "options": options, "accept": accept, "answer": answer, "_input_hash": 1}
        for accept, answer in ((["a"], "accept"), (["b", "a"], "accept"), ([], "accept"), (["b"], "reject"))
    ]
    rows, _ = read(write, values)
    assert [label for _, label in rows] == [["a"], ["b", "a"], []]


def test_the_answers_about_one_label_are_the_classes(write: Write) -> None:
    answers = ["accept", "reject", "ignore"]
    values = [{"text": answer, "label": "URGENT", "answer": answer} for answer in answers]
    with pytest.raises(
        DataError, match=r"every example has the label 'URGENT', .* read these, with --columns label=answer"
    ):
        read(write, values)
    rows, notes = read(write, values, columns={"label": "answer"})
    assert rows == [("accept", "accept"), ("reject", "reject")]
    assert notes == {"examples with the answer ignore, left out": 1}


def test_every_text_is_predicted_whatever_its_answer(write: Write) -> None:
    values = [{"text": "x", "label": "a", "answer": "reject"}, {"text": "y", "label": "a", "answer": "ignore"}]
    assert [text for text, _ in read(write, values, labelled=False)[0]] == ["x", "y"]


def test_choices_of_label_studio_are_read_from_its_export(write: Write) -> None:
    span = {"type": "labels", "from_name": "ner", "value": {"start": 0, "end": 1, "labels": ["PER"]}}
    values = [
        task("x", choice("a")),
        task("y", span, choice("a", "b")),
        task("z"),
        task("w", choice("a"), was_cancelled=True),
    ]
    rows, notes = read(write, values)
    assert rows == [("x", ["a"]), ("y", ["a", "b"])]
    assert notes == {
        "tasks without a choice, left out": 1,
        "tasks without an annotation, left out": 1,
        "results of the type labels, left out": 1,
    }
    assert [text for text, _ in read(write, values, labelled=False)[0]] == ["x", "y", "z", "w"]


def test_stars_of_label_studio(write: Write) -> None:
    stars = {"type": "rating", "from_name": "stars", "value": {"rating": 4}}
    assert read(write, [task("x", stars)], "sentiment")[0] == [("x", 4)]


def test_of_several_controls_one_must_be_named(write: Write) -> None:
    values = [task("x", choice("a"), choice("c", control="tone")), task("y", choice("b"))]
    with pytest.raises(DataError, match=r"label could be column|no column for label; found .*'tone'"):
        read(write, [task("x", choice("a", control="place"), choice("c", control="tone"))])
    assert read(write, values, columns={"label": "topic"})[0] == [("x", ["a"]), ("y", ["b"])]


@pytest.mark.parametrize(
    "annotations", [3, ["x"], [{"result": ["x"]}], [{"result": 3}], [{"result": [{"value": "x"}]}]]
)
@pytest.mark.parametrize("name", ["classification", "summarization"])
def test_annotations_of_another_form_are_refused_by_their_line(write: Write, name: str, annotations: Any) -> None:
    good = task("x", choice("a"), {"type": "textarea", "value": {"text": ["short"]}})
    with pytest.raises(DataError, match=r"export.jsonl:2: an annotation of Label Studio is an object") as caught:
        read(write, [good, {"data": {"review": "y"}, "annotations": annotations}], name)
    assert caught.value.line == 2


@pytest.mark.parametrize(("spans", "counted"), [([{"start": 0}], 1), ("x", 1), (None, 0), (2.5, 1)])
def test_spans_in_any_form_are_counted_as_left_out(write: Write, spans: Any, counted: int) -> None:
    values = [{"text": "x", "label": "a", "answer": "accept", "spans": spans, "_task_hash": [1]}]
    rows, notes = read(write, values)
    assert rows == [("x", "a")]
    assert notes == ({"spans, left out": counted} if counted else {})


def test_spans_that_are_no_list_are_left_to_the_task(write: Write) -> None:
    values = [{"text": "x", "spans": spans, "answer": "accept", "_task_hash": 1} for spans in ([], 3)]
    path = write("export.jsonl", "".join(json.dumps(value) + "\n" for value in values))
    assert [row["spans"] for row in read_rows(path, ReadRequest(registry.task("ner")))] == [[], 3]


def test_offsets_that_are_no_numbers_are_left_to_the_task(write: Write) -> None:
    def example(text: str, start: Any) -> Example:
        return {"text": text, "entities": [{"start_offset": start, "end_offset": 5, "label": "X"}]}

    path = write("export.jsonl", "".join(json.dumps(example("\U0001f600 abc", n)) + "\n" for n in ([1], 3)))
    wrong, good = read_rows(path, ReadRequest(registry.task("ner")))
    assert wrong["spans"] == [{"start": [1], "end": 5, "label": "X"}]
    assert good["spans"] == [{"start": 2, "end": 4, "label": "X"}]  # in characters, one less than in UTF-16 units
