"""Sentences that differ in one name or group: whether the model answers otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from taskzoo.errors import RequestError
from taskzoo.runs.load import Run
from taskzoo.types import Prediction, Row

from .answers import ENTITIES, LABELS, VALUE, form_of
from .asking import Say
from .differences import of_pairs
from .gap import PAIRS, Gap, Section
from .lists import SLOT, PairLists

TITLE = "Pairs of sentences"
FOUND = "the name is found as an entity"


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A template filled in, and where the filler stands."""

    text: str
    start: int
    end: int


def pair_section(run: Run, lists: PairLists, say: Say, title: str = TITLE) -> Section:
    """Each group against the mean of the others, over the templates.

    Raises:
        RequestError: the task reads several texts, or its predictions cannot be compared so.
    """
    if len(run.task.input_roles) > 1:
        raise RequestError(
            f"Pairs fill one text, and this run reads {' and '.join(run.task.input_roles)}; use --only "
            "slices,perturbations."
        )
    compared = _compared_dimensions(run, lists)
    gaps: list[Gap] = []
    for name in compared:
        for quantity, values in _amounts(run, lists, name, say).items():
            gaps += _compared(name, quantity, list(lists.dimensions[name]), values)
    notes = [
        f"{len(lists.templates)} templates for each group; intervals are for other templates of the kind, with these "
        "words in the slot. A probability that a prediction does not list counts as 0."
    ]
    if left_out := [name for name in lists.dimensions if name not in compared]:
        notes.append(f"Not compared, as their words are no names that are entities: {', '.join(left_out)}.")
    return Section(PAIRS, title, tuple(gaps), tuple(notes))


def _compared_dimensions(run: Run, lists: PairLists) -> list[str]:
    """All dimensions; of a run that finds entities, those whose words are names.

    Raises:
        RequestError: there are none.
    """
    word = next(iter(next(iter(lists.dimensions.values())).values()))[0]
    text = _filled(lists.templates[0], word).text
    first = run.predict_rows([Row({run.spec.input_role: text}, "pairs", 1)])[0]
    if form_of(first, {run.spec.input_role}) != ENTITIES:
        return list(lists.dimensions)
    if not lists.names:
        raise RequestError(
            "This run finds entities, and the file of --groups does not say which of its dimensions "
            f"({', '.join(lists.dimensions)}) have names for words, which are to be found; add names: [DIMENSION]."
        )
    return [name for name in lists.dimensions if name in lists.names]


def _amounts(run: Run, lists: PairLists, name: str, say: Say) -> dict[str, np.ndarray]:
    """Quantity -> its means, ``[templates, groups]``."""
    groups = lists.dimensions[name].values()
    sentences = [[[_filled(template, word) for word in words] for words in groups] for template in lists.templates]
    flat = [one for row in sentences for group in row for one in group]
    say(f"Predicting {len(flat):,} texts: pairs, {name}")
    predictions = run.predict_rows([Row({run.spec.input_role: one.text}, "pairs", i) for i, one in enumerate(flat, 1)])
    measured = _quantities(flat, predictions, {run.spec.input_role})
    found = {}
    for quantity, values in measured.items():
        waiting = iter(values)
        found[quantity] = np.array(
            [[np.mean([next(waiting) for _ in group]) for group in row] for row in sentences], dtype=np.float64
        )
    return found


def _filled(template: str, word: str) -> _Sentence:
    start = template.index(SLOT)
    text = template.replace(SLOT, word)
    return _Sentence(text[:1].upper() + text[1:], start, start + len(word))


def _quantities(
    sentences: Sequence[_Sentence], predictions: Sequence[Prediction], given: set[str]
) -> dict[str, list[float]]:
    """What is compared between groups, of each sentence.

    Raises:
        RequestError: predictions have neither probabilities nor numbers nor entities.
    """
    form = form_of(predictions[0], given)
    if form == ENTITIES:
        pairs = zip(sentences, predictions, strict=True)
        return {FOUND: [float(_has(p, one)) for one, p in pairs]}
    if form == VALUE:
        return {"value": [float(p["value"]) for p in predictions]}
    scores = [p.get("scores") for p in predictions]
    if form == LABELS and all(isinstance(one, Mapping) for one in scores):
        known = [one for one in scores if isinstance(one, Mapping)]
        labels = sorted({label for one in known for label in one})
        if len(labels) == 2 and all(abs(sum(one.values()) - 1) < 0.01 for one in known):
            labels = labels[1:]  # the other one is the rest
        return {f"probability of {label!r}": [float(one.get(label, 0.0)) for one in known] for label in labels}
    if isinstance(predictions[0].get("value"), int | float):
        return {"value": [float(p["value"]) for p in predictions]}
    raise RequestError(
        "Pairs compare probabilities of labels, numbers or entities, and the predictions of this run have none of "
        "these; use --only slices,perturbations."
    )


def _has(prediction: Prediction, one: _Sentence) -> bool:
    return any(e["start"] == one.start and e["end"] == one.end for e in prediction["entities"])


def _compared(name: str, quantity: str, groups: Sequence[str], values: np.ndarray) -> list[Gap]:
    """A gap for each group, of two groups one; ``values``: ``[templates, groups]``."""
    gaps = []
    scale = 0.0 if quantity == "value" else 1.0
    for place in range(len(groups) if len(groups) > 2 else 1):
        own = values[:, place]
        others = np.delete(values, place, axis=1).mean(axis=1)
        found = of_pairs(own - others)
        whom = groups[1 - place] if len(groups) == 2 else "the mean of the others"
        more, (low, high) = found.value >= 0, found.ci95
        first, second = (groups[place], whom) if more else (whom, groups[place])
        sides = (float(own.mean()), float(others.mean()))
        gaps.append(
            Gap(
                PAIRS,
                f"{name}: {first} against {second}",
                quantity,
                abs(found.value),
                (low, high) if more else (-high, -low),
                found.p,
                sides if more else (sides[1], sides[0]),
                (len(values), len(values)),
                scale,
            )
        )
    return gaps
