"""``history.jsonl``: one line per logged step, evaluation and fitted layer."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from taskzoo.callbacks import Callback, RunFacts
from taskzoo.durable import write_text


class History(Callback):
    """Keeps the history of a run in its directory."""

    always = True

    def run_started(self, run: RunFacts) -> None:
        self._file = run.path / "history.jsonl"
        self._file.touch()

    def training_started(self, step: int) -> None:
        """Drop lines that a crash left after the saved state; the last of them may be half-written."""
        self._keep(lambda line: line.endswith("\n") and json.loads(line)["step"] <= step)

    def fitted(self, values: Mapping[str, Any]) -> None:
        """A line in place of an earlier one, which a run that was stopped may have."""
        self._keep(lambda line: '"probe"' not in line)
        self._append(values)

    def _keep(self, wanted: Callable[[str], bool]) -> None:
        lines = self._file.read_text(encoding="utf-8").splitlines(keepends=True)
        write_text(self._file, "".join(filter(wanted, lines)))

    def _append(self, values: Mapping[str, Any]) -> None:
        """JSON has no infinity, which the norm of a gradient is that half precision could not hold: ``null``."""
        line = {name: None if isinstance(v, float) and not math.isfinite(v) else v for name, v in values.items()}
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    step = evaluation = _append
