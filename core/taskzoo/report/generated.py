"""Generated text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from taskzoo.metrics.translation import sentence_chrf

from .answers import Answer
from .finished import Finished
from .kind import LONGEST, Kind
from .markup import cut
from .section import Section
from .word_diff import nearest, word_diff

COMPARED = 20_000
"""Rows that are compared one by one; more take minutes."""


class Generated(Kind):
    """``{"source": ..., "text": ...}`` against ``{"targets": [...]}``."""

    worst_title = "Least like their references (lowest chrF)"
    hint = "In the difference, words only in the reference are struck through, words only in the output underlined."

    def __init__(self, run: Finished) -> None:
        super().__init__(run)
        self.total = 0

    @staticmethod
    def fits(answer: Answer) -> bool:
        return isinstance(answer.reference.get("targets"), list)

    def add(self, answer: Answer) -> None:
        self.total += 1
        if self.total > COMPARED:
            return
        output, targets = _output(answer), _targets(answer)
        self.count(answer, wrong=output not in targets, badness=-sentence_chrf(output, targets or [""]))

    def sections(self) -> list[Section]:
        notes = list(self._notes())
        return [Section("outputs", "The outputs", "notes.html", notes)] if notes else []

    def title(self, answer: Answer) -> str:
        return f"chrF {sentence_chrf(_output(answer), _targets(answer) or ['']):.1f}"

    def lines(self, answer: Answer) -> list[tuple[str, object]]:
        output, targets = _output(answer), _targets(answer)
        closest = nearest(output, targets)
        shown: list[tuple[str, object]] = [
            ("reference" if len(targets) == 1 else f"nearest of {len(targets)} references", cut(closest, LONGEST)),
            ("output", cut(output, LONGEST) if output.strip() else "(empty)"),
        ]
        if output.strip() and targets:
            shown.append(("difference", word_diff(output, closest)))
        return shown

    def _notes(self) -> Iterator[str]:
        found, scores = self.run.scores.get("generated") or {}, self.run.scores
        rows = scores.get("rows", self.total)
        for key, what in (
            ("empty", "are empty"),
            ("copies", "are the source itself"),
            ("loops", "repeat the same four words three times or more"),
        ):
            if key in found:
                yield f"{found[key]:,} of {rows:,} outputs {what}."
        most: Any = scores.get("most_repeated_output")
        if most and most["rows"] > 1:
            cut_text = most["text"][:120] + ("…" if len(most["text"]) > 120 else "")
            yield f"The output given most often, for {most['rows']:,} rows with different references: “{cut_text}”."
        if self.total > COMPARED:
            yield f"Only the first {COMPARED:,} rows were compared one by one, for the list of errors."


def _output(answer: Answer) -> str:
    return str(answer.prediction.get("text", ""))


def _targets(answer: Answer) -> list[str]:
    return [str(target) for target in answer.reference.get("targets") or ()]
