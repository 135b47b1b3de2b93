"""What was found of given labels, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from taskzoo.types import Prediction, Row

from .noise import Value


@dataclass(frozen=True, slots=True)
class Suspect:
    """A label that looks wrong.

    Args:
        rank: from 1.
        chance: that it is wrong, as the model has it.
        number: the index of its row among all rows; several rows may stand on one line.
        row: its row, by roles, with its place.
        text: its inputs, for people.
        given: the label; ``likely``: what the model finds likeliest.
        problem: how they differ, where there are several ways.
        prediction: of the whole row.
    """

    rank: int
    chance: float
    number: int
    row: Row
    text: str
    given: str
    likely: str
    problem: str
    prediction: Prediction

    @property
    def note(self) -> str:
        """Why it is shown, in a few words."""
        problem = f"{self.problem}: " if self.problem else ""
        return f"{problem}given {self.given}, likely {self.likely} (wrong with {self.chance:.0%})"

    def to_dict(self) -> dict[str, Any]:
        """For a line of JSON."""
        place = {"rank": self.rank, "chance": round(self.chance, 4), "file": self.row.source, "line": self.row.line}
        label = {"text": self.text, "given": self.given, "likely": self.likely}
        return {**place, **label, **({"problem": self.problem} if self.problem else {})}


@dataclass(frozen=True, slots=True)
class Alike:
    """Texts that are nearly the same, with labels that differ.

    Args:
        similarity: 1 where they differ in case, spaces and punctuation at most.
        texts: ``(file, line, text, label)`` of each.
    """

    similarity: float
    texts: tuple[tuple[str, int, str, str], ...]

    def to_dict(self) -> dict[str, Any]:
        names = ("file", "line", "text", "label")
        rows = [dict(zip(names, item, strict=True)) for item in self.texts]
        return {"similarity": self.similarity, "rows": rows}


@dataclass(frozen=True, slots=True)
class LabelReport:
    """The labels of all rows.

    Args:
        unit: what one of them is called: ``label``, ``decision`` (a row and one of several labels), ``number``,
            ``entity``.
        rows: how many rows there are.
        labels: how many labels were checked.
        agreement: the share of labels that are as the model has them; ``None`` for numbers.
        wrong: how many labels are wrong, with a 95% interval.
        suspects: those that look wrong, the surest first.
        precisions: of the first so many suspects, the share that is wrong, with a 95% interval.
        alike: texts that are nearly the same, with labels that differ.
        notes: what was left out.
        names: the labels that there are, or the types of entities; none for numbers.
    """

    unit: str
    rows: int
    labels: int
    agreement: float | None
    wrong: Value
    suspects: Sequence[Suspect]
    precisions: Mapping[int, Value]
    alike: Sequence[Alike]
    notes: Sequence[str]
    names: Sequence[str] = ()

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        facts = {name: value for name, value in asdict(self).items() if name in ("unit", "rows", "labels", "agreement")}
        return {
            **facts,
            "wrong": self.wrong[0],
            "wrong_ci95": list(self.wrong[1:]),
            "precision_at": {
                str(size): {"precision": value[0], "precision_ci95": list(value[1:])}
                for size, value in self.precisions.items()
            },
            "suspects": [suspect.to_dict() for suspect in self.suspects],
            "near_duplicates": [one.to_dict() for one in self.alike],
            "notes": list(self.notes),
        }
