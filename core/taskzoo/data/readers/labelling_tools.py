"""Labels of texts, and texts for texts, as Prodigy and Label Studio export them.

Their spans are read by the tasks that find spans.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from taskzoo.errors import shown
from taskzoo.option_names import option_name
from taskzoo.types import Row

from ..columns import Columns
from .base import FileReader
from .files import to_text
from .json_values import begins_as_json, json_values
from .span_lists import count_left_out

_ANSWERS = re.compile(rb'"(_input_hash|_task_hash)"\s*:|"answer"\s*:\s*"(accept|reject|ignore)"')
_ANNOTATIONS = re.compile(rb'"(annotations|completions)"\s*:\s*\[')


class ProdigyLabels(FileReader):
    """One row per example that was accepted: its ``label``, or the list of the options chosen.

    A rejected label says only what a text is not, so its row is left out, as are those ignored.
    """

    name = "prodigy-labels"
    roles = ("text", "label")

    def matches(self, head: bytes) -> bool:
        return begins_as_json(head) and _ANSWERS.search(head) is not None

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        examples: list[tuple[int, Mapping[str, Any]]] = []
        for line, value in json_values(to_text(data, columns.source), columns):
            if isinstance(value, Mapping):
                chosen = {"label": value["accept"]} if isinstance(value.get("accept"), list) else {}
                examples.append((line, {**chosen, **value}))
            else:
                columns.leave_out(columns.error("an example of Prodigy is a JSON object.", line))
        kept = first_answers([(line, value) for line, value in examples if is_accepted(value, columns)], columns)
        if columns.request.labelled:
            for _, value in kept:
                count_left_out({kind: value.get(kind) for kind in ("spans", "relations")}, columns)
        labels = {str(value.get("label")) for _, value in examples}
        if len(labels) == 1 and columns.request.labelled and "label" not in columns.mapped and _are_rejected(examples):
            how = option_name("columns", {"label": "answer"})
            message = f"every example has the label {shown(min(labels))}, and the answers tell them apart; read these"
            raise columns.error(f"{message}, with {how}.", examples[0][0])
        return columns.rows(kept)


class ProdigyTexts(FileReader):
    """One row per example that was accepted: its ``text`` is the source, what was typed the target."""

    name = "prodigy-texts"
    roles = ("source", "target")

    def matches(self, head: bytes) -> bool:
        return begins_as_json(head) and _ANSWERS.search(head) is not None

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        rows = []
        for line, value in json_values(to_text(data, columns.source), columns):
            if isinstance(value, Mapping):
                rows.append((line, {"source": value["text"], **value} if "text" in value else value))
            else:
                columns.leave_out(columns.error("an example of Prodigy is a JSON object.", line))
        return columns.rows(first_answers([pair for pair in rows if is_accepted(pair[1], columns)], columns))


class LabelStudioChoices(FileReader):
    """One row per task, with a column for each control of choices, stars or numbers; ``label`` where it is one."""

    name = "label-studio-choices"
    roles = ("text", "label")

    def matches(self, head: bytes) -> bool:
        return is_label_studio(head)

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        rows: list[tuple[int, dict[str, Any]]] = []
        given: list[tuple[int, dict[str, Any], dict[str, Any]]] = []
        for line, task in json_values(to_text(data, columns.source), columns):
            with columns.leaving_out():
                row, annotation = annotated_task(line, task, columns)
                if not columns.request.labelled:
                    rows.append((line, row))
                elif annotation is not None:
                    given.append((line, row, _choices(annotation, columns)))
        controls = {name for _, _, choices in given for name in choices}
        for line, row, choices in given:
            label = {"label": next(iter(choices.values()))} if len(controls) == 1 and choices else {}
            if choices:
                rows.append((line, {**row, **choices, **label}))
            else:
                columns.request.notes["tasks without a choice, left out"] += 1
        return columns.rows(rows)


class LabelStudioTexts(FileReader):
    """One row per task: its text and what was written in a text area; several entries are several targets."""

    name = "label-studio-texts"
    roles = ("source", "target")

    def matches(self, head: bytes) -> bool:
        return is_label_studio(head)

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        rows: list[tuple[int, dict[str, Any]]] = []
        for line, task in json_values(to_text(data, columns.source), columns):
            with columns.leaving_out():
                row, annotation = annotated_task(line, task, columns)
                if "source" not in columns.mapped and isinstance(row.get("text"), str):
                    row = {"source": row["text"], **row}
                written = _written(annotation) if annotation is not None else []
                if annotation is not None and not written:
                    columns.request.notes["tasks without a text written for them, left out"] += 1
                elif annotation is not None:
                    others = [r for r in annotation.get("result") or [] if r.get("type") != "textarea"]
                    count_results(others, columns)
                    rows.append((line, {**row, "target": written[0] if len(written) == 1 else written}))
                elif not columns.request.labelled:
                    rows.append((line, row))
        return columns.rows(rows)


def _written(annotation: Mapping[str, Any]) -> list[str]:
    """The texts of the text areas of an annotation."""
    found: list[str] = []
    for region in annotation.get("result") or []:
        if region.get("type") == "textarea":
            texts = (region.get("value") or {}).get("text") or []
            found += [str(text) for text in texts] if isinstance(texts, list) else [str(texts)]
    return found


def first_answers(
    examples: Sequence[tuple[int, Mapping[str, Any]]], columns: Columns
) -> list[tuple[int, Mapping[str, Any]]]:
    """The examples of Prodigy without those that another person has answered before; these are counted."""
    seen: dict[Any, Any] = {}
    kept = []
    for line, value in examples:
        person = value.get("_annotator_id", value.get("_session_id"))
        task = value.get("_task_hash")
        if not columns.request.labelled or task is None or seen.setdefault(str(task), person) == person:
            kept.append((line, value))
        else:
            columns.request.notes["answers of further annotators to the same example, left out"] += 1
    return kept


def count_results(results: Sequence[Mapping[str, Any]], columns: Columns) -> None:
    """Note what an annotation of Label Studio holds that the task does not read."""
    for kind in [str(region.get("type")) for region in results]:
        name = "relations" if kind == "relation" else f"results of the type {kind}"
        count_left_out({name: 1}, columns)


def is_accepted(example: Mapping[str, Any], columns: Columns) -> bool:
    """Whether an example of Prodigy counts; others are counted as left out.

    All do without labels. Where the answers are themselves a column that is read, only those ignored do not.
    """
    answer = example.get("answer", "accept")
    left_out = ("ignore",) if "answer" in columns.mapped.values() else ("reject", "ignore")
    if not columns.request.labelled or answer not in left_out:
        return True
    columns.request.notes[f"examples with the answer {answer}, left out"] += 1
    return False


def _are_rejected(examples: Sequence[tuple[int, Mapping[str, Any]]]) -> bool:
    """Whether any example is."""
    return any(value.get("answer") == "reject" for _, value in examples)


def is_label_studio(head: bytes) -> bool:
    """Whether a file that begins so is Label Studio's JSON export."""
    return begins_as_json(head) and b'"result"' in head and _ANNOTATIONS.search(head) is not None


def annotated_task(line: int, task: Any, columns: Columns) -> tuple[dict[str, Any], Mapping[str, Any] | None]:
    """The data of a task of Label Studio and its annotation: the ground truth, else the first that was not cancelled.

    Data of one text has it under ``text``. ``None``: there is no annotation (which is counted), or none is wanted.

    Raises:
        DataError: it is not such a task.
    """
    data = task.get("data") if isinstance(task, Mapping) else None
    if not isinstance(data, Mapping):
        raise columns.error("a task of a Label Studio export has its text under 'data', and this one has not.", line)
    row, notes = dict(data), columns.request.notes
    texts = [name for name, value in data.items() if isinstance(value, str)]
    if len(texts) == 1 and "text" not in columns.mapped:
        row = {"text": row.pop(texts[0]), **row}
    if not columns.request.labelled:
        return row, None
    every = task.get("annotations") or task.get("completions") or []
    if not _is_list_of_objects(every) or not all(_has_results(annotation) for annotation in every):
        message = (
            "an annotation of Label Studio is an object with a list of objects under 'result', and one here is not"
        )
        raise columns.error(f"{message}; export the project again as JSON.", line)
    done = [one for one in every if not (one.get("was_cancelled") or one.get("skipped"))]
    if not done:
        notes["tasks without an annotation, left out"] += 1
        return row, None
    if len(done) > 1:
        notes["further annotations of the same task, left out"] += len(done) - 1
        if len({_content(annotation) for annotation in done}) > 1:
            notes["tasks whose annotations differ, one of them read"] += 1
    return row, max(done, key=lambda one: bool(one.get("ground_truth")))


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, Mapping) for item in value)


def _has_results(annotation: Mapping[str, Any]) -> bool:
    """Whether the results of an annotation, if it has any, are in the form that Label Studio writes."""
    results = annotation.get("result") or []
    return _is_list_of_objects(results) and all(isinstance(one.get("value") or {}, Mapping) for one in results)


def _content(annotation: Mapping[str, Any]) -> str:
    """What an annotation says, whatever its order."""
    regions = [[region.get("from_name"), region.get("value")] for region in annotation.get("result") or []]
    return json.dumps(sorted(json.dumps(region, sort_keys=True) for region in regions))


def _choices(annotation: Mapping[str, Any], columns: Columns) -> dict[str, Any]:
    """Control -> what was chosen for the whole text: a list of choices, a number of stars, or a number."""
    others: list[Mapping[str, Any]] = []
    found: dict[str, Any] = {}
    for region in annotation.get("result") or []:
        value = region.get("value") or {}
        if region.get("type") in ("choices", "rating", "number") and "start" not in value:
            found[str(region.get("from_name", "label"))] = value.get(region["type"])
        else:
            others.append(region)
    count_results(others, columns)
    return found
