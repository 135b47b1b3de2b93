"""The run directory: stable names, and files that are never half-written."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from taskzoo.errors import RequestError


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """Paths inside one run."""

    path: Path

    @property
    def config(self) -> Path:
        return self.path / "config.yaml"

    @property
    def manifest(self) -> Path:
        return self.path / "manifest.json"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.json"

    @property
    def history(self) -> Path:
        return self.path / "history.jsonl"

    @property
    def predictions(self) -> Path:
        return self.path / "predictions.jsonl"

    @property
    def model(self) -> Path:
        return self.path / "model"

    @property
    def adapter(self) -> Path:
        return self.path / "adapter"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def card(self) -> Path:
        return self.path / "README.md"

    @property
    def data(self) -> Path:
        """Rows that were given in memory, so that the run can be repeated."""
        return self.path / "data"

    def read_manifest(self) -> dict[str, Any]:
        """The manifest.

        Raises:
            RequestError: there is none, so this is no run directory; or it is damaged.
        """
        if not self.manifest.is_file():
            raise RequestError(f"{str(self.path)!r} is not a run directory: it has no manifest.json.")
        manifest: dict[str, Any] = read_json(self.manifest)
        return manifest


def new_run_path(output: str | None, task: str, model: str, *, ours: bool = False) -> Path:
    """Where a new run goes: ``output``, or ``runs/TASK-MODEL-TIME``.

    ``ours`` says that another process of the same run may have made it just now.

    Raises:
        RequestError: it exists already (an empty directory is fine).
    """
    if output is None:
        short = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(model).name).strip("-") or "model"
        stem = f"{task.replace('/', '-')}-{short}-{datetime.now():%Y%m%d-%H%M%S}"
        path, number = Path("runs") / stem, 1
        while path.exists():
            number += 1
            path = Path("runs") / f"{stem}-{number}"
        return path
    path = Path(output)
    if not ours and (path.is_file() or (path.is_dir() and any(path.iterdir()))):
        raise RequestError(f"The output directory {output!r} exists already; choose another --output or remove it.")
    if blocking := next((parent for parent in path.parents if parent.is_file()), None):
        raise RequestError(f"The output directory {output!r} cannot be made: {str(blocking)!r} is a file.")
    return path


def read_json(path: Path) -> Any:
    """The content of a JSON file of the run.

    Raises:
        RequestError: it is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise RequestError(f"{str(path)!r} is damaged: it is not JSON.") from None


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` in one step: readers see the old content or the new."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text, encoding="utf-8")
    os.replace(fresh, path)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON in one step."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_jsonl(path: Path, values: Iterable[Any]) -> None:
    """Write one JSON value a line in one step."""
    write_text(path, "".join(json.dumps(v, ensure_ascii=False) + "\n" for v in values))
