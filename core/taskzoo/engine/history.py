"""``history.jsonl``: one line per logged step, evaluation and fitted layer."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from taskzoo.callbacks import Callback, RunFacts
from taskzoo.durable import flush, write_text


class History(Callback):
    """Keeps the history of a run in its directory."""

    always = True

    def run_started(self, run: RunFacts) -> None:
        self._file = run.path / "history.jsonl"
        self._file.touch()

    def training_started(self, step: int) -> None:
        """Drop lines that a crash left after the saved state; the last of them may be half-written."""
        self._write(line for line in self._lines() if json.loads(line)["step"] <= step)

    def fitted(self, values: Mapping[str, Any]) -> None:
        """A line in place of an earlier one, which a run that was stopped may have, and of how training began then."""
        lines = self._lines()
        earlier = next((place for place, line in enumerate(lines) if '"probe"' in line), len(lines))
        self._write(lines[:earlier] + [line for line in lines[earlier + 1 :] if json.loads(line)["step"]])
        self._append(values)

    def _lines(self) -> list[str]:
        """All whole ones."""
        lines = self._file.read_text(encoding="utf-8").splitlines(keepends=True)
        return [line for line in lines if line.endswith("\n")]

    def _write(self, lines: Iterable[str]) -> None:
        write_text(self._file, "".join(lines))

    def _append(self, values: Mapping[str, Any]) -> None:
        """JSON has no infinity, which the norm of a gradient is that half precision could not hold: ``null``."""
        line = {name: None if isinstance(v, float) and not math.isfinite(v) else v for name, v in values.items()}
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    step = _append

    def evaluation(self, values: Mapping[str, Any]) -> None:
        """A line after which a state may be saved: it is on the disk, with those before it."""
        self._append(values)
        flush(self._file)
