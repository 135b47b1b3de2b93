"""What a person must know of a run before its scores: that the model has learnt nothing, or less than it should.

Each finding says what happened and what to try. All of it comes from the scores as they are in ``metrics.json``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from taskzoo.option_names import setting_name
from taskzoo.score_text import decimals
from taskzoo.task import Task
from taskzoo.types import Score

BASELINE, VERDICT, FORGOTTEN = "baseline", "verdict", "forgotten"
"""Keys of ``metrics.json`` that are not splits."""

MANY = 0.1
"""What is wrong with this share of the outputs is reported."""
NEARLY_ALL, MOSTLY = 0.99, 0.95
"""An answer given to nearly all rows is reported, unless they have it mostly."""
FEWEST_WRONG, FEWEST_ROWS = 5, 20
"""Fewer rows, wrong and in all, do not show that a model has learnt nothing."""
SHOWN = 80
"""Characters of an output that are shown."""

Scores = Mapping[str, Any]
Finding = tuple[str, Sequence[str]]
"""What happened, and what to try, the most promising first."""


def split_scores(metrics: Mapping[str, Any]) -> dict[str, Scores]:
    """Split -> its scores, without what else ``metrics.json`` has."""
    return {name: scores for name, scores in metrics.items() if name not in (BASELINE, VERDICT, FORGOTTEN)}


def verdict(
    metrics: Mapping[str, Any],
    primary: Score | None = None,
    remedies: Sequence[str] = (),
    misfits: Sequence[str] = (),
) -> list[str]:
    """What is wrong with the model, a sentence or two each, the most important first; nothing for one that has learnt.

    Args:
        metrics: as in ``metrics.json``; the last split is judged.
        primary: the score by which it is; ``None``: not against a constant answer.
        remedies: what to try where little was learnt, the most promising first
            (:meth:`taskzoo.methods.base.Method.remedies`).
        misfits: sentences on what may be the cause, such as texts that the model can't read; they stand second.
    """
    splits = split_scores(metrics)
    if not splits:
        return list(misfits)
    split, scores = list(splits.items())[-1]
    title, generates = "" if split == "data" else f"{split} ", "generated" in scores
    remedies = generation_remedies() if generates else remedies
    nothing = [*_nothing_found(scores, title), *((what, remedies) for what in _one_answer(scores, title))][:1]
    findings: list[Finding] = [
        *nothing,
        *((what, remedies) for what in _one_output(scores, title)),
        *_empty(scores, title),
        *((what, remedies) for what in _below_constant(scores, primary) if not nothing),
        *((what, remedies) for what in _below_baseline(metrics)),
        *_copies(scores, title),
        *_loops(scores, title),
        *((what, ()) for what in _one_answer_to_few(scores, title)),
    ]
    said, given = [], set[str]()
    for what, advice in findings:
        new = [one for one in advice if one not in given]
        said.append(f"{what} Try {alternatives(new)}." if new else what)
        given.update(new)
    return [*said[:1], *misfits, *said[1:]]


def generation_remedies() -> list[str]:
    """What to try where a model has not learnt to generate."""
    return ["another pretrained model", "more epochs", "more training rows"]


def judging_score(task: Task) -> Score | None:
    """The score by which the task's models are judged: its primary one, or the first where that is the loss."""
    scores = [score for metric in task.metrics() for score in metric.scores]
    return next((score for score in scores if score.describes(task.primary_metric)), scores[0] if scores else None)


def alternatives(words: Sequence[str]) -> str:
    """``a``, ``a or b``, ``a, b or c``."""
    return " or ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def _nothing_found(scores: Scores, title: str) -> Iterator[Finding]:
    """Of entities or labels of which a row may have any number."""
    found = scores.get("found")
    if found and not found["predicted"] and found["gold"] >= FEWEST_WRONG:
        have = f"the {scores['rows']:,} {title}rows, which have {found['gold']:,}"
        what = f"No {found['what']} were found in {have}: the model has learnt nothing."
        yield what, ["more epochs", "another learning rate", "another model"]


def _one_answer(scores: Scores, title: str) -> Iterator[str]:
    most, rows = scores.get("most_frequent_answer"), scores.get("details_rows", scores["rows"])
    if not most or most["gold_answers"] < 2:
        return
    every = most["rows"] == rows
    if rows - most["gold_rows"] < FEWEST_WRONG:
        return
    if not every and (most["rows"] < NEARLY_ALL * rows or most["gold_rows"] >= MOSTLY * rows):
        return
    constant = scores["constant_answer"]
    name = f", {constant['name']}" if constant["name"] and constant["answer"] == most["answer"] else ""
    who = f"Every {title}row was" if every else f"{most['rows']:,} of {rows:,} {title}rows were"
    learnt = "nothing" if every else "next to nothing"
    yield f"{who} given {_answer(most['answer'])}{name}: the model has learnt {learnt}."


def _one_answer_to_few(scores: Scores, title: str) -> Iterator[str]:
    """What :func:`_one_answer` says, where the rows are too few to blame the model."""
    most, rows = scores.get("most_frequent_answer"), scores.get("details_rows", scores["rows"])
    if most and most["rows"] == rows and 0 < (wrong := rows - most["gold_rows"]) < FEWEST_WRONG:
        have = f"{wrong} of {rows:,} have another" if wrong > 1 else f"one of {rows:,} has another"
        yield f"Every {title}row was given {_answer(most['answer'])}, and {have}: these rows are too few to tell more."


def _below_constant(scores: Scores, primary: Score | None) -> Iterator[str]:
    constant = scores.get("constant_answer")
    if primary is None or not constant or scores["rows"] < FEWEST_ROWS:
        return
    if scores.get("details_rows", scores["rows"]) - constant["gold_rows"] < FEWEST_WRONG:
        return
    value, least = scores.get(primary.name), constant["scores"].get(primary.name)
    if value is None or least is None or primary.better(value, least):
        return
    side = "above" if primary.higher_is_better else "below"
    name = f", {constant['name']}" if constant["name"] else ""
    yield (
        f"{primary.name} {value:.3f} is not {side} {least:.3f}, that of giving every row {_answer(constant['answer'])}"
        f"{name}: the model has learnt next to nothing."
    )


def _below_baseline(metrics: Mapping[str, Any]) -> Iterator[str]:
    if comparison(metrics) == "worse":
        yield f"The model is worse than {baseline_name(metrics)}: {baseline_difference(metrics)}."


def _one_output(scores: Scores, title: str) -> Iterator[str]:
    most, rows = scores.get("most_repeated_output") or {"rows": 0}, scores["rows"]
    if most["rows"] < max(2, MANY * rows):
        return
    text = most["text"] if len(most["text"]) <= SHOWN else f"{most['text'][:SHOWN]}..."
    yield f'The model generated the same output for {most["rows"]:,} of {rows:,} {title}rows: "{text}".'


def _empty(scores: Scores, title: str) -> Iterator[Finding]:
    if count := _many(scores, "empty"):
        what = f"Nothing was generated for {count:,} of {scores['rows']:,} {title}rows."
        yield what, [setting_name("min_new_tokens=1"), *generation_remedies()]


def _copies(scores: Scores, title: str) -> Iterator[Finding]:
    if count := _many(scores, "copies"):
        what = f"For {count:,} of {scores['rows']:,} {title}rows the output is the source itself."
        yield what, generation_remedies()


def _loops(scores: Scores, title: str) -> Iterator[Finding]:
    if count := _many(scores, "loops"):
        repeats = "repeats the same four words three times or more"
        what = f"For {count:,} of {scores['rows']:,} {title}rows the output {repeats}."
        yield what, [setting_name("no_repeat_ngram=4"), *generation_remedies()]


def _many(scores: Scores, name: str) -> int:
    """How many outputs are so, if they are many; otherwise 0."""
    count = int((scores.get("generated") or {}).get(name, 0))
    return count if count >= max(2, MANY * scores["rows"]) else 0


def _answer(answer: Mapping[str, Any]) -> str:
    """``'neutral'``, ``3.2``, ``'joy' and 'love'``, ``no label``."""
    (value,) = answer.values() if len(answer) == 1 else (list(answer.values()),)
    if isinstance(value, list):
        return " and ".join(map(repr, value)) or "no label"
    return f"{value:.4g}" if isinstance(value, float) else repr(value)


# the baseline


def comparison(metrics: Mapping[str, Any]) -> str:
    """How the model compares with the baseline: ``better``, ``worse``, ``unclear``, or empty without a comparison."""
    found = _difference(metrics)
    if not found or found["value"] is None:
        return ""
    low, high = found["ci95"] or (0.0, 0.0)
    if low <= 0 <= high:
        return "unclear"
    return "better" if (found["value"] > 0) is found["higher_is_better"] else "worse"


def baseline_name(metrics: Mapping[str, Any]) -> str:
    """``the baseline (TF-IDF)``; runs of earlier versions do not say what it is."""
    name = metrics[BASELINE].get("name")
    return f"the baseline ({name})" if name else "the baseline"


def baseline_difference(metrics: Mapping[str, Any]) -> str:
    """``f1_macro -0.208 [-0.230, -0.190] on test``."""
    found = _difference(metrics)
    split = list(metrics[BASELINE]["difference"])[-1]
    digits = decimals(found["value"], *(found["ci95"] or ()))
    ends = "".join(f" [{low:+.{digits}f}, {high:+.{digits}f}]" for low, high in filter(None, [found["ci95"]]))
    return f"{found['metric']} {found['value']:+.{digits}f}{ends} on {split}"


def _difference(metrics: Mapping[str, Any]) -> Mapping[str, Any]:
    """On the last split."""
    found = (metrics.get(BASELINE) or {}).get("difference") or {}
    return found[list(found)[-1]] if found else {}
