"""``summary.json`` of a directory that holds several runs of one request: with other seeds, or one for each fold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from taskzoo.errors import RequestError

from .directory import read_json

SUMMARY_FILE = "summary.json"
SEEDS, FOLDS = "seeds", "folds"


@dataclass(frozen=True, slots=True)
class Part:
    """One of the runs: its directory inside, its seed, and its scores as one split has them; ``None``: unfinished."""

    directory: str
    seed: int
    metrics: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """Several runs of one request.

    Args:
        kind: ``seeds`` or ``folds``.
        parts: the runs.
        config: what was asked for, as ``config.yaml`` has it.
        facts: what all runs together say; empty until all are finished.
    """

    kind: str
    parts: tuple[Part, ...]
    config: Mapping[str, Any]
    facts: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """The content of ``summary.json``."""
        runs = [{"directory": p.directory, "seed": p.seed, "metrics": p.metrics} for p in self.parts]
        return {"kind": self.kind, **self.facts, "runs": runs, "config": self.config}


def read_summary(path: Path) -> Summary:
    """The summary in the directory ``path``.

    Raises:
        RequestError: it is damaged.
    """
    file = path / SUMMARY_FILE
    found = read_json(file)
    try:
        parts = tuple(Part(str(run["directory"]), int(run["seed"]), run["metrics"]) for run in found["runs"])
        facts = {name: value for name, value in found.items() if name not in ("kind", "runs", "config")}
        if found["kind"] not in (SEEDS, FOLDS) or not parts:
            raise ValueError(f"its kind is {found['kind']!r:.40}")
        return Summary(found["kind"], parts, dict(found["config"]), facts)
    except (KeyError, TypeError, ValueError) as error:
        said = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        raise RequestError(f"{str(file)!r} is damaged: {said}. Remove it, or copy the directory again.") from None
