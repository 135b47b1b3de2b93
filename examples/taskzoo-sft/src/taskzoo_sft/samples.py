"""``--track samples``: what the model answers after each evaluation."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from taskzoo import Callback, Example, Prediction, RunFacts

SAMPLES = 5


class Samples(Callback):
    """Appends to ``samples.jsonl`` of the run: a line per evaluation and prompt, of the first validation rows.

    Of a task other than ``sft``, a line holds whatever it predicts.
    """

    path: Path

    def run_started(self, run: RunFacts) -> None:
        self.path = run.path / "samples.jsonl"

    def training_started(self, step: int) -> None:
        """Lines after ``step``, and a last one without an end, are of an attempt that was interrupted."""
        lines = self.path.read_text(encoding="utf-8").split("\n")[:-1] if self.path.is_file() else []
        kept = [line for line in lines if json.loads(line)["step"] <= step]
        self.path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")

    def validated(
        self, step: int, examples: Sequence[Example], predict: Callable[[Sequence[Example]], list[Prediction]]
    ) -> None:
        shown = examples[:SAMPLES]
        asked = [Example({**e.fields, "answer": None, "learnt": False}, e.source, e.line) for e in shown]
        with self.path.open("a", encoding="utf-8") as file:
            for example, prediction in zip(shown, predict(asked), strict=True):
                line = {"step": step, **prediction, "target": example.get("answer")}
                print(json.dumps(line, ensure_ascii=False), file=file)
