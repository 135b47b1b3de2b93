"""``zoo squad-score``: exact match and F1 of answers in a file, without a model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any

import typer

from taskzoo import DataError, Example, RequestError

Answered = Mapping[str, str | None] | list[str | None]
"""Answers by the ids of their questions, or in the order of the questions; ``None``: left open, which is wrong."""


def squad_score(
    predictions: Annotated[
        Path, typer.Argument(help="Answers: JSON {id: text}, or JSON lines of zoo predict or of a run's predictions.")
    ],
    gold: Annotated[Path, typer.Argument(help="Questions with gold answers, in any format of the task qa.")],
    language: Annotated[str, typer.Option(help="Rules: en (SQuAD), zh (CMRC 2018), or auto: by the script.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Score the answers in a file: exact match and F1 of SQuAD or CMRC 2018, with 95% intervals."""
    from taskzoo.data.readers import ReadRequest, read_rows
    from taskzoo.metrics.intervals import bootstrap_intervals

    from . import QA
    from .metrics import AnswerScores
    from .task import QaTask

    task = QaTask(QA.resolve_options({"language": language}))
    examples = task.prepare(read_rows(gold, ReadRequest(QA)), "test")
    if any(example["answers"] for example in examples):
        task.fit(examples)  # which only looks at the script
    answers = _read_predictions(predictions)
    texts, missing = _in_order(answers, examples, predictions)
    unknown = len(set(answers) - {example["id"] for example in examples}) if isinstance(answers, dict) else 0
    metric = AnswerScores(task.language)
    statistics = metric.statistics([{"text": text} for text in texts], task.references(examples))
    scorer = metric.scorer(statistics)
    values = metric.from_sums(statistics.sum(axis=0))
    intervals = bootstrap_intervals(len(statistics), scorer, described=metric.scores)
    found: dict[str, Any] = {"questions": len(examples), "missing": missing, "unknown": unknown}
    found["language"] = task.language
    for name, value in values.items():
        if value == value:  # undefined without such questions
            found[name] = value
            found[f"{name}_ci95"] = [round(bound, 6) for bound in intervals[name]]
    typer.echo(json.dumps(found) if as_json else _table(found))
    if missing:
        typer.echo(f"{missing} questions have no prediction and count as wrong.", err=True)
    if unknown:
        typer.echo(f"{unknown} predictions are for questions that the gold file does not have.", err=True)


def _table(found: Mapping[str, Any]) -> str:
    lines = [
        f"{found['questions']} questions, compared as {'CMRC 2018' if found['language'] == 'zh' else 'SQuAD'} does"
    ]
    for name in found:
        if f"{name}_ci95" in found:
            low, high = found[f"{name}_ci95"]
            lines.append(f"{name:<20}{100 * found[name]:7.2f}   [{100 * low:.2f}, {100 * high:.2f}]")
    return "\n".join(lines)


def _read_predictions(path: Path) -> Answered:
    """The answers of a file; in order where its lines have no ids.

    Raises:
        DataError: it cannot be read, or holds something else, or an id twice, or ids in some lines only.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"the file cannot be read ({error.strerror}).", file=str(path)) from None
    except UnicodeDecodeError:
        raise DataError("this is not UTF-8 text.", file=str(path)) from None
    try:
        whole = json.loads(text, object_pairs_hook=lambda pairs: _by_id(pairs, str(path)))
    except ValueError:
        whole = None
    if isinstance(whole, dict) and not ({"text", "prediction"} & whole.keys()):
        for name, answer in whole.items():
            if not isinstance(answer, str | None):
                raise DataError(f"the answer to {name!r} is not a text.", file=str(path))
        return whole
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    pairs = [_line(line, str(path), number) for number, line in lines]
    without = [number for (number, _), (name, _) in zip(lines, pairs, strict=True) if name is None]
    if without and len(without) < len(pairs):
        message = "this line has no id, and others have one; give each line its id, or none."
        raise DataError(message, file=str(path), line=without[0])
    return [answer for _, answer in pairs] if without else _by_id(pairs, str(path), [number for number, _ in lines])


def _by_id(pairs: Sequence[tuple[Any, Any]], source: str, lines: Sequence[int] = ()) -> dict[str, Any]:
    """The pairs as a dictionary; an id that is given twice is refused, with its line if there are ``lines``."""
    found: dict[str, Any] = {}
    for (name, answer), line in zip_longest(pairs, lines):
        if str(name) in found:
            raise DataError(f"{str(name)!r} is given twice; keep one of the two.", file=source, line=line)
        found[str(name)] = answer
    return found


def _line(line: str, source: str, number: int) -> tuple[Any, str | None]:
    """Id and answer of a line."""
    try:
        value = json.loads(line)
    except ValueError:
        value = None
    inner = value.get("prediction", value) if isinstance(value, dict) else None
    if not isinstance(inner, dict) or "text" not in inner or not isinstance(inner["text"], str | None):
        raise DataError('expected {id: text}, or lines such as {"id": ..., "text": ...}.', file=source, line=number)
    return inner.get("id"), inner["text"]


def _in_order(found: Answered, examples: list[Example], path: Path) -> tuple[list[str | None], int]:
    """The answer to each question, ``None`` where there is none, and how many questions the file does not have."""
    if isinstance(found, list):
        if len(found) != len(examples):
            raise RequestError(
                f"{path} has {len(found)} answers without ids and the gold file {len(examples)} questions; the answers "
                "need ids, or one line for each question in the same order."
            )
        return list(found), 0
    texts = [found.get(example["id"]) for example in examples]
    missing = sum(example["id"] not in found for example in examples)
    if missing == len(examples):
        raise RequestError(f"No id in {path} is that of a question in the gold file; are these its predictions?")
    return texts, missing
