"""brat: a folder with ``NAME.txt`` and ``NAME.ann`` for each row, and ``annotation.conf``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from taskzoo.errors import RequestError

from .kinds import kind_of, label_names, refuse
from .task_form import MarkedSpan, TaskForm


def files(tasks: Sequence[TaskForm], labels: Sequence[str] = ()) -> Mapping[str, str]:
    """The files of the folder. Offsets count code points, line ends included as they are."""
    refuse("brat", kind_of(tasks), "label", "labels", "number", "text")
    names = label_names(tasks, labels)
    if odd := [name for name in names if not re.fullmatch(r"[\w-]+", name)]:
        raise RequestError(f"brat has types of letters, digits, - and _ only, and there is {odd[0]!r}; rename it.")
    width = len(str(len(tasks)))
    found = {"annotation.conf": "\n".join(["[entities]", *names, "[relations]", "[events]", "[attributes]", ""])}
    for number, task in enumerate(tasks, 1):
        found[f"row-{number:0{width}}.txt"] = task.text
        found[f"row-{number:0{width}}.ann"] = "".join(_lines(task))
    return found


def _lines(task: TaskForm) -> Iterator[str]:
    """An annotation for each span; the note and the rank as the remark of the document's first one."""
    for number, span in enumerate(task.label or [], 1):
        parts = list(_parts(task.text, span))
        where = ";".join(f"{start} {end}" for start, end in parts)
        yield f"T{number}\t{span.label} {where}\t{' '.join(task.text[start:end] for start, end in parts)}\n"
    if task.meta and task.label:
        remark = " ".join(f"{name}: {value}" for name, value in task.meta.items())
        yield f"#1\tAnnotatorNotes T1\t{' '.join(remark.split())}\n"


def _parts(text: str, span: MarkedSpan) -> Iterator[tuple[int, int]]:
    """The pieces of a span between line breaks, which brat keeps as pieces of one annotation."""
    for piece in re.finditer(r"[^\r\n]+", text[span.start : span.end]):
        if piece.group().strip():
            yield span.start + piece.start(), span.start + piece.end()
