"""Entities in a text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .answers import Answer
from .confusion import EACH, GROUPS
from .finished import Finished
from .kind import Kind, is_number
from .marked import Span, marked, spans_of, window
from .markup import name
from .section import Group, Section, Shown
from .thresholds import Confidences, Words
from .top import Top

RIGHT, BOUNDARIES, TYPE, MISSED, SPURIOUS = "right", "wrong boundaries", "wrong type", "missed", "spurious"
OUTCOMES = (BOUNDARIES, TYPE, MISSED, SPURIOUS)
WORDS = Words("entities", "precision", "recall", "coverage: entities kept")
MOST_TYPES = 40


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an entity: that of gold, that which was predicted in its place, or both."""

    what: str
    gold: Span | None
    predicted: Span | None

    @property
    def type(self) -> str:
        """The type that it counts for: that of gold, if there is one."""
        span = self.gold or self.predicted
        return span.label if span else ""


@dataclass(frozen=True, slots=True)
class TypeLine:
    """A type with how often it is gold and right, and outcome -> count and anchor of rows."""

    label: str
    gold: int
    right: int
    outcomes: list[tuple[int, str]]


class Entities(Kind):
    """``{"text": ..., "entities": [{"start", "end", "label", "score"}]}`` against ``{"entities": [...]}``."""

    worst_title = "Rows with the most confident wrong entities"
    hint = "Entities with a dashed line are wrong; after the type: what is wrong, and the confidence of the model."

    def __init__(self, run: Finished) -> None:
        super().__init__(run)
        self._counts: Counter[tuple[str, str]] = Counter()
        self._pairs: Counter[tuple[str, str]] = Counter()
        self._rows: dict[tuple[str, str], Top] = {}
        self.confidences = Confidences()

    @staticmethod
    def fits(answer: Answer) -> bool:
        return isinstance(answer.reference.get("entities"), list)

    def add(self, answer: Answer) -> None:
        scores, errors = _scores(answer), list[tuple[Outcome, float]]()
        for outcome in outcomes(answer):
            self._counts[outcome.type, outcome.what] += 1
            sure = scores.get(outcome.predicted, 0.0) if outcome.predicted else 0.0
            if outcome.predicted and scores:
                self.confidences.add(sure, right=outcome.what == RIGHT)
            self.confidences.gold += outcome.gold is not None
            if outcome.what == RIGHT:
                continue
            errors.append((outcome, sure))
            self._rows.setdefault((outcome.type, outcome.what), Top(EACH)).add(sure, answer.row)
            if outcome.what == TYPE and outcome.gold and outcome.predicted:
                self._pairs[outcome.gold.label, outcome.predicted.label] += 1
        badness = max((sure for _, sure in errors), default=0.0) + 1e-6 * len(errors)
        self.count(answer, wrong=bool(errors), badness=badness)

    def sections(self) -> list[Section]:
        pairs = sorted(self._pairs.items(), key=lambda item: (-item[1], item[0]))[:20]
        content = {"lines": self._lines(), "outcomes": OUTCOMES, "pairs": pairs, "types": len(self._types())}
        found = [Section("outcomes", "Entity errors", "outcomes.html", content)] if self._counts else []
        curve = self.confidences.section(WORDS)
        return [*found, *([curve] if curve else [])]

    def groups(self) -> list[Group]:
        return [
            Group(anchor, f"{name(label)}: {what}", self._rows[label, what].rows(), self._counts[label, what])
            for (label, what), anchor in self._anchors().items()
        ]

    def show(self, answer: Answer) -> Shown:
        return Shown(answer, "", self.lines(answer))

    def lines(self, answer: Answer) -> list[tuple[str, object]]:
        value, gold, predicted = _sides(answer)
        found = list(outcomes(answer))
        wrong_gold = {one.gold: one.what for one in found if one.gold and one.what != RIGHT}
        wrong_predicted = {one.predicted: one.what for one in found if one.predicted and one.what != RIGHT}
        scores, shown = _scores(answer), window(value, [*wrong_gold, *wrong_predicted])
        said = {s: f"{what} {scores[s]:.2f}" if s in scores else what for s, what in wrong_predicted.items()}
        return [("gold", marked(value, gold, wrong_gold, shown)), ("predicted", marked(value, predicted, said, shown))]

    def _types(self) -> list[str]:
        gold: Counter[str] = Counter()
        for (label, what), count in self._counts.items():
            gold[label] += count * (what != SPURIOUS)
        return sorted(gold, key=lambda label: (-gold[label], label))

    def _lines(self) -> list[TypeLine]:
        anchors, lines = self._anchors(), []
        for label in self._types()[:MOST_TYPES]:
            found = {what: self._counts[label, what] for what in (RIGHT, *OUTCOMES)}
            cells = [(found[what], anchors.get((label, what), "")) for what in OUTCOMES]
            lines.append(TypeLine(label, sum(found.values()) - found[SPURIOUS], found[RIGHT], cells))
        return lines

    def _anchors(self) -> dict[tuple[str, str], str]:
        """The most frequent kinds of errors, whose rows are shown."""
        wrong = [(count, key) for key, count in self._counts.items() if key[1] != RIGHT]
        return {
            key: f"entity-{i}" for i, (_, key) in enumerate(sorted(wrong, key=lambda one: (-one[0], one[1]))[:GROUPS])
        }


def outcomes(answer: Answer) -> Iterator[Outcome]:
    """What became of each entity, gold or predicted, of a row; each is in one outcome.

    What is not right is paired by overlap: first with an entity of the same characters and another type, then with one
    of the same type and other characters, then with any.
    """
    _, gold, predicted = _sides(answer)
    yield from (Outcome(RIGHT, span, span) for span in gold if span in predicted)
    left = [span for span in predicted if span not in gold]
    for span in [span for span in gold if span not in predicted]:
        near = [other for other in left if other.start < span.end and span.start < other.end]
        if not near:
            yield Outcome(MISSED, span, None)
            continue
        best = min(
            near, key=lambda other: ((other.start, other.end) != (span.start, span.end), other.label != span.label)
        )
        left.remove(best)
        yield Outcome(BOUNDARIES if best.label == span.label else TYPE, span, best)
    yield from (Outcome(SPURIOUS, None, span) for span in left)


def _sides(answer: Answer) -> tuple[str, list[Span], list[Span]]:
    value = str(answer.prediction.get("text", ""))
    sides = (spans_of(side.get("entities"), len(value)) for side in (answer.reference, answer.prediction))
    gold, predicted = sides
    return value, gold, predicted


def _scores(answer: Answer) -> Mapping[Span, float]:
    found: dict[Span, float] = {}
    for entity in answer.prediction.get("entities") or ():
        score: Any = entity.get("score") if isinstance(entity, dict) else None
        for span in spans_of([entity], len(str(answer.prediction.get("text", "")))):
            if is_number(score):
                found[span] = float(score)
    return found
