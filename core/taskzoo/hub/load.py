"""``taskzoo.load``: a run from this machine or from the hub."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskzoo.runs.load import Run
from taskzoo.runs.load import load as load_local

from .download import local_run

if TYPE_CHECKING:
    from taskzoo.registry import TaskReference


def load(
    path: str | Path,
    *,
    task: TaskReference | None = None,
    precision: str = "auto",
    options: Mapping[str, Any] | None = None,
    trust_remote_code: bool = False,
) -> Run:
    """As :func:`taskzoo.runs.load.load`; ``path`` may also be a run on the hub: ``USER/NAME``, ``USER/NAME@REVISION``.

    A path that exists is never looked for on the hub.
    """
    folder = local_run(path)
    return load_local(folder, task=task, precision=precision, options=options, trust_remote_code=trust_remote_code)
